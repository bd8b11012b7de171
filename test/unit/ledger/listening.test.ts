import t from 'tap'
import { utf8 } from '../../../lib/base/mod.ts'
import { Ledger, StoreReader } from '../../../lib/ledger/mod.ts'
import { fakeIdentity, fakeSuite } from '../../support/fake-suite.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const MESH = new Uint8Array(16).fill(5)
const KEY = utf8('key')
const KIND = 9

function ledger(name: string, seed = 1): Ledger {
  return new Ledger({ suite: fakeSuite, identity: fakeIdentity(name), meshId: MESH, chance: seededChance(seed) })
}

/** Gives `to` all that `from` tells of an owner. Returns how many records those were. */
function tell(from: Ledger, to: Ledger, name: string): number {
  const owner = fakeIdentity(name).peerId
  const told = from.recordsFor({ owner, above: 0, upTo: Number.MAX_SAFE_INTEGER, tagAt: 0, held: [] })
  if (told !== undefined) to.merge({ owner, signingPublic: told.signingPublic, records: told.records }, 0)
  return told?.records.length ?? 0
}

/** A peer that wrote something, was heard of, and begins again with nothing. */
function lost(): { again: Ledger; other: Ledger; before: number } {
  const [first, other] = [ledger('me'), ledger('other')]
  first.put(KIND, KEY, utf8('old'))
  first.put(KIND, utf8('gone'), utf8('old'))
  first.remove(KIND, utf8('gone'))
  tell(first, other, 'me')
  const again = ledger('me', 2)
  again.restore(new StoreReader().rest(), true, 0, true)
  return { again, other, before: first.ownSeq }
}

t.test('who listens tells nothing that it wrote, and asks for its own records like for those of anybody', async t => {
  const { again, other, before } = lost()
  again.put(KIND, utf8('new'), utf8('value'))
  t.equal(again.isListening, true)
  t.same(again.takeOwnWrites(), [])
  t.equal(tell(again, ledger('third'), 'me'), 0)
  t.equal(again.lacks(fakeIdentity('me').peerId, before), true)
  const answer = again.answer(other.answer(again.probe(['']))!)
  t.match(answer?.wants, [{ owner: fakeIdentity('me').peerId, above: 0 }])
  t.equal(
    again.get(fakeIdentity('me').peerId, KIND, utf8('new')) === undefined,
    false,
    'what it wrote is there for itself',
  )
})

t.test('what was heard and is not so any more can be read until it speaks; tombstones are nothing to keep', async t => {
  const { again, other, before } = lost()
  t.same(again.heard(KIND), [])
  tell(other, again, 'me')
  t.match(again.heard(KIND), [{ key: KEY, value: utf8('old') }])
  t.equal(again.lacks(fakeIdentity('me').peerId, before), false)
  again.put(KIND, KEY, utf8('old'))
  t.same(again.heard(KIND), [], 'it holds the same itself')
  again.speak()
  t.equal(again.isListening, false)
  t.ok(again.ownSeq > before)
  t.ok(again.takeOwnWrites().every(({ seq }) => seq > before))
  tell(again, other, 'me')
  t.match(other.get(fakeIdentity('me').peerId, KIND, KEY), { value: utf8('old') })
  t.same(again.takeMet(), [], 'nothing of it is the sign of a double')
})

t.test('own records that come after it spoke are told as met', async t => {
  const { again, other } = lost()
  again.speak()
  const copy = ledger('me', 3)
  copy.restore(new StoreReader().rest(), true, 0)
  tell(again, copy, 'me')
  copy.put(KIND, KEY, utf8('of the copy'))
  tell(copy, other, 'me')
  tell(other, again, 'me')
  t.match(
    again.takeMet().map(({ kind }) => kind),
    [0, KIND],
  )
  t.same(again.takeMet(), [], 'once')
})

t.test('records that are not its own are not heard, though they bear its name', async t => {
  const { again } = lost()
  const owner = fakeIdentity('me').peerId
  const { signingPublic } = fakeIdentity('me')
  const signature = new Uint8Array(64)
  const forged = { owner, kind: KIND, key: KEY, seq: 7, isTombstone: false, value: utf8('x'), signature }
  t.match(again.merge({ owner, signingPublic, records: [forged] }, 0).dropped, { 'bad-signature': 1 })
  t.same(again.heard(KIND), [])
})

t.test('moving to another mesh begins to listen there, and founding one does not', async t => {
  const moved = ledger('me')
  moved.put(KIND, KEY, utf8('value'))
  moved.setMesh(new Uint8Array(16).fill(6), true)
  t.equal(moved.isListening, true)
  t.equal(tell(moved, ledger('third'), 'me'), 0)
  moved.setMesh(new Uint8Array(16).fill(7))
  t.equal(moved.isListening, false)
  t.ok(moved.takeOwnWrites().length > 0)
})
