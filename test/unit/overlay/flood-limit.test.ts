import fc from 'fast-check'
import t from 'tap'
import { FLOOD_BURST_MS } from '../../../lib/overlay/constants.ts'
import { FloodLimit } from '../../../lib/overlay/flood-limit.ts'

/** How many frames of one source pass, one each `everyMs`. */
function passed(limit: FloodLimit, source: number, count: number, everyMs: number, from = 0): number {
  let taken = 0
  for (let i = 0; i < count; i++) if (limit.take(source, 1, from + i * everyMs)) taken++
  return taken
}

t.test('as many as allowed in a second pass at once, and then as many as allowed in each', async t => {
  const limit = new FloodLimit(100, 8)
  const burst = (100 * FLOOD_BURST_MS) / 1000 + 1
  t.equal(passed(limit, 3, 500, 0), burst)
  t.equal(passed(limit, 3, 1000, 1, 1), 100)
  t.equal(passed(limit, 4, 500, 0), burst, 'another source has its own')
  t.equal(passed(limit, 11, 500, 0), 0, 'but for one that shares its place')
  t.equal(passed(limit, 3, 500, 0, 1000 + 2 * FLOOD_BURST_MS), burst, 'after a rest all are there again, and no more')
})

t.test('a super-frame counts for all its segments', async t => {
  const limit = new FloodLimit(100, 1)
  t.ok(limit.take(0, 1000, 0), 'it is taken or not as a whole')
  t.notOk(limit.take(0, 1, 1000))
  t.notOk(limit.take(0, 1, 8_999))
  t.ok(limit.take(0, 1, 9_000))
})

t.test('0 is no limit', async t => {
  const limit = new FloodLimit(0, 1)
  t.equal(passed(limit, 0, 5000, 0), 5000)
})

t.test('whatever comes when, no more than the burst and the rate pass', async () => {
  const arrivals = fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 5 })), { maxLength: 400 })
  fc.assert(
    fc.property(arrivals, fc.constantFrom(10, 100, 1000), (list, rate) => {
      const limit = new FloodLimit(rate, 1)
      let now = 0
      let frames = 0
      for (const [gap, count] of list) {
        now += gap
        if (limit.take(0, count, now)) frames += count
      }
      return frames <= (rate * (now + FLOOD_BURST_MS)) / 1000 + 6
    }),
  )
})
