import t from 'tap'
import fc from 'fast-check'
import { utf8 } from '../../../lib/base/mod.ts'
import type { Ledger } from '../../../lib/ledger/mod.ts'
import type { DeltaPart } from '../../../lib/wire/mod.ts'
import { contents, deliver, ledgerOf, reconcile, writesOf } from '../../support/ledgers.ts'
import { seededChance } from '../../support/seeded-chance.ts'

/** Writes at two owners; small limits, so that floors appear. */
const writes = fc.array(
  fc.record({
    owner: fc.nat({ max: 1 }),
    key: fc.nat({ max: 9 }),
    value: fc.option(fc.string({ maxLength: 4 }), { freq: 2 }),
  }),
  { maxLength: 60 },
)

function partsOfWrites(list: typeof writes extends fc.Arbitrary<infer T> ? T : never): [DeltaPart[], Ledger[]] {
  const owners = [ledgerOf('x', { ownerRecordsMax: 6 }), ledgerOf('y', { ownerRecordsMax: 6 })]
  const parts: DeltaPart[] = []
  for (const { owner, key, value } of list) {
    const ledger = owners[owner]!
    if (value === null) ledger.remove(1, Uint8Array.of(key))
    else ledger.put(1, Uint8Array.of(key), utf8(value))
    parts.push(...writesOf(ledger, owner === 0 ? 'x' : 'y'))
  }
  return [parts, owners]
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const chance = seededChance(seed)
  return items
    .map(item => ({ item, at: chance() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

t.test('merging is commutative: any order of the same deltas gives the same records', async t => {
  fc.assert(
    fc.property(writes, fc.nat(), fc.nat(), (list, one, other) => {
      const [parts, owners] = partsOfWrites(list)
      const [a, b] = [ledgerOf('a'), ledgerOf('b')]
      deliver(shuffled(parts, one), a)
      deliver(shuffled(parts, other), b)
      const truth = owners.flatMap(owner => contents(owner)).sort()
      return contents(a).join() === contents(b).join() && contents(a).join() === truth.join()
    }),
    { numRuns: 300 },
  )
  t.pass('for all that was tried')
})

t.test('merging is idempotent: what was merged changes nothing again', async t => {
  fc.assert(
    fc.property(writes, fc.nat(), (list, seed) => {
      const [parts] = partsOfWrites(list)
      const a = ledgerOf('a')
      deliver(shuffled(parts, seed), a)
      const before = contents(a).join()
      const again = deliver(shuffled(parts, seed + 1), a)
      return again.every(({ changed }) => changed.length === 0) && contents(a).join() === before
    }),
    { numRuns: 200 },
  )
  t.pass('for all that was tried')
})

t.test('merging is associative: merging what others have merged gives the same as merging all', async t => {
  fc.assert(
    fc.property(writes, fc.nat(), fc.nat({ max: 60 }), (list, seed, cut) => {
      const [parts, owners] = partsOfWrites(list)
      const [a, b, c, all] = [ledgerOf('a'), ledgerOf('b'), ledgerOf('c'), ledgerOf('d')]
      const mixed = shuffled(parts, seed)
      deliver(mixed, all)
      // (first ∪ second) by way of b, then the owners close the gaps that a cut leaves.
      deliver(mixed.slice(0, cut), a)
      deliver(mixed.slice(cut), b)
      reconcile(a, b)
      reconcile(c, a)
      for (const owner of owners) reconcile(c, owner)
      return contents(c).join() === contents(all).join()
    }),
    { numRuns: 200 },
  )
  t.pass('for all that was tried')
})

t.test('what is passed on does at the third peer what the original does', async t => {
  fc.assert(
    fc.property(writes, fc.nat(), (list, seed) => {
      const [parts] = partsOfWrites(list)
      const [a, direct, behind] = [ledgerOf('a'), ledgerOf('b'), ledgerOf('c')]
      for (const part of shuffled(parts, seed)) {
        const { changed } = a.merge(part, 0)
        if (changed.length > 0) deliver([{ ...part, records: changed }], behind)
        direct.merge(part, 0)
      }
      return contents(behind).join() === contents(direct).join()
    }),
    { numRuns: 200 },
  )
  t.pass('for all that was tried')
})
