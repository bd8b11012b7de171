import { setTimeout as delay } from 'node:timers/promises'
import type { PeerId } from '../address/mod.ts'
import type { CallAnswer, CallContext, CallHandlers, CallRequest, PeerRef, PerfAnswer, PerfPings } from '../api/mod.ts'
import { errorText } from '../base/mod.ts'
import type { MeasureEnd } from '../node/mod.ts'
import { askNode } from './ask-node.ts'
import { PERF_IDLE_PINGS, PERF_IDLE_PING_GAP_MS, PERF_PING_GAP_MS, PERF_PING_WAIT_MS } from './constants.ts'
import { exactPing } from './exact-ping.ts'
import type { NodeRunner } from './node-runner.ts'
import { otherPeer } from './peer-lookup.ts'
import { perfFailure } from './perf-failure.ts'
import type { PerfHistory } from './perf-history.ts'
import type { Service } from './service.ts'
import { pathView } from './status/paths.ts'

interface Given {
  readonly runner: Pick<NodeRunner, 'input' | 'report' | 'node'>
  /** Behind whom an address of the overlay is; undefined when the text is none. */
  readonly peersAt: (text: string) => PeerId[] | undefined
  readonly history: Pick<PerfHistory, 'all' | 'add'>
  readonly log: { warn(fields: object, text: string): void }
  /** Milliseconds with fractions, of any clock. */
  readonly exactNow?: () => number
  /** Milliseconds since 1970. */
  readonly wallNow?: () => number
  /** Resolves after so many milliseconds, or with the signal. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<unknown>
}

/** Throughput, loss and latency between this host and another: `perf`. */
export class PerfService implements Service {
  readonly name = 'perf'
  readonly calls: Pick<CallHandlers, 'perf' | 'perf-history'>
  readonly #given: Required<Given>

  constructor(given: Given) {
    this.#given = {
      exactNow: () => performance.now(),
      wallNow: () => Date.now(),
      wait: (ms, signal) => delay(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
      ...given,
    }
    this.calls = {
      perf: (request, context) => this.#perf(request, context),
      'perf-history': ({ peer }) => ({ measurements: this.#history(peer) }),
    }
  }

  async #perf(request: CallRequest<'perf'>, { signal }: CallContext): Promise<CallAnswer<'perf'>> {
    const { runner, peersAt, wallNow, history, log } = this.#given
    const id = otherPeer(request.peer, runner.report(), peersAt)
    const time = new Date(wallNow()).toISOString()
    const idle = await this.#pings(id, PERF_IDLE_PING_GAP_MS, signal, PERF_IDLE_PINGS)
    const over = new AbortController()
    const pinging = this.#pings(id, PERF_PING_GAP_MS, AbortSignal.any([signal, over.signal]))
    const end = await this.#measured(id, request, signal).finally(() => over.abort())
    const loaded = await pinging
    const peer = this.#ref(id)
    if (!end.isDone) throw perfFailure(end, { peer, rate: request.rate, way: request.way })
    const answer = this.#answer(end, request, { time, peer, idle, loaded })
    try {
      history.add(answer)
    } catch (error) {
      // It was measured all the same.
      log.warn({ event: 'perf-history', error: errorText(error) }, 'a measurement was not kept')
    }
    return answer
  }

  #history(text: string | undefined): PerfAnswer[] {
    const { history, runner, peersAt } = this.#given
    const all = history.all()
    if (text === undefined) return all
    // One that is gone is known by what was measured.
    const named = all.filter(({ peer }) => peer.id === text || peer.nickname === text)
    if (named.length > 0) return named
    const id = otherPeer(text, runner.report(), peersAt)
    return all.filter(({ peer }) => peer.id === id)
  }

  #ref(id: PeerId): PeerRef {
    return { id, nickname: this.#given.runner.node.view.nicknameOf(id) }
  }

  #measured(id: PeerId, request: CallRequest<'perf'>, signal: AbortSignal): Promise<MeasureEnd> {
    const { runner } = this.#given
    const { way, direction, rate, seconds } = request
    const question = {
      ...{ peer: id, way, isSending: direction === 'to' },
      kbits: Math.ceil(rate / 1_000),
      ms: Math.round(seconds * 1_000),
    }
    return new Promise((resolve, reject) => {
      const cancel = () => void runner.input((node, now) => node.cancelMeasure(now))
      let isOver = false
      const onEnd = (end: MeasureEnd) => {
        isOver = true
        signal.removeEventListener('abort', cancel)
        resolve(end)
      }
      try {
        askNode(runner, (node, now) => {
          node.measure(question, onEnd, now)
          return {}
        })
        // One that has ended would cancel somebody else's.
        if (isOver) return
        signal.addEventListener('abort', cancel)
        if (signal.aborted) cancel()
      } catch (error) {
        reject(error as Error)
      }
    })
  }

  /** Pings one after the other until the signal, or so many; or until one cannot be sent. Never fails. */
  async #pings(id: PeerId, gapMs: number, signal: AbortSignal, count = Infinity): Promise<PerfPings> {
    const { runner, exactNow, wait } = this.#given
    const times: number[] = []
    let sent = 0
    while (sent < count && !signal.aborted) {
      const ping = await exactPing(runner, id, PERF_PING_WAIT_MS, exactNow).catch(() => undefined)
      if (ping?.end.sentAt === undefined) break
      sent++
      if (ping.rttMs !== null) times.push(ping.rttMs)
      await wait(gapMs, signal)
    }
    const average = times.reduce((sum, time) => sum + time, 0) / times.length
    const rttMs = times.length === 0 ? null : { min: Math.min(...times), average, max: Math.max(...times) }
    return { sent, answered: times.length, rttMs }
  }

  #answer(
    { sent, datagramBytes, counts, series, path }: Extract<MeasureEnd, { isDone: true }>,
    { way, direction, rate, seconds }: CallRequest<'perf'>,
    known: Pick<PerfAnswer, 'time' | 'peer' | 'idle' | 'loaded'>,
  ): PerfAnswer {
    const { received, reordered, jitterMicros, spanMicros } = counts
    const bitsIn = (datagrams: number, inSeconds: number) => (datagrams * datagramBytes * 8) / inSeconds
    return {
      ...known,
      ...{ way, direction, rate, seconds, datagramBytes, sent, received, reordered },
      path: path === undefined ? null : pathView(path, { ref: id => this.#ref(id) }),
      lossPercent: sent === 0 ? null : (100 * Math.max(0, sent - received)) / sent,
      jitterMs: jitterMicros / 1_000,
      sentBitsPerSecond: bitsIn(sent, seconds),
      // What is late because something on the way holds it back came no faster.
      receivedBitsPerSecond: bitsIn(received, Math.max(seconds, spanMicros / 1_000_000)),
      series: series.map(({ ms, received: until }, i) => {
        const before = series[i - 1] ?? { ms: 0, received: 0 }
        const spanSeconds = Math.max(1, ms - before.ms) / 1_000
        return { seconds: ms / 1_000, receivedBitsPerSecond: bitsIn(until - before.received, spanSeconds) }
      }),
    }
  }
}
