import { setTimeout as delay } from 'node:timers/promises'
import type { CallContext, CallHandlers, CallAnswer, CallRequest, TalkEnd } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { NodeReport } from '../node/mod.ts'
import { FRAME_SAMPLES_MAX, type DataPlane, type FrameTally } from '../overlay/mod.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import type { WhereaboutsService } from './whereabouts-service.ts'

interface Given {
  readonly runner: Pick<NodeRunner, 'report'>
  readonly plane: Pick<DataPlane, 'sample'>
  readonly whereabouts: Pick<WhereaboutsService, 'told'>
  /** Milliseconds with fractions, of any clock. */
  readonly exactNow?: () => number
  /** Resolves after so many milliseconds, or with the signal. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** Who talks to whom on this host, by a sample that is taken while somebody asks, and not else: `top`. */
export class TopService implements Service {
  readonly name = 'top'
  readonly calls: Pick<CallHandlers, 'top'>
  readonly #given: Required<Given>
  readonly #end = new AbortController()

  constructor(given: Given) {
    this.#given = {
      exactNow: () => performance.now(),
      wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
      ...given,
    }
    this.calls = { top: (request, context) => this.#top(request, context) }
  }

  stop(): Promise<void> {
    this.#end.abort()
    return Promise.resolve()
  }

  async #top({ seconds, limit }: CallRequest<'top'>, { signal }: CallContext): Promise<CallAnswer<'top'>> {
    const { plane, exactNow, wait, runner } = this.#given
    const sample = plane.sample()
    if (sample === undefined)
      throw new WeaveError(
        'DAEMON_BUSY',
        `${FRAME_SAMPLES_MAX} others look at who talks to whom at this moment`,
        'try again when one of them has ended',
      )
    const begunAt = exactNow()
    await wait(seconds * 1_000, AbortSignal.any([signal, this.#end.signal]))
    const tookSeconds = (exactNow() - begunAt) / 1_000
    return this.#answer(await sample.end(), Math.max(tookSeconds, 0.001), limit, runner.report())
  }

  #answer({ talks, others, seen }: FrameTally, seconds: number, limit: number, report: NodeReport): CallAnswer<'top'> {
    const sorted = [...talks].sort((a, b) => b.bytes - a.bytes || b.frames - a.frames)
    const rest = sorted.slice(limit)
    const sum = (of: 'bytes' | 'frames') => rest.reduce((all, talk) => all + talk[of], others[of])
    return {
      seconds,
      framesSeen: seen,
      talks: sorted.slice(0, limit).map(({ source, destination, isInward, bytes, frames }) => ({
        source: this.#endOf(source, report),
        destination: this.#endOf(destination, report),
        direction: isInward ? 'in' : 'out',
        bytesPerSecond: bytes / seconds,
        framesPerSecond: frames / seconds,
      })),
      others: { pairs: rest.length, bytesPerSecond: sum('bytes') / seconds, framesPerSecond: sum('frames') / seconds },
    }
  }

  #endOf(address: string, report: NodeReport): TalkEnd {
    const told = this.#given.whereabouts.told(address, report)
    const { container = null, names = [], peer = null } = told ?? {}
    return { address, container, names, peer }
  }
}
