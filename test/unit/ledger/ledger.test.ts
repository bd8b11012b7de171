import t from 'tap'
import { utf8 } from '../../../lib/base/mod.ts'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { stablelibSuite } from '../../../lib/crypto/stablelib-suite.ts'
import { Ledger } from '../../../lib/ledger/mod.ts'
import { RECORD_KIND, type DeltaPart } from '../../../lib/wire/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, deliver, ledgerOf, MESH, partOf, reconcile, writesOf } from '../../support/ledgers.ts'

const KEY = utf8('key')
const A = fakeIdentity('a').peerId
const value = (text: string) => utf8(text)

t.test('what an owner writes reaches a neighbour by its delta', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  t.equal(a.put(RECORD_KIND.peer, KEY, value('one')), 'stored')
  t.equal(a.put(RECORD_KIND.peer, KEY, value('one')), 'unchanged')
  t.equal(a.put(200, KEY, value('of a later version')), 'stored')
  const [part] = writesOf(a, 'a')
  t.same(a.takeOwnWrites(), [])
  const outcome = b.merge(part!, 5)
  t.same(outcome, { changed: part!.records, held: 0, dropped: {} }, 'and all of it is to be passed on')
  t.same(contents(b), contents(a))
  t.same(b.merge(part!, 6), { changed: [], held: 2, dropped: {} }, 'once')
  t.match(b.records(RECORD_KIND.peer)[0], { isSuspended: true, value: value('one') })
  t.same(b.setReachable(new Set([A]), 7).resumed, [A])
  t.match(b.records(RECORD_KIND.peer)[0], { isSuspended: false })
})

t.test('an owner that is reached already is not suspended when its first record comes', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  b.setReachable(new Set([A]), 0)
  deliver(writesOf(a, 'a'), b, 1)
  t.match(b.records(1)[0], { isSuspended: false })
})

t.test('own writes are those that are still held, ascending', async t => {
  const a = ledgerOf('a')
  a.put(1, utf8('k'), value('one'))
  a.put(1, utf8('l'), value('one'))
  a.put(1, utf8('k'), value('two'))
  a.remove(1, utf8('l'))
  t.same(
    a.takeOwnWrites().map(({ seq, isTombstone }) => [seq, isTombstone]),
    [
      [3, false],
      [4, true],
    ],
  )
})

t.test('a removed record is gone everywhere, and its key can be used again', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  deliver(writesOf(a, 'a'), b)
  t.equal(a.remove(1, KEY), true)
  t.equal(a.remove(1, KEY), false)
  deliver(writesOf(a, 'a'), b)
  t.same(contents(b), [])
  t.equal(b.get(A, 1, KEY), undefined)
  a.put(1, KEY, value('two'))
  deliver(writesOf(a, 'a'), b)
  t.same(b.get(A, 1, KEY)?.value, value('two'))
})

t.test('what is not genuine is dropped and counted', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  const [part] = writesOf(a, 'a') as [DeltaPart]
  const [record] = part.records as [(typeof part.records)[0]]
  const forgeries: [string, DeltaPart, string][] = [
    ['another value', { ...part, records: [{ ...record, value: value('six') }] }, 'bad-signature'],
    ['another key', { ...part, records: [{ ...record, key: utf8('yek') }] }, 'bad-signature'],
    ['another kind', { ...part, records: [{ ...record, kind: 3 }] }, 'bad-signature'],
    ['another seq', { ...part, records: [{ ...record, seq: 9 }] }, 'bad-signature'],
    ['a tombstone', { ...part, records: [{ ...record, isTombstone: true, value: value('') }] }, 'bad-signature'],
    ['the key of another', { ...part, signingPublic: fakeIdentity('c').signingPublic }, 'key-mismatch'],
    ['another owner', { ...part, owner: fakeIdentity('c').peerId }, 'key-mismatch'],
    ['no key', { ...part, signingPublic: undefined }, 'unknown-owner'],
  ]
  for (const [name, forged, reason] of forgeries) {
    t.same(b.merge(forged, 0), { changed: [], held: 0, dropped: { [reason]: 1 } }, name)
    t.equal(b.report().owners, 1, name)
  }
  t.equal(b.drops.get('bad-signature'), 5)
  t.same(b.report().drops, { 'bad-signature': 5, 'key-mismatch': 2, 'unknown-owner': 1 })
  const elsewhere = ledgerOf('b', {}, utf8('another-mesh-id.'))
  t.same(elsewhere.merge(part, 0).dropped, { 'bad-signature': 1 }, 'of another mesh')
})

t.test('a false signature costs that record only, and three end the part', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  for (let i = 0; i < 6; i++) a.put(1, Uint8Array.of(i), value('x'))
  const [part] = writesOf(a, 'a') as [DeltaPart]
  const spoil = (at: readonly number[]) => ({
    ...part,
    records: part.records.map((record, i) => (at.includes(i) ? { ...record, value: value('y') } : record)),
  })
  const one = b.merge(spoil([1]), 0)
  t.equal(one.changed.length, 5)
  t.same(one.dropped, { 'bad-signature': 1 })
  const other = ledgerOf('c')
  const three = other.merge(spoil([1, 2, 3]), 0)
  t.equal(three.changed.length, 1, 'what came before them')
  t.same(three.dropped, { 'bad-signature': 3 })
})

t.test('once an owner is held its parts need no key', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  deliver(writesOf(a, 'a'), b)
  a.put(1, KEY, value('two'))
  deliver([{ ...writesOf(a, 'a')[0]!, signingPublic: undefined }], b)
  t.same(b.get(A, 1, KEY)?.value, value('two'))
})

t.test('a forged copy of a held record is not passed on', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('one'))
  deliver(writesOf(a, 'a'), b)
  a.put(2, KEY, value('two'))
  const [part] = writesOf(a, 'a') as [DeltaPart]
  const held = b.get(A, 1, KEY)!
  const { changed } = b.merge({ ...part, records: [{ ...held, value: value('ONE') }, ...part.records] }, 0)
  t.same(changed, part.records)
  t.same(b.get(A, 1, KEY)?.value, value('one'))
})

t.test('two ledgers that agree exchange one small message and nothing else', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  a.put(1, KEY, value('a'))
  b.put(1, KEY, value('b'))
  t.equal(reconcile(a, b).records, 2)
  t.same(contents(a), contents(b))
  t.same(reconcile(a, b), { syncs: 1, records: 0, bytes: 24 })
  t.equal(a.answer(b.rootSync()), undefined)
})

t.test('one record that changed among many owners costs little to find', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  for (let i = 0; i < 300; i++) {
    const other = ledgerOf(`owner ${i}`)
    other.put(1, KEY, value('x'))
    deliver(writesOf(other, `owner ${i}`), a)
  }
  for (let rounds = 0; contents(b).length < 300; rounds++) {
    t.ok(rounds < 3, 'the whole of 300 owners takes few rounds')
    reconcile(b, a)
  }
  t.same(contents(b), contents(a))
  a.put(1, KEY, value('new'))
  const { records, bytes } = reconcile(b, a)
  t.equal(records, 1)
  t.ok(bytes < 2500, `${bytes} bytes of syncs`)
  t.same(contents(b), contents(a))
})

t.test('many owners come over in rounds that each fit into messages', async t => {
  const a = ledgerOf('a')
  for (let i = 0; i < 2100; i++) {
    const other = ledgerOf(`owner ${i}`)
    other.put(1, KEY, value('x'))
    deliver(writesOf(other, `owner ${i}`), a)
  }
  const b = ledgerOf('b')
  let rounds = 0
  while (contents(b).length < 2100 && rounds++ < 12) reconcile(b, a)
  t.same(contents(b), contents(a))
  t.comment(`${rounds} rounds`)
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
  t.same(deliver(writesOf(a, 'a'), b)[0]?.dropped, { 'bad-signature': 2 })
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
    return { identity, ledger: new Ledger({ suite: stablelibSuite, identity, meshId: MESH, chance: () => 0.5 }) }
  }
  const [{ identity, ledger: a }, { ledger: b }] = [make(1), make(2)]
  a.put(1, KEY, value('a'))
  b.put(1, KEY, value('b'))
  reconcile(a, b)
  t.same(contents(a), contents(b))
  t.equal(contents(a).length, 2)
  a.takeOwnWrites()
  a.put(1, KEY, value('aa'))
  const [record] = a.takeOwnWrites()
  t.same(b.merge(partOf(identity, [{ ...record!, value: value('ab') }]), 0).dropped, { 'bad-signature': 1 })
  t.equal(b.merge(partOf(identity, [record!]), 0).changed.length, 1)
})
