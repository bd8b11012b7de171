import t from 'tap'
import { utf8 } from '../../../lib/base/mod.ts'
import { LEDGER_LIMITS, OWNER_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES, type Ledger } from '../../../lib/ledger/mod.ts'
import { RECORD_FIXED_BYTES, RECORD_KIND, RECORD_VALUE_BYTES_MAX } from '../../../lib/wire/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, deliver, ledgerOf, partOf, reconcile, signedRecord, writesOf } from '../../support/ledgers.ts'

const A = fakeIdentity('a')
const UNLIMITED = { ownerBurstBytes: 1e9, ownerBytesPerSecond: 1e9 }

/** What `count` records with keys of one byte and values of `bytes` cost. */
function costOf(count: number, bytes: number): number {
  return OWNER_OVERHEAD_BYTES + count * (RECORD_FIXED_BYTES + 1 + bytes + RECORD_OVERHEAD_BYTES)
}

function records(name: string, count: number, bytes = 1000, first = 1) {
  return Array.from({ length: count }, (_, i) =>
    signedRecord(fakeIdentity(name), first + i, { key: Uint8Array.of(first + i), value: new Uint8Array(bytes) }),
  )
}

/** How many records of that owner are held. */
function heldOf(ledger: Ledger, name: string): number {
  const { peerId } = fakeIdentity(name)
  return ledger.owners().find(({ owner }) => owner === peerId)?.records ?? 0
}

t.test('a ledger of the default limits, filled to the last byte, costs at most 104 MiB', async t => {
  const { ownersMax, ownerShareBytes, surplusBytesMax, ownerCostMax } = LEDGER_LIMITS
  t.ok(ownersMax * ownerShareBytes + surplusBytesMax <= 104 * 2 ** 20)
  // A peer record, one of links, a floor and 6 of blocks are 9 records.
  t.ok(
    OWNER_OVERHEAD_BYTES + 9 * (RECORD_FIXED_BYTES + RECORD_OVERHEAD_BYTES) + 700 + 2400 + 6 * 1500 < ownerShareBytes,
  )
  t.ok(ownerCostMax <= 4 * 2 ** 20)
})

t.test('records and cost of an owner are limited, and what is dropped is counted', async t => {
  const cases: [Parameters<typeof ledgerOf>[1], object, number][] = [
    [{ ownersMax: 1 }, { 'too-many-owners': 1 }, 0],
    [{ ownerRecordsMax: 4 }, { 'too-many-records': 2 }, 4],
    [{ ownerCostMax: costOf(4, 1000) }, { 'owner-too-large': 2 }, 4],
    [{ ownerCostMax: costOf(4, 1000) - 1 }, { 'owner-too-large': 3 }, 3],
    [{ ownerShareBytes: costOf(2, 1000), surplusBytesMax: costOf(5, 1000) - costOf(2, 1000) }, { 'ledger-full': 1 }, 5],
  ]
  for (const [limits, dropped, held] of cases) {
    const b = ledgerOf('b', limits)
    t.same(b.merge(partOf(A, records('a', 6)), 0).dropped, dropped)
    t.equal(heldOf(b, 'a'), held)
    if (held > 0) t.equal(b.report().costBytes, costOf(held, 1000) + OWNER_OVERHEAD_BYTES)
  }
})

t.test('whoever takes all of the surplus leaves everybody a share', async t => {
  const limits = { ...UNLIMITED, ownerShareBytes: costOf(3, 1000), surplusBytesMax: 20_000 }
  const b = ledgerOf('b', limits)
  b.merge(partOf(fakeIdentity('greedy'), records('greedy', 60)), 0)
  t.ok(heldOf(b, 'greedy') > 3)
  t.ok(b.drops.get('ledger-full')! > 0)
  for (const name of ['p', 'q', 'r']) {
    t.same(b.merge(partOf(fakeIdentity(name), records(name, 4)), 0).dropped, { 'ledger-full': 1 })
    t.equal(heldOf(b, name), 3)
  }
  for (let i = 0; i < 100; i++) t.equal(b.put(1, Uint8Array.of(i), new Uint8Array(1000)), 'stored')
})

t.test('what was dropped for want of room is not asked for until there is room, and then heals', async t => {
  const limits = { ...UNLIMITED, ownerShareBytes: costOf(2, 1000), surplusBytesMax: costOf(6, 1000) - costOf(2, 1000) }
  const [relay, whole] = [ledgerOf('relay', limits), ledgerOf('whole')]
  relay.merge(partOf(fakeIdentity('greedy'), records('greedy', 6)), 0)
  whole.merge(partOf(fakeIdentity('greedy'), records('greedy', 6)), 0)
  whole.merge(partOf(A, records('a', 6)), 0)
  reconcile(relay, whole)
  t.equal(heldOf(relay, 'a'), 2)
  const dropped = relay.drops.get('ledger-full')
  for (let round = 0; round < 5; round++) t.equal(reconcile(relay, whole).records, 0)
  t.equal(relay.drops.get('ledger-full'), dropped)

  // What is new is asked for all the same, for it may fit: here it takes the place of what is held.
  const [first] = records('a', 1)
  whole.merge(partOf(A, [signedRecord(A, 99, { key: first!.key, value: utf8('small') })]), 0)
  t.equal(reconcile(relay, whole).records, 1)
  t.same(relay.get(A.peerId, 1, first!.key)?.value, utf8('small'))

  relay.forgetOwner(fakeIdentity('greedy').peerId)
  for (let round = 0; round < 3; round++) reconcile(relay, whole)
  t.equal(heldOf(relay, 'a'), 6)
})

t.test('nobody who holds a record can make others believe that it found no room', async t => {
  const [b, whole] = [ledgerOf('b', { ownerRecordsMax: 3 }), ledgerOf('whole')]
  const all = records('a', 3, 10)
  whole.merge(partOf(A, all), 0)
  b.merge(partOf(A, all), 0)
  const made = { ...signedRecord(A, 2 ** 50, { key: utf8('new') }), signature: new Uint8Array(64) }
  t.same(b.merge(partOf(A, [made]), 0).dropped, { 'bad-signature': 1 })
  whole.merge(partOf(A, [signedRecord(A, 50, { key: all[0]!.key, value: utf8('new') })]), 0)
  reconcile(b, whole)
  t.same(b.get(A.peerId, 1, all[0]!.key)?.value, utf8('new'))
})

t.test('an owner that is full makes room with a floor', async t => {
  const limits = { ...UNLIMITED, ownerShareBytes: 0, surplusBytesMax: costOf(4, 1000) }
  const b = ledgerOf('b', limits)
  b.merge(partOf(A, records('a', 5)), 0)
  t.equal(heldOf(b, 'a'), 4)
  const floor = signedRecord(A, 10, { kind: RECORD_KIND.floor, key: utf8('') })
  t.same(b.merge(partOf(A, [floor, ...records('a', 3, 1000, 11)]), 0).dropped, {})
  t.equal(heldOf(b, 'a'), 4)
})

t.test('one owner is heard at its rate, and what was too much comes later', async t => {
  const limits = { ownerBurstBytes: 10_000, ownerBytesPerSecond: 2000 }
  const [b, whole] = [ledgerOf('b', limits), ledgerOf('whole')]
  const all = records('a', 20)
  whole.merge(partOf(A, all), 0)
  let now = 0
  t.same(b.merge(partOf(A, all), now).dropped, { 'owner-rate': 12 })
  t.same(b.merge(partOf(fakeIdentity('c'), records('c', 1)), now).dropped, {}, 'others are not held up by it')
  t.same(b.merge(partOf(A, all.slice(0, 8)), now), { changed: [], held: 8, dropped: {} }, 'what is known costs nothing')
  for (; heldOf(b, 'a') < 20; now += 1000) {
    t.ok(now < 10_000)
    reconcile(b, whole, now)
  }
  t.ok(now >= 7000)
})

t.test('what others make up in an owner’s name does not use up its rate', async t => {
  const b = ledgerOf('b', { ownerBurstBytes: 5000, ownerBytesPerSecond: 1 })
  b.merge(partOf(A, records('a', 1)), 0)
  for (let i = 0; i < 50; i++) {
    const forged = records('a', 3, 1000, 2 + 3 * i).map(record => ({ ...record, signature: new Uint8Array(64) }))
    t.same(b.merge(partOf(A, forged), 0).dropped, { 'bad-signature': 3 })
  }
  t.equal(b.merge(partOf(A, records('a', 1, 1000, 200)), 0).changed.length, 1)
})

t.test('an owner that is full says so, and makes room by dropping its tombstones', async t => {
  const limits = { ...UNLIMITED, ownerRecordsMax: 16 }
  const [a, b] = [ledgerOf('a', limits), ledgerOf('b', limits)]
  for (let i = 0; i < 15; i++) t.equal(a.put(1, Uint8Array.of(i), utf8('x')), 'stored')
  t.equal(a.put(1, Uint8Array.of(99), utf8('x')), 'full')
  deliver(writesOf(a, 'a'), b)
  for (let i = 0; i < 500; i++) {
    a.remove(1, Uint8Array.of(i % 256, i >> 8))
    a.remove(1, Uint8Array.of((i + 1) % 256, (i + 1) >> 8))
    a.put(1, Uint8Array.of((i + 1) % 256, (i + 1) >> 8), utf8('y'))
    if (i % 5 === 0) deliver(writesOf(a, 'a'), b)
  }
  deliver(writesOf(a, 'a'), b)
  t.same(contents(b), contents(a))
  t.equal(b.drops.size, 0)
})

t.test('an owner that writes and removes for ever stays near its share', async t => {
  const a = ledgerOf('a')
  let most = 0
  for (let i = 0; i < 3000; i++) {
    a.put(1, utf8(`key ${i}`), utf8('x'))
    a.remove(1, utf8(`key ${i}`))
    most = Math.max(most, a.report().costBytes)
  }
  t.ok(most < LEDGER_LIMITS.ownerShareBytes + 1000, `${most} bytes`)
})

t.test('an own ledger is full at the limit of one owner', async t => {
  const a = ledgerOf('a')
  let stored = 0
  while (a.put(1, utf8(String(stored)), new Uint8Array(RECORD_VALUE_BYTES_MAX).fill(stored)) === 'stored') stored++
  t.ok(a.report().costBytes <= LEDGER_LIMITS.ownerCostMax)
  t.ok(a.report().costBytes > LEDGER_LIMITS.ownerCostMax - 20_000)
  t.equal(a.remove(1, utf8('0')), true, 'and can remove')
  t.equal(a.put(1, utf8('0'), new Uint8Array(10)), 'stored')
})
