import { median } from './bench/statistics.ts'

/** What a daemon had after each run of the same, and how much of it is growth. */
export interface Growth {
  /** Of each run beside each later one, what it grew by for each run between them: the middle one of all (Theil and Sen). */
  readonly perRun: number
  /** Where that lies, taken by chance in one case of a hundred to be above `least` and in one to be below `most`. */
  readonly least: number
  readonly most: number
}

/** Of fewer runs nothing can be told. */
export const GROWTH_RUNS_MIN = 3
/** Of the normal distribution: one side, 1 %. */
const Z_ONE_PERCENT = 2.326

/**
 * How much values of one run after the other grow. Neither one value that is far off nor one step down moves it much, as when a
 * daemon has given memory back. In the unit of `values`, for each run. Undefined of fewer than GROWTH_RUNS_MIN.
 * Source: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau (1968).
 */
export function growthOf(values: readonly number[]): Growth | undefined {
  const runs = values.length
  const slopes = values
    .flatMap((value, i) => values.slice(i + 1).map((later, gap) => (later - value) / (gap + 1)))
    .sort((a, b) => a - b)
  const perRun = median(slopes)
  if (perRun === undefined || runs < GROWTH_RUNS_MIN) return undefined
  const width = Z_ONE_PERCENT * Math.sqrt((runs * (runs - 1) * (2 * runs + 5)) / 18)
  const at = Math.floor((slopes.length - width) / 2)
  return {
    perRun,
    least: at < 0 ? -Infinity : slopes[at]!,
    most: at < 0 ? Infinity : slopes[slopes.length - 1 - at]!,
  }
}

/** Kibibytes for each run. Growth of that and more is called a leak; half of it is not seen for sure. */
export const LEAK_KIBIBYTES = 100

/** What is wrong with kibibytes of one run after the other: they grow, or nobody can tell. Undefined: nothing is. */
export function faultOfGrowth(what: string, kibibytes: readonly number[]): string | undefined {
  const growth = growthOf(kibibytes)
  if (growth === undefined) return `${what}: of ${kibibytes.length} runs no growth can be told`
  const { perRun, least, most } = growth
  const words = `${perRun.toFixed(0)} KiB for each run (${least.toFixed(0)} to ${most.toFixed(0)})`
  if (least > 0 && perRun >= LEAK_KIBIBYTES / 2) return `${what} grows by ${words}`
  return most >= LEAK_KIBIBYTES ? `${what}: too few runs tell whether it grows: ${words}` : undefined
}
