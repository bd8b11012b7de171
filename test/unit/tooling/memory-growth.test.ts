import t from 'tap'
import { faultOfGrowth, growthOf, LEAK_KIBIBYTES } from '../../../scripts/memory-growth.ts'

/** KiB of malloc and buffers after each of twenty runs, of a daemon that was measured. */
const STEADY = [
  14680, 14780, 14608, 14656, 14728, 14768, 14628, 14576, 14672, 14632, 14704, 14740, 14748, 14656, 14624, 14744, 14736,
  14716, 14780, 14872,
]
const leaking = (values: readonly number[], kibibytes = LEAK_KIBIBYTES) =>
  values.map((value, run) => value + run * kibibytes)
/** From that run on so much less: the daemon gave memory back. */
const released = (values: readonly number[], from: number, kibibytes: number) =>
  values.map((value, run) => value - (run >= from ? kibibytes : 0))

t.test('finds a leak of 100 KiB for each run, and none where there is none', t => {
  for (const runs of [10, 20]) {
    const steady = STEADY.slice(0, runs)
    t.equal(faultOfGrowth('malloc', steady), undefined, `${runs} runs`)
    t.match(faultOfGrowth('malloc', leaking(steady)), /^malloc grows by (?:9|10)\d KiB for each run \(\d+ to 1\d\d\)$/)
  }
  t.end()
})

t.test('memory that is given back is no growth, and hides none', t => {
  for (const from of [2, 10, 17]) {
    t.equal(faultOfGrowth('malloc', released(STEADY, from, 6_000)), undefined, `given back before run ${from + 1}`)
    t.match(faultOfGrowth('malloc', leaking(released(STEADY, from, 300))), /grows by/, `before run ${from + 1}`)
  }
  const [first, ...others] = STEADY
  t.equal(faultOfGrowth('malloc', [...others, first! + 8_000]), undefined, 'one run that is off')
  t.end()
})

t.test('what neither grows for sure nor can be seen not to is told', t => {
  t.match(faultOfGrowth('heap', [10_000, 10_100, 10_200]), /^heap: too few runs tell whether it grows: 100 KiB/)
  const noisy = STEADY.map((value, run) => value + (run % 3) * 2_000)
  t.match(faultOfGrowth('heap', noisy), /^heap: too few runs tell/)
  t.match(faultOfGrowth('heap', [10_000, 10_100]), /^heap: of 2 runs no growth can be told$/)
  t.end()
})

t.test('growth is what lies in the middle of all pairs', t => {
  t.strictSame(growthOf([1, 2, 3, 4, 5, 6, 7, 8]), { perRun: 1, least: 1, most: 1 })
  t.strictSame(growthOf([5, 5, 5, 5, 5, 5, 5, 5]), { perRun: 0, least: 0, most: 0 })
  t.strictSame(growthOf([3, 4, 5]), { perRun: 1, least: -Infinity, most: Infinity })
  t.equal(growthOf([]), undefined)
  t.end()
})
