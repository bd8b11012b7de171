import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { utf8 } from '../../../lib/base/mod.ts'
import { LEDGER_LIMITS, type Ledger } from '../../../lib/ledger/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, ledgerOf, MemoryStore, partOf, reconcile, signedRecord, writesOf } from '../../support/ledgers.ts'

const idOf = (name: string): PeerId => fakeIdentity(name).peerId

function come(ledger: Ledger, name: string, now = 0): boolean {
  return ledger.merge(partOf(fakeIdentity(name), [signedRecord(fakeIdentity(name), 1)]), now).changed.length > 0
}

function isHeld(ledger: Ledger, name: string): boolean {
  return ledger.signingPublicOf(idOf(name)) !== undefined
}

const peers = (...names: readonly string[]) => new Set(names.map(idOf))

/** What part each may have, by name; nobody else has any. */
function sharesOf(list: Record<string, number>): (peer: PeerId) => number {
  const shares = new Map(Object.entries(list).map(([name, share]) => [idOf(name), share]))
  return peer => shares.get(peer) ?? 0
}

t.test('4096 made-up identities keep no honest newcomer out that has a link', async t => {
  const b = ledgerOf('b')
  for (let i = 0; i < LEDGER_LIMITS.ownersMax; i++) come(b, `made up ${i}`, i)
  t.equal(b.report().owners, LEDGER_LIMITS.ownersMax)
  t.same(b.report().drops, { 'too-many-owners': 1 })
  t.notOk(come(b, 'newcomer'), 'whom nobody knows is as good as those')
  b.setMet([idOf('newcomer')])
  t.ok(come(b, 'newcomer'))
  t.notOk(isHeld(b, 'made up 0'), 'the one that was longest suspended went')
  t.equal(b.report().owners, LEDGER_LIMITS.ownersMax)
  b.setReachable(peers(), 10_000, sharesOf({ far: 0.01 }))
  t.ok(come(b, 'far'), 'so does one that somebody vouches for')
  t.ok(isHeld(b, 'newcomer'))
  for (let i = 0; i < 300; i++) come(b, `more ${i}`)
  t.ok(isHeld(b, 'newcomer') && isHeld(b, 'far'))
})

t.test('a newcomer takes the place of the one with the least share, if it has more itself', async t => {
  const b = ledgerOf('b', { ownersMax: 8 })
  t.notOk(b.isFull)
  const made = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`made up ${i}`, 0.01 / (1 + i)]))
  for (const name of Object.keys(made)) come(b, name)
  t.equal(b.report().owners, 8)
  t.ok(b.isFull)
  const reachable = peers(...Object.keys(made))
  b.setReachable(reachable, 1, sharesOf({ ...made, poor: 0.001, newcomer: 0.0018 }))
  t.notOk(come(b, 'poor'))
  t.ok(come(b, 'newcomer'), 'though nobody reaches it yet')
  t.notOk(isHeld(b, 'made up 6'))
  for (const name of Object.keys(made)) come(b, name)
  t.ok(isHeld(b, 'newcomer'))
  b.setMet([idOf('near')])
  t.ok(come(b, 'near'), 'whom one has met needs no share')
  t.same(
    ['newcomer', 'made up 4', 'made up 5'].map(name => isHeld(b, name)),
    [true, true, false],
  )
})

t.test('before shares are known, those that are reached stand above those that are not, and alike', async t => {
  const b = ledgerOf('b', { ownersMax: 3 })
  b.setReachable(peers('q', 'r', 's'), 0)
  t.same(
    ['p', 'q', 'r', 's'].map(name => come(b, name)),
    [true, true, true, false],
  )
  t.notOk(isHeld(b, 'p'))
})

t.test('those of equal standing do not push each other out', async t => {
  const b = ledgerOf('b', { ownersMax: 3 })
  b.setReachable(peers('p', 'q'), 0, sharesOf({ p: 0.1, q: 0.1, r: 0.1, s: 0.05 }))
  t.same(
    ['p', 'q', 'r', 's'].map(name => come(b, name)),
    [true, true, false, false],
  )
  b.setMet([idOf('p'), idOf('q'), idOf('r')])
  t.notOk(come(b, 'r'))
  t.ok(isHeld(b, 'p') && isHeld(b, 'q'))
})

t.test('of those who have no share the longest suspended goes first, before any that has one', async t => {
  const b = ledgerOf('b', { ownersMax: 4 })
  b.setReachable(peers('p', 'q', 'r'), 0)
  for (const name of ['p', 'q', 'r']) come(b, name)
  b.setReachable(peers('p', 'r'), 10)
  b.setReachable(peers('p'), 20, sharesOf({ p: 0.001 }))
  b.setMet([idOf('one'), idOf('two'), idOf('three'), idOf('four')])
  const left: string[] = []
  for (const name of ['one', 'two', 'three', 'four']) {
    come(b, name)
    left.push(['p', 'q', 'r'].filter(other => isHeld(b, other)).join())
  }
  t.same(left, ['p,r', 'p', '', ''])
})

t.test('a newcomer whose signature is false pushes nobody out', async t => {
  const b = ledgerOf('b', { ownersMax: 2 })
  come(b, 'p')
  b.setMet([idOf('q')])
  const forged = { ...signedRecord(fakeIdentity('q'), 1), signature: new Uint8Array(64) }
  t.same(b.merge(partOf(fakeIdentity('q'), [forged]), 0).dropped, { 'bad-signature': 1 })
  t.ok(isHeld(b, 'p'))
})

t.test(
  'an owner that had to go leaves the store, is not asked for while there is no place, and comes back',
  async t => {
    const [b, whole] = [ledgerOf('b', { ownersMax: 3 }), ledgerOf('whole')]
    const store = new MemoryStore()
    for (const name of ['p', 'q']) for (const ledger of [b, whole]) come(ledger, name)
    store.save(b)
    b.setMet([idOf('q'), idOf('r'), idOf('whole')])
    for (const ledger of [b, whole]) come(ledger, 'r')
    t.notOk(isHeld(b, 'p'))
    store.save(b)
    t.notOk([...store.entries.keys()].some(key => key.includes(idOf('p'))))
    t.equal(reconcile(b, whole).records, 0)
    t.equal(b.report().collected, 0, 'it was not collected')
    b.setMet([idOf('p'), idOf('r')])
    reconcile(b, whole)
    t.ok(isHeld(b, 'p') && isHeld(b, 'r'))
    t.notOk(isHeld(b, 'q'))
  },
)

t.test('the report counts what there is', async t => {
  const b = ledgerOf('b')
  come(b, 'p')
  come(b, 'q')
  b.put(1, utf8('k'), utf8('v'))
  b.setReachable(peers('p'), 5)
  b.forgetOwner(idOf('q'))
  const { costBytes, bytes, ...rest } = b.report()
  t.same(rest, { owners: 2, records: 2, suspended: 0, collected: 1, drops: {} })
  t.ok(costBytes > bytes)
  b.setReachable(new Set(), 6)
  t.equal(b.report().suspended, 1)
  t.equal(contents(b).length, 2)
  t.equal(writesOf(b, 'b').length, 1)
})
