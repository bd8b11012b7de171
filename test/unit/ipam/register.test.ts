import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { compareRegisters, equalRegisters, mergeRegisters, type Register } from '../../../lib/ipam/register.ts'
import { RegisterTable } from '../../../lib/ipam/register-table.ts'
import { peer } from './support.ts'

const small = fc.record({ term: fc.nat(2), seq: fc.nat(2), owner: fc.nat(3).map(peer) })
const wide = fc.record({ term: fc.nat(0xffff_ffff), seq: fc.nat(0xffff_ffff), owner: fc.nat(255).map(peer) })
const register: fc.Arbitrary<Register> = fc.oneof(small, wide)

t.test('merging is commutative, associative and idempotent', async t => {
  fc.assert(
    fc.property(register, register, register, (a, b, c) => {
      assert.ok(equalRegisters(mergeRegisters(a, b), mergeRegisters(b, a)))
      assert.ok(equalRegisters(mergeRegisters(mergeRegisters(a, b), c), mergeRegisters(a, mergeRegisters(b, c))))
      assert.ok(equalRegisters(mergeRegisters(a, a), a))
    }),
  )
  t.pass('the law holds')
})

t.test('the order is total: antisymmetric, transitive, equal only when the same', async t => {
  fc.assert(
    fc.property(register, register, register, (a, b, c) => {
      assert.equal(Math.sign(compareRegisters(a, b)) + Math.sign(compareRegisters(b, a)), 0)
      if (compareRegisters(a, b) <= 0 && compareRegisters(b, c) <= 0) assert.ok(compareRegisters(a, c) <= 0)
      const isSame = a.term === b.term && a.seq === b.seq && a.owner === b.owner
      assert.equal(compareRegisters(a, b) === 0, isSame)
    }),
  )
  t.pass('the law holds')
})

t.test('term outweighs seq, and seq outweighs the owner', async t => {
  const cases: [Register, Register][] = [
    [
      { term: 1, seq: 0, owner: peer(1) },
      { term: 0, seq: 9, owner: peer(9) },
    ],
    [
      { term: 1, seq: 2, owner: peer(1) },
      { term: 1, seq: 1, owner: peer(9) },
    ],
    [
      { term: 1, seq: 1, owner: peer(2) },
      { term: 1, seq: 1, owner: peer(1) },
    ],
  ]
  for (const [greater, lesser] of cases) {
    t.ok(compareRegisters(greater, lesser) > 0)
    t.equal(mergeRegisters(lesser, greater), greater)
  }
})

t.test('a table ends with the maximum whatever the order of merging', async t => {
  fc.assert(
    fc.property(fc.array(register, { minLength: 1 }), registers => {
      const forward = new RegisterTable(1)
      const backward = new RegisterTable(1)
      const titles = registers.map(one => ({ type: 'takeover' as const, takeover: '', ...one }))
      for (const one of titles) forward.merge(0, one)
      for (const one of titles.toReversed()) backward.merge(0, one)
      assert.ok(equalRegisters(forward.get(0), backward.get(0)))
      assert.ok(registers.every(one => compareRegisters(one, forward.get(0)!) <= 0))
    }),
  )
  t.pass('the law holds')
})
