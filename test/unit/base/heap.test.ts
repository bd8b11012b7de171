import fc from 'fast-check'
import t from 'tap'
import { Heap } from '../../../lib/base/mod.ts'

t.test('gives the least first, as a sorted list does, however pushes and pops mix', async () => {
  const step = fc.option(fc.integer({ min: -20, max: 20 }), { nil: undefined })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), steps => {
      const heap = new Heap<number>((a, b) => a < b)
      const model: number[] = []
      for (const step of steps) {
        if (step === undefined) {
          if (heap.pop() !== model.shift()) return false
        } else {
          heap.push(step)
          model.push(step)
          model.sort((a, b) => a - b)
        }
        if (heap.size !== model.length || heap.peek() !== model[0]) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})

t.test('an empty heap gives undefined', t => {
  const heap = new Heap<number>((a, b) => a < b)
  t.equal(heap.pop(), undefined)
  t.equal(heap.peek(), undefined)
  t.end()
})
