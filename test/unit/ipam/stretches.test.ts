import fc from 'fast-check'
import t from 'tap'
import { blocksIn, joinStretches, stretchesOf } from '../../../lib/ipam/stretches.ts'

t.test('joined are the same blocks in as few stretches as they have', async t => {
  const blocks = fc.uniqueArray(fc.nat({ max: 63 }))
  fc.assert(
    fc.property(blocks, blocks => {
      const joined = joinStretches(blocks.map(first => ({ first, count: 1 })))
      const meant = new Set(blocks)
      t.strictSame(
        joined,
        stretchesOf(64, block => meant.has(block)),
      )
      t.strictSame(
        [...blocksIn(joinStretches([...joined].reverse()))],
        [...meant].sort((a, b) => a - b),
      )
    }),
  )
})
