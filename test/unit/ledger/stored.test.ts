import t from 'tap'
import fc from 'fast-check'
import { toHex, utf8 } from '../../../lib/base/mod.ts'
import { StoreReader } from '../../../lib/ledger/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { contents, ledgerOf, MemoryStore, readStore, reconcile } from '../../support/ledgers.ts'

const [A, B, C] = ['a', 'b', 'c'].map(name => fakeIdentity(name).peerId) as string[] as [string, string, string]

t.test('what is stored step by step reads back as the ledger', async t => {
  const [a, b] = [ledgerOf('a'), ledgerOf('b')]
  const store = new MemoryStore()
  for (let i = 0; i < 30; i++) {
    b.put(1, Uint8Array.of(i % 7), utf8(String(i)))
    if (i % 3 === 0) b.remove(1, Uint8Array.of(i % 5))
    reconcile(a, b)
    if (i % 4 === 0) store.save(a)
  }
  store.save(a)
  const again = ledgerOf('a')
  t.equal(again.restore(store.load(), true, 0), 0)
  t.same(contents(again, [1]), contents(a, [1]))
  reconcile(b, again)
  t.equal(reconcile(again, b).records, 0, 'and needs nothing from others')
})

/** A store of `a` with records of itself and two others. */
function threeOwners(): { entries: Map<string, Uint8Array>; mesh: ReturnType<typeof ledgerOf> } {
  const [a, b, c] = [ledgerOf('a'), ledgerOf('b'), ledgerOf('c')]
  for (const ledger of [a, b, c]) for (const key of ['k', 'l', 'm']) ledger.put(1, utf8(key), utf8(key))
  reconcile(a, b)
  reconcile(a, c)
  const store = new MemoryStore()
  store.save(a)
  return { entries: store.entries, mesh: a }
}

function damage(entries: ReadonlyMap<string, Uint8Array>, isDamaged: (key: string) => boolean) {
  return [...entries].map(([key, value]) => ({ key, value: isDamaged(key) ? value.subarray(0, 7) : value }))
}

t.test('damage costs what is damaged, and the mesh gives it back', async t => {
  const cases: [string, (key: string) => boolean, number, number, number][] = [
    ['a record of another', key => key.startsWith(`r${B}`) && key.endsWith('6b'), 1, 0, 8],
    ['the entry of another', key => key === `o${B}`, 1, 3, 6],
    ['all of another', key => key.includes(C), 4, 0, 6],
    ['an own record', key => key.startsWith(`r${A}`) && key.endsWith('6b'), 1, 0, 8],
    ['the own entry', key => key === `o${A}`, 1, 0, 9],
    ['all', () => true, 12, 0, 0],
  ]
  for (const [name, isDamaged, unreadable, skipped, left] of cases) {
    const { entries, mesh } = threeOwners()
    const reading = readStore(damage(entries, isDamaged))
    t.equal(reading.unreadableKeys.length, unreadable, name)
    t.same(reading.unreadableKeys, [...entries.keys()].filter(isDamaged), name)
    const again = ledgerOf('a')
    t.equal(again.restore(reading.ledger, true, 0), skipped, name)
    t.equal(contents(again, [1]).length, left, name)
    t.ok(again.ownSeq > mesh.ownSeq, name)
    const gone = again.takeChanges().records.filter(({ record }) => record === undefined)
    t.equal(gone.filter(({ owner }) => owner !== A).length, skipped, `${name}: what was left out leaves the store`)
    for (const other of ['b', 'c']) {
      const foreign = ledgerOf(other)
      for (const key of ['k', 'l', 'm']) foreign.put(1, utf8(key), utf8(key))
      reconcile(again, foreign)
    }
    t.equal(contents(again, [1]).filter(line => !line.startsWith(A)).length, 6, name)
  }
})

t.test('entries of no known form are counted', async t => {
  const { entries } = threeOwners()
  const whole = [...entries].map(([key, value]) => ({ key, value }))
  t.same(readStore(whole).unreadableKeys, [])
  t.same(readStore([...whole, { key: 'x', value: utf8('') }]).unreadableKeys, ['x'])
  t.same(readStore([{ key: 'r', value: whole[0]!.value }]).unreadableKeys, ['r'])
})

t.test('reading and restoring a store never throws', async t => {
  const { entries } = threeOwners()
  const key = fc.oneof(fc.string(), fc.constantFrom(`o${A}`, `r${B}0100`, `o${B}`, `r${A}016b`, ...entries.keys()))
  const value = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...entries.values()))
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ key, value }), { selector: entry => entry.key }),
      fc.boolean(),
      (list, isTrusted) => {
        const ledger = ledgerOf('a')
        ledger.restore(readStore(list).ledger, isTrusted, 0)
        ledger.takeChanges()
        ledger.rootSync()
      },
    ),
    { numRuns: 500 },
  )
  t.pass('for all that was tried')
})

t.test('a store that is read in pieces of any size gives each owner once and whole, and the same ledger', async t => {
  const { entries, mesh } = threeOwners()
  const foreign = [...entries].filter(([key]) => !key.includes(A)).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const size of [1, 2, 3, 100]) {
    const ledger = ledgerOf('a')
    ledger.restore(new StoreReader().rest(), true, 0)
    const reader = new StoreReader()
    const given: string[] = []
    for (let at = 0; at <= foreign.length; at += size) {
      for (const [key, value] of foreign.slice(at, at + size)) t.ok(reader.take(key, value))
      const piece = reader.whole()
      for (const [owner, records] of piece.records) {
        given.push(owner)
        t.equal(records.length, 3)
      }
      t.equal(ledger.restoreForeign(piece, true, 0), 0)
    }
    const rest = reader.rest()
    given.push(...rest.records.keys())
    t.equal(ledger.restoreForeign(rest, true, 0), 0)
    t.same(given, [B, C].sort(), `pieces of ${size}`)
    const isForeign = (line: string) => !line.startsWith(A)
    t.same(contents(ledger, [1]).filter(isForeign), contents(mesh, [1]).filter(isForeign))
    t.same(
      ledger.takeChanges().records.filter(({ owner }) => owner !== A),
      [],
      'it is no news to the store',
    )
  }
})

t.test('what came from the mesh meanwhile stays, and the store is not told that it is gone', async t => {
  const { entries } = threeOwners()
  const newer = ledgerOf('b')
  for (const key of ['k', 'l', 'm']) newer.put(1, utf8(key), utf8('newer'))
  newer.put(1, utf8('k'), utf8('newest'))
  const ledger = ledgerOf('a')
  ledger.restore(new StoreReader().rest(), true, 0)
  reconcile(ledger, newer)
  ledger.takeChanges()
  const { ledger: stored } = readStore([...entries].map(([key, value]) => ({ key, value })))
  const left = ledger.restoreForeign(stored, true, 0)
  t.ok(left > 0)
  t.equal(contents(ledger, [1]).filter(line => line.startsWith(B) && line.includes(toHex(utf8('newe')))).length, 3)
  t.equal(contents(ledger, [1]).filter(line => line.startsWith(C)).length, 3)
  const gone = ledger.takeChanges().records.filter(({ owner, record }) => owner === B && record === undefined)
  t.same(
    gone.filter(({ owner, kind, key }) => ledger.held(owner, kind, key) !== undefined),
    [],
  )
})
