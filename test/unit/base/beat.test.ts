import t from 'tap'
import fc from 'fast-check'
import { BEAT_MS, Beat } from '../../../lib/base/mod.ts'

t.test('the next beat comes within one, and a time on the beat is its own', async t => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(), (chance, at) => {
      const beat = new Beat(() => chance)
      const next = beat.after(at)
      return Number.isInteger(next) && next >= at && next - at < BEAT_MS && beat.after(next) === next
    }),
  )
  t.pass()
})

t.test('what rests falls on every other beat, all of it on the same ones', async t => {
  const beat = new Beat(() => 0.3)
  const isRight = (at: number) => {
    const next = beat.resting(at)
    const isSoon = next >= at && next - at < 2 * BEAT_MS
    return isSoon && next % (2 * BEAT_MS) === 300 && beat.after(next) === next
  }
  const wrong = Array.from({ length: 1_000 }, (_, i) => 7 * i).filter(at => !isRight(at))
  t.strictSame(wrong, [])
})

t.test('peers have beats of their own, and each one keeps to its', async t => {
  const [one, other] = [new Beat(() => 0.1), new Beat(() => 0.6)]
  t.equal(one.after(5_000), 5_100)
  t.equal(other.after(5_000), 5_600)
  t.equal(one.after(5_101), 6_100)
})

t.test('who does something on each beat, and is late each time, misses none', async t => {
  const beat = new Beat(() => 0.25)
  let at = beat.next(0)
  t.equal(at, 250)
  for (const lateMs of [0, 1, 0.4, 3, 999]) {
    const next = beat.next(at + lateMs)
    t.equal(next, at + BEAT_MS)
    at = next
  }
})
