import type { ApiClient, PerfAnswer } from '../api/mod.ts'
import { assert, WeaveError } from '../base/mod.ts'
import { numberOf } from './number-option.ts'
import { rateOf } from './rate.ts'
import type { PerfGap } from './render-perf.ts'

const SECONDS_MIN = 0.1
const SECONDS_MAX = 60
const RATE_MIN = 1_000
const RATE_LARGEST = 100_000_000_000

export interface PerfOptions {
  readonly rate: number
  readonly seconds: number
  readonly directions: readonly PerfAnswer['direction'][]
  readonly ways: readonly PerfAnswer['way'][]
}

/** @throws WeaveError USAGE */
export function perfOptions(given: {
  rate: string
  seconds: string
  direction: string
  underlay: boolean
}): PerfOptions {
  const rate = rateOf(given.rate)
  if (rate === undefined || rate < RATE_MIN || rate > RATE_LARGEST)
    throw new WeaveError(
      'USAGE',
      `--rate ${JSON.stringify(given.rate.slice(0, 40))} is no rate from 1k to 100G, in bit/s`,
      'write it as in --rate 100M',
    )
  return {
    rate,
    seconds: numberOf('--seconds', given.seconds, SECONDS_MIN, SECONDS_MAX),
    directions: given.direction === 'both' ? ['to', 'from'] : [given.direction as PerfAnswer['direction']],
    ways: given.underlay ? ['overlay', 'underlay'] : ['overlay'],
  }
}

/**
 * Measures one after the other. What cannot be had beside what can is told of in its place.
 * @throws WeaveError of the first, when there is no result at all
 */
export async function measurePeer(
  client: Pick<ApiClient, 'call'>,
  peer: string,
  { rate, seconds, directions, ways }: PerfOptions,
): Promise<{ measured: readonly [PerfAnswer, ...PerfAnswer[]]; gaps: PerfGap[] }> {
  const measured: PerfAnswer[] = []
  const gaps: PerfGap[] = []
  let failure: WeaveError | undefined
  for (const direction of directions)
    for (const way of ways) {
      try {
        measured.push(await client.call('perf', { peer, way, direction, rate, seconds }))
      } catch (thrown) {
        if (!(thrown instanceof WeaveError) || !['PERF_REFUSED', 'PERF_FAILED'].includes(thrown.code)) throw thrown
        failure ??= thrown
        gaps.push({ way, direction, why: `${thrown.message}: ${thrown.remedy}` })
      }
    }
  const [first, ...others] = measured
  if (first !== undefined) return { measured: [first, ...others], gaps }
  assert(failure !== undefined, 'at least one measurement is asked for')
  throw failure
}
