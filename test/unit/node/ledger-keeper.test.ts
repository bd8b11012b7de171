import t from 'tap'
import { equalBytes, utf8 } from '../../../lib/base/mod.ts'
import { Ledger } from '../../../lib/ledger/mod.ts'
import { FOREIGN_PERSIST_DELAY_MS } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import type { Gossip } from '../../../lib/node/gossip.ts'
import { LedgerKeeper } from '../../../lib/node/ledger-keeper.ts'
import type { NodeOutput } from '../../../lib/node/outputs.ts'
import { fakeIdentity, fakeSuite } from '../../support/fake-suite.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const MESH = new Uint8Array(16).fill(4)
const KEY = utf8('key')

/** A ledger, its keeper, and the order in which things were asked for. */
function world(stored: Iterable<readonly [string, Uint8Array]> = [], name = 'ada') {
  const identity = fakeIdentity(name)
  const ledger = new Ledger({ suite: fakeSuite, identity, meshId: MESH, chance: seededChance(1) })
  const order: string[] = []
  const store = new Map(stored)
  const logs: string[] = []
  const context = {
    config: { identity },
    ledger,
    emit: (output: NodeOutput) => {
      if (output.type !== 'persist') return
      order.push('persist')
      for (const [key, value] of output.puts) store.set(key, value)
      for (const key of output.deletes) store.delete(key)
    },
    log: (_level: string, event: string) => logs.push(event),
  } as unknown as NodeContext
  const gossip = {
    flush: () => {
      if (ledger.takeOwnWrites().length > 0) order.push('gossip')
    },
  } as unknown as Gossip
  const keeper = new LedgerKeeper(context, gossip)
  keeper.restore([...store], 0)
  // As a peer does that nobody can know.
  ledger.speak()
  return { identity, ledger, keeper, order, store, logs }
}

t.test('what this peer writes is in the store before it is told to anybody', t => {
  const w = world()
  w.ledger.put(9, KEY, utf8('value'))
  w.keeper.flush(0)
  t.same(w.order, ['persist', 'gossip'])
  t.ok([...w.store.keys()].every(key => key.startsWith('ledger/')))
  t.end()
})

t.test('a restart on the store holds what was written, above all that was sent', t => {
  const w = world()
  w.ledger.put(9, KEY, utf8('value'))
  w.keeper.take(0)
  const seq = w.ledger.ownSeq
  const again = world(w.store)
  const record = again.ledger.get(again.identity.peerId, 9, KEY)
  t.ok(record !== undefined && equalBytes(record.value, utf8('value')))
  t.ok(again.ledger.ownSeq > seq)
  t.end()
})

t.test('returns each change once', t => {
  const w = world()
  w.keeper.take(0)
  w.ledger.put(9, KEY, utf8('value'))
  t.equal(w.keeper.take(0).length, 1)
  t.equal(w.keeper.take(0).length, 0)
  w.ledger.put(9, KEY, utf8('other'))
  w.keeper.flush(0)
  t.equal(w.keeper.take(0).length, 1, 'those of a flush in between too')
  t.end()
})

t.test('what others wrote is gathered, and stored after the delay or at once when asked', t => {
  const bob = world([], 'bob')
  bob.ledger.put(9, KEY, utf8('of bob'))
  const { peerId: owner, signingPublic } = bob.identity
  const records = bob.ledger.takeOwnWrites()
  const w = world()
  w.keeper.take(0)
  w.order.length = 0
  w.ledger.merge({ owner, signingPublic, records }, 0)
  w.keeper.take(100)
  t.same(w.order, [])
  t.equal(w.keeper.pollTimeout()?.at, 100 + FOREIGN_PERSIST_DELAY_MS)
  w.keeper.handleTimeout(100 + FOREIGN_PERSIST_DELAY_MS)
  t.same(w.order, ['persist'])
  t.equal(w.keeper.pollTimeout().reason, 'collect', 'nothing more waits')
  const again = world(w.store)
  t.ok(again.ledger.get(bob.identity.peerId, 9, KEY) !== undefined)
  t.end()
})

t.test('a store whose entries make no sense is said so and mended, and the ledger begins empty', t => {
  const w = world()
  w.ledger.put(9, KEY, utf8('value'))
  w.keeper.take(0)
  const spoiled = [...w.store].map(([key, value]) => [key, value.subarray(0, 3)] as const)
  const again = world(spoiled)
  t.same(again.logs, ['ledger-unreadable'])
  again.keeper.take(0)
  t.same(world(again.store).logs, [], 'once')
  t.equal(again.ledger.get(again.identity.peerId, 9, KEY), undefined)
  t.end()
})

t.test('what was learnt of others is taken up in pieces after the start', t => {
  const bob = world([], 'bob')
  for (let i = 0; i < 20; i++) bob.ledger.put(9, Uint8Array.of(i), utf8('of bob'))
  const { peerId: owner, signingPublic } = bob.identity
  const w = world()
  w.keeper.take(0)
  w.ledger.merge({ owner, signingPublic, records: bob.ledger.takeOwnWrites() }, 0)
  w.keeper.take(0)
  w.keeper.persistForeign()
  const isOwn = (key: string) => key.slice('ledger/'.length).startsWith(w.identity.peerId, 1)
  const foreign = [...w.store].filter(([key]) => !isOwn(key)).sort(([a], [b]) => (a < b ? -1 : 1))
  const again = world([...w.store].filter(([key]) => isOwn(key)))
  const told: string[] = []
  for (let at = 0; at < foreign.length; at += 5) told.push(...again.keeper.remember(foreign.slice(at, at + 5), 0))
  t.same(told, [], 'more of the owner may come')
  told.push(...again.keeper.remember([], 0))
  t.same(told, [owner])
  t.equal(again.ledger.recordsOf(owner, 9).length, 20)
  const other = world([...w.store].filter(([key]) => isOwn(key)))
  for (const [key, value] of foreign) other.store.set(key, value)
  other.keeper.remember(
    foreign.map(([key, value]) => [key, key === 'ledger/mesh' ? new Uint8Array(16) : value]),
    0,
  )
  other.keeper.remember([], 0)
  t.equal(other.ledger.report().owners, 1, 'of another mesh nothing is taken')
  const left = [...other.store.keys()].filter(key => !isOwn(key))
  t.same(left, ['ledger/mesh'], 'and nothing stays, to be taken for this one later')
  t.end()
})
