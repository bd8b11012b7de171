import fc from 'fast-check'
import t from 'tap'
import { AssertionError, BoundedQueue } from '../../../lib/base/mod.ts'

t.test('behaves as a list that refuses beyond its limit', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ push: fc.nat() }) },
    { weight: 4, arbitrary: fc.constant('shift' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.array(step, { maxLength: 600 }), (limit, steps) => {
      const queue = new BoundedQueue<number>(limit)
      const model: number[] = []
      let refused = 0
      for (const step of steps) {
        if (step === 'shift') {
          if (queue.shift() !== model.shift()) return false
        } else if (step === 'clear') {
          queue.clear()
          model.length = 0
        } else {
          const fits = model.length < limit
          if (fits) model.push(step.push)
          else refused++
          if (queue.push(step.push) !== fits) return false
        }
        if (queue.size !== model.length || queue.refused !== refused) return false
      }
      return true
    }),
  )
})

t.test('stays in order over many more items than its limit', t => {
  const queue = new BoundedQueue<number>(3)
  for (let i = 0; i < 1000; i++) {
    t.ok(queue.push(i))
    if (i >= 2) t.equal(queue.shift(), i - 2)
  }
  t.end()
})

t.test('needs a limit above zero', t => {
  t.throws(() => new BoundedQueue(0), AssertionError)
  t.end()
})
