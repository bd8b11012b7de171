import fc from 'fast-check'
import t from 'tap'
import { ORIGIN_WINDOW_BITS, ReplayWindow } from '../../../lib/noise/mod.ts'

const LIMIT = 2n ** 60n
const W = BigInt(new ReplayWindow().usable)

function accept(window: ReplayWindow, counter: bigint): boolean {
  const high = Number(counter >> 32n)
  const low = Number(counter & 0xffff_ffffn)
  const isFresh = window.check(high, low)
  const isAccepted = window.accept(high, low)
  if (isFresh !== isAccepted) throw new Error(`check and accept differ at ${counter}`)
  return isAccepted
}

t.test('the cases of the WireGuard self-test hold', async t => {
  const T = W + 1n
  const cases: [bigint, boolean][] = [
    [0n, true],
    [1n, true],
    [1n, false],
    [9n, true],
    [8n, true],
    [7n, true],
    [7n, false],
    [T, true],
    [T - 1n, true],
    [T - 1n, false],
    [T - 2n, true],
    [2n, true],
    [2n, false],
    [T + 16n, true],
    [3n, false],
    [T + 16n, false],
    [T * 4n, true],
    [T * 4n - (T - 1n), true],
    [10n, false],
    [T * 4n - T, false],
    [T * 4n - (T + 1n), false],
    [T * 4n - (T - 2n), true],
    [T * 4n + 1n - T, false],
    [0n, false],
    [LIMIT, false],
    [LIMIT - 1n, true],
    [LIMIT, false],
    [LIMIT - 1n, false],
    [LIMIT - 2n, true],
    [LIMIT + 1n, false],
    [LIMIT + 2n, false],
    [LIMIT - 2n, false],
    [LIMIT - 3n, true],
    [0n, false],
  ]
  const window = new ReplayWindow()
  cases.forEach(([counter, expected], i) => t.equal(accept(window, counter), expected, `case ${i + 1}`))
})

t.test('the loops of the WireGuard self-test hold', async t => {
  const run = (...counters: [bigint, boolean][]): void => {
    const window = new ReplayWindow()
    const wrong = counters.filter(([counter, expected]) => accept(window, counter) !== expected)
    t.strictSame(wrong, [])
  }
  const up = (from: bigint, to: bigint): [bigint, boolean][] =>
    Array.from({ length: Number(to - from) + 1 }, (_, i) => [from + BigInt(i), true])
  const down = (from: bigint, to: bigint): [bigint, boolean][] => up(to, from).reverse()
  run(...up(1n, W), [0n, true], [0n, false])
  run(...up(2n, W + 1n), [1n, true], [0n, false])
  run(...down(W, 0n))
  run(...down(W + 1n, 1n), [0n, false])
  run(...down(W, 1n), [W + 1n, true], [0n, false])
  run(...down(W, 1n), [0n, true], [W + 1n, true])
})

t.test('check alone changes nothing', async t => {
  const window = new ReplayWindow()
  t.equal(window.check(0, 5), true)
  t.equal(window.check(1, 5), true)
  t.equal(accept(window, 4n), true)
  t.equal(window.check(0, 4), false)
})

t.test('it does as a set of all counters seen would do', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.bigInt({ min: -40n, max: 40n }) },
    { weight: 3, arbitrary: fc.bigInt({ min: -36_000n, max: 36_000n }) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 40n }) },
  )
  const start = fc.constantFrom(0n, 2n ** 32n - 4000n, 2n ** 53n - 100n, LIMIT - 120_000n)
  fc.assert(
    fc.property(start, fc.array(step, { minLength: 1, maxLength: 400 }), (first, steps) => {
      const window = new ReplayWindow()
      const seen = new Set<bigint>()
      let highest = -1n
      let base = first
      for (const by of steps) {
        const counter = base + by < 0n ? 0n : base + by
        const expected = counter < LIMIT && !seen.has(counter) && highest - counter <= W
        if (accept(window, counter) !== expected) return false
        if (!expected) continue
        seen.add(counter)
        if (counter > highest) highest = counter
        base = highest
      }
      return true
    }),
    { numRuns: 300 },
  )
})

t.test('every counter in the window that was not received is fresh, whatever the stride', async t => {
  const highest = 70_000
  for (const stride of [1, 31, 32, 33, 63, 64, 65, 500, 8127, 8128, 8159, 8160, 8161, 8191, 8192, 8193, 8224, 9000]) {
    const window = new ReplayWindow(ORIGIN_WINDOW_BITS)
    const wrong: string[] = []
    for (let counter = 0; counter <= highest; counter += stride) {
      if (!window.accept(0, counter)) wrong.push(`${counter} is refused`)
      // With short strides the whole window is looked at now and then only.
      if (stride < 500 && counter % 1_117 !== 0 && counter + stride <= highest) continue
      for (let older = Math.max(0, counter - window.usable); older <= counter; older++)
        if (window.check(0, older) !== (older % stride !== 0)) wrong.push(`${older} below ${counter}`)
    }
    t.strictSame(wrong.slice(0, 3), [], `stride ${stride}`)
  }
})
