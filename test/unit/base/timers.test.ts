import fc from 'fast-check'
import t from 'tap'
import { Timers } from '../../../lib/base/mod.ts'

t.test('setting a key again moves its deadline', t => {
  const timers = new Timers()
  timers.set('a', 10)
  timers.set('b', 20)
  timers.set('a', 30)
  t.strictSame(timers.next(), { at: 20, reason: 'b' })
  t.equal(timers.at('a'), 30)
  t.equal(timers.popDue(19), undefined)
  t.equal(timers.popDue(20), 'b')
  t.equal(timers.popDue(29), undefined)
  t.equal(timers.popDue(1000), 'a')
  t.equal(timers.popDue(1000), undefined)
  t.equal(timers.next(), undefined)
  t.end()
})

t.test('equal deadlines leave in the order set', t => {
  const timers = new Timers()
  for (const key of ['c', 'a', 'b']) timers.set(key, 5)
  timers.set('c', 5)
  t.strictSame([timers.popDue(5), timers.popDue(5), timers.popDue(5)], ['a', 'b', 'c'])
  t.end()
})

t.test('behaves as a map of deadlines', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(
    fc.record({ set: key, at: fc.nat(50) }),
    fc.record({ cancel: key }),
    fc.record({ now: fc.nat(50) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const timers = new Timers()
      const model = new Map<string, { at: number; order: number }>()
      let order = 0
      const first = () => [...model].sort(([, a], [, b]) => a.at - b.at || a.order - b.order)[0]
      for (const step of steps) {
        if ('set' in step) {
          timers.set(step.set, step.at)
          model.set(step.set, { at: step.at, order: order++ })
        } else if ('cancel' in step) {
          timers.cancel(step.cancel)
          model.delete(step.cancel)
        } else {
          const due = first()
          const expected = due !== undefined && due[1].at <= step.now ? due[0] : undefined
          if (timers.popDue(step.now) !== expected) return false
          if (expected !== undefined) model.delete(expected)
        }
        const next = first()
        if (timers.size !== model.size || timers.next()?.reason !== next?.[0] || timers.next()?.at !== next?.[1].at)
          return false
        if (['a', 'b', 'c', 'd'].some(key => timers.has(key) !== model.has(key))) return false
      }
      return true
    }),
    { numRuns: 300 },
  )
})

t.test('setting the same key without end does not grow it without end', t => {
  const timers = new Timers()
  timers.set('first', 0)
  for (let i = 0; i < 200_000; i++) timers.set('again', 1_000_000 + i)
  t.equal(timers.size, 2)
  t.ok(timers.heldEntries <= 80, `${timers.heldEntries} entries held for two timers`)
  t.strictSame([timers.popDue(2_000_000), timers.popDue(2_000_000)], ['first', 'again'])
  t.end()
})
