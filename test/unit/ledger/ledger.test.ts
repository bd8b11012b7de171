import t from 'tap'
import { isDrop, utf8 } from '../../../lib/base/mod.ts'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { stablelibSuite } from '../../../lib/crypto/stablelib-suite.ts'
import { Ledger } from '../../../lib/ledger/mod.ts'
import { deltaBytes, deltaTo, type LedgerDelta } from '../../../lib/wire/ledger-message.ts'
import { RECORD_KIND } from '../../../lib/wire/record.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, deliver, ledgerOf, MESH, reconcile } from '../../support/ledgers.ts'

const KEY = utf8('key')
const value = (text: string) => utf8(text)

t.test('what an owner writes reaches a neighbour by its delta', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  t.equal(a.put(RECORD_KIND.peer, KEY, value('one')), 'stored')
  t.equal(a.put(RECORD_KIND.peer, KEY, value('one')), 'unchanged')
  t.equal(a.put(200, KEY, value('of a later version')), 'stored')
  const [delta] = a.takeOwnDeltas()
  t.same(a.takeOwnDeltas(), [])
  const outcome = b.handleDelta(delta!, 5)
  t.equal(outcome.changed.length, 2)
  t.same(contents(b), contents(a))
  t.same(outcome.relay, delta, 'and is passed on whole')
  t.equal(b.handleDelta(delta!, 6).relay, undefined, 'once')
  t.match(b.records(RECORD_KIND.peer)[0], { isSuspended: true, value: value('one') })
  t.same(b.setReachable(new Set([fakeIdentity('a').peerId]), 7).resumed, [fakeIdentity('a').peerId])
  t.match(b.records(RECORD_KIND.peer)[0], { isSuspended: false })
})

t.test('a removed record is gone everywhere, and its key can be used again', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  deliver(a.takeOwnDeltas(), b)
  t.equal(a.remove(1, KEY), true)
  t.equal(a.remove(1, KEY), false)
  deliver(a.takeOwnDeltas(), b)
  t.same(contents(b), [])
  t.equal(b.get(fakeIdentity('a').peerId, 1, KEY), undefined)
  a.put(1, KEY, value('two'))
  deliver(a.takeOwnDeltas(), b)
  t.same(b.get(fakeIdentity('a').peerId, 1, KEY)?.value, value('two'))
})

t.test('what is not genuine is dropped whole and counted', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  a.put(2, KEY, value('two'))
  const [delta] = a.takeOwnDeltas() as [LedgerDelta]
  const [first, second] = delta.records as [(typeof delta.records)[0], (typeof delta.records)[0]]
  const forgeries: [string, LedgerDelta, string][] = [
    ['another value', { ...delta, records: [first, { ...second, value: value('six') }] }, 'bad-signature'],
    ['another key', { ...delta, records: [{ ...first, key: utf8('yek') }] }, 'bad-signature'],
    ['another kind', { ...delta, records: [{ ...first, kind: 3 }] }, 'bad-signature'],
    ['another seq', { ...delta, records: [{ ...first, seq: 9 }] }, 'bad-signature'],
    ['a tombstone', { ...delta, records: [{ ...first, isTombstone: true, value: value('') }] }, 'bad-signature'],
    ['the key of another', { ...delta, signingPublic: fakeIdentity('c').signingPublic }, 'key-mismatch'],
    ['another owner', { ...delta, owner: fakeIdentity('c').peerId }, 'key-mismatch'],
  ]
  for (const [name, forged, reason] of forgeries) {
    t.same(b.handleDelta(forged, 0), { changed: [], relay: undefined, dropped: { [reason]: 1 } }, name)
    t.same(contents(b), [], name)
  }
  t.equal(b.drops.get('bad-signature'), 5)
  t.equal(b.drops.get('key-mismatch'), 2)
  const elsewhere = ledgerOf('b', {}, utf8('another-mesh-id.'))
  t.same(elsewhere.handleDelta(delta, 0).dropped, { 'bad-signature': 1 }, 'of another mesh')
})

t.test('a forged copy of a held record is not passed on', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  deliver(a.takeOwnDeltas(), b)
  a.put(2, KEY, value('two'))
  const [delta] = a.takeOwnDeltas() as [LedgerDelta]
  const held = b.get(delta.owner, 1, KEY)!
  const { relay } = b.handleDelta(
    { ...delta, from: 0, records: [{ ...held, value: value('ONE') }, ...delta.records] },
    0,
  )
  t.same(
    relay?.records.map(record => record.value),
    [value('one'), value('two')],
  )
})

t.test('a delta that leaves a gap is stored but does not raise the mark; the digest heals it', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  const lost = a.takeOwnDeltas()
  a.put(2, KEY, value('two'))
  deliver(a.takeOwnDeltas(), b)
  const mark = () => b.owners().find(({ owner }) => owner === fakeIdentity('a').peerId)?.mark
  t.equal(mark(), 0)
  t.equal(contents(b).length, 1)
  reconcile(b, a)
  t.equal(mark(), 2)
  t.same(contents(b), contents(a))
  t.equal(deliver(lost, b)[0]?.relay, undefined, 'and the lost one is no news')
})

t.test('two ledgers that agree exchange one digest and nothing else', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('a'))
  b.put(1, KEY, value('b'))
  t.equal(reconcile(a, b), 2)
  t.same(a.handleDigest(b.digest(true)[0]!, 1000), { deltas: [], digests: [] })
})

t.test('answers keep to the budget and to the message limit, and finish in the end', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  for (let i = 0; i < 60; i++) a.put(1, Uint8Array.of(i), new Uint8Array(4000))
  for (const delta of a.deltasFor(b.digest(true)[0]!, 1 << 20)) t.ok(deltaBytes(delta) <= 48 * 1024)
  t.equal(a.deltasFor(b.digest(true)[0]!, 60_000).length, 1)
  let rounds = 0
  while (contents(b).length < 60 && rounds++ < 20) reconcile(b, a, 0, 60_000)
  t.same(contents(b), contents(a))
  t.equal(rounds, 5)
})

t.test('a digest of many owners is cut into parts that speak of all', async t => {
  const a = ledgerOf('a')
  const entries = Array.from({ length: 2100 }, (_, i) => ledgerOf(`owner ${i}`))
  for (const other of entries) {
    other.put(1, KEY, value('x'))
    deliver(other.takeOwnDeltas(), a)
  }
  const digests = a.digest(true)
  t.equal(digests.length, 2)
  t.equal(digests[0]!.until, digests[1]!.after)
  t.same([digests[0]!.after, digests[1]!.until], [undefined, undefined])
  t.equal(digests[0]!.entries.length + digests[1]!.entries.length, 2100)
  const empty = ledgerOf('b')
  reconcile(empty, a, 0, 1 << 24)
  t.same(contents(empty), contents(a))
})

t.test('limits: owners, records, bytes are dropped and counted, and the mark stays honest', async t => {
  const a = ledgerOf('a')
  for (let i = 0; i < 6; i++) a.put(1, Uint8Array.of(i), new Uint8Array(1000))
  const deltas = a.takeOwnDeltas()
  const cases: [Parameters<typeof ledgerOf>[1], object, number][] = [
    [{ ownersMax: 1 }, { 'too-many-owners': 1 }, 0],
    [{ ownerRecordsMax: 4 }, { 'too-many-records': 2 }, 4],
    [{ ownerBytesMax: 5000 }, { 'owner-too-large': 2 }, 4],
    [{ totalBytesMax: 4000 }, { 'ledger-full': 3 }, 3],
  ]
  for (const [limits, dropped, held] of cases) {
    const b = ledgerOf('b', limits)
    t.same(deliver(deltas, b)[0]?.dropped, dropped)
    t.equal(contents(b).length, held)
    t.equal(b.owners().find(({ owner }) => owner === fakeIdentity('a').peerId)?.mark ?? 0, 0)
  }
})

t.test('an owner that is full says so, and makes room by dropping its tombstones', async t => {
  const limits = { ownerRecordsMax: 16 }
  const [a, b] = [ledgerOf('a', limits), ledgerOf('b', limits)]
  for (let i = 0; i < 15; i++) t.equal(a.put(1, Uint8Array.of(i), value('x')), 'stored')
  t.equal(a.put(1, Uint8Array.of(99), value('x')), 'full')
  deliver(a.takeOwnDeltas(), b)
  for (let i = 0; i < 500; i++) {
    a.remove(1, Uint8Array.of(i % 256, i >> 8))
    a.remove(1, Uint8Array.of((i + 1) % 256, (i + 1) >> 8))
    a.put(1, Uint8Array.of((i + 1) % 256, (i + 1) >> 8), value('y'))
    if (i % 5 === 0) deliver(a.takeOwnDeltas(), b)
  }
  deliver(a.takeOwnDeltas(), b)
  t.same(contents(b), contents(a))
  t.equal(b.drops.size, 0)
})

t.test('moving to another mesh signs own records anew and drops the others', async t => {
  const mesh = utf8('another-mesh-id.')
  const [a, b, c] = [ledgerOf('a'), ledgerOf('b'), ledgerOf('c', {}, mesh)]
  a.put(1, KEY, value('a'))
  b.put(1, KEY, value('b'))
  c.put(1, KEY, value('c'))
  reconcile(a, b)
  a.takeChanges()
  a.setMesh(mesh)
  t.equal(a.owners().length, 1)
  t.ok(a.takeChanges().records.some(({ owner, record }) => owner === fakeIdentity('b').peerId && record === undefined))
  reconcile(a, c)
  t.same(contents(a), contents(c))
  t.equal(a.records(1).length, 2)
  t.same(deliver(a.takeOwnDeltas(), b)[0]?.dropped, { 'bad-signature': 1 })
})

t.test('it works with real signatures', async t => {
  const make = (byte: number) => {
    const seed = new Uint8Array(32).fill(byte)
    const signingPublic = stablelibSuite.signingPublicKey(seed)
    const identity = {
      peerId: peerIdFromBytes(stablelibSuite.hash(signingPublic, 32)),
      signingPublic,
      sign: (message: Uint8Array) => stablelibSuite.sign(seed, message),
    }
    return new Ledger({ suite: stablelibSuite, identity, meshId: MESH, chance: () => 0.5 })
  }
  const [a, b] = [make(1), make(2)]
  a.put(1, KEY, value('a'))
  b.put(1, KEY, value('b'))
  reconcile(a, b)
  t.same(contents(a), contents(b))
  t.equal(contents(a).length, 2)
  a.put(1, KEY, value('aa'))
  const [delta] = a.takeOwnDeltas() as [LedgerDelta]
  const broken = { ...delta, records: [{ ...delta.records.at(-1)!, value: value('ab') }] }
  t.same(b.handleDelta(broken, 0).dropped, { 'bad-signature': 1 })
  t.notOk(isDrop(delta))
  t.equal(deltaTo(delta), 2)
})
