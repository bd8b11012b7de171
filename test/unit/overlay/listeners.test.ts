import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Listeners } from '../../../lib/overlay/listeners.ts'

const G1 = 0x0100_5e01_0203
const G2 = 0x3333_0001_0003
const of = (listeners: Listeners, mac: number) => {
  return [...listeners.of(Math.floor(mac / 2 ** 32), mac | 0)].sort()
}

t.test('who listens gets a group, who told nothing gets all', async t => {
  const listeners = new Listeners()
  listeners.setTable({
    listening: [
      [1, [G1]],
      [2, [G1, G2]],
      [3, []],
    ],
  })
  t.same(of(listeners, G1), [1, 2])
  t.same(of(listeners, G2), [2])
  t.same(of(listeners, G1 + 1), [])
  t.same(
    [1, 2, 3, 4].map(peer => listeners.isForAll(peer)),
    [false, false, false, true],
  )
  listeners.setTable({})
  t.same(of(listeners, G1), [])
  t.ok(listeners.isForAll(2))
})

t.test('after any changes it says what the last table says', async t => {
  const table = fc.uniqueArray(
    fc.tuple(
      fc.nat(4),
      fc.uniqueArray(
        fc.nat(5).map(i => G1 + i),
        { maxLength: 4 },
      ),
    ),
    { selector: ([peer]) => peer },
  )
  fc.assert(
    fc.property(fc.array(table, { minLength: 1, maxLength: 6 }), tables => {
      const listeners = new Listeners()
      for (const listening of tables) {
        listeners.setTable({ listening })
        for (let i = 0; i <= 5; i++) {
          const expected = listening.filter(([, groups]) => groups.includes(G1 + i)).map(([peer]) => peer)
          assert.deepEqual(of(listeners, G1 + i), expected.sort())
        }
        for (let peer = 0; peer <= 4; peer++)
          assert.equal(listeners.isForAll(peer), !listening.some(([one]) => one === peer))
      }
    }),
  )
  t.pass('the law holds')
})
