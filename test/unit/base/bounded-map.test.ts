import fc from 'fast-check'
import t from 'tap'
import { AssertionError, BoundedMap } from '../../../lib/base/mod.ts'

t.test(
  'behaves as a list of pairs in which what is set goes to the end, and the first goes for want of room',
  async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ set: fc.nat(12), value: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ delete: fc.nat(12) }) },
      { weight: 1, arbitrary: fc.constant('clear' as const) },
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 100 }), (limit, steps) => {
        const map = new BoundedMap<number, number>(limit)
        let model: (readonly [number, number])[] = []
        for (const step of steps) {
          if (step === 'clear') {
            map.clear()
            model = []
          } else if ('delete' in step) {
            const isHeld = model.some(([key]) => key === step.delete)
            model = model.filter(([key]) => key !== step.delete)
            if (map.delete(step.delete) !== isHeld) return false
          } else {
            model = [...model.filter(([key]) => key !== step.set), [step.set, step.value]]
            const gone = model.length > limit ? model.shift() : undefined
            const went = map.set(step.set, step.value)
            if (went?.key !== gone?.[0] || went?.value !== gone?.[1]) return false
          }
          if (map.size !== model.length || JSON.stringify([...map.entries]) !== JSON.stringify(model)) return false
          if (!model.every(([key, value]) => map.has(key) && map.get(key) === value)) return false
        }
        return !map.has(99) && map.get(99) === undefined
      }),
    )
  },
)

t.test('refuses to be made without room', t => {
  t.throws(() => new BoundedMap(0), AssertionError)
  t.end()
})
