import type { CallAnswer, CallHandlers } from '../api/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { SessionTotals } from '../overlay/mod.ts'
import { HISTORY_STEP_MS } from './constants.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { TrafficHistory, type PeerSample } from './traffic-history.ts'

interface Given {
  readonly runner: {
    readonly node: {
      readonly view: Pick<NodeRunner['node']['view'], 'peerAt' | 'nicknameOf'>
      readonly paths: Pick<NodeRunner['node']['paths'], 'path'>
    }
  }
  /** What went to and came from peers, by peer index. */
  readonly traffic: () => ReadonlyMap<number, SessionTotals>
  readonly now: () => Millis
  /** Milliseconds since 1970. */
  readonly wallNow?: () => number
}

/** Remembers what went to the peers and how far they were in the last hour: `history`. */
export class HistoryService implements Service {
  readonly name = 'history'
  readonly calls: Pick<CallHandlers, 'history'>
  readonly #given: Given
  readonly #wallNow: () => number
  readonly #history: TrafficHistory
  #endsAt: number
  /** Good until the next step. */
  #answer: CallAnswer<'history'> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(given: Given) {
    this.#given = given
    this.#wallNow = given.wallNow ?? Date.now
    this.#history = new TrafficHistory(given.now())
    this.#endsAt = this.#wallNow()
    this.calls = { history: () => (this.#answer ??= this.#made()) }
  }

  /** From the first call on a step is taken whenever one is over. */
  reconcile(): Promise<void> {
    this.#timer ??= setInterval(() => this.step(), HISTORY_STEP_MS).unref()
    return Promise.resolve()
  }

  /** Takes what there was since the last one. */
  step(): void {
    this.#history.sample(this.#samples(), this.#given.now())
    this.#endsAt = this.#wallNow()
    this.#answer = undefined
  }

  stop(): Promise<void> {
    clearInterval(this.#timer)
    return Promise.resolve()
  }

  *#samples(): Generator<PeerSample> {
    const { view, paths } = this.#given.runner.node
    for (const [index, { sentBytes, receivedBytes }] of this.#given.traffic()) {
      const peer = view.peerAt(index)
      if (peer === undefined) continue
      const state = paths.path(peer)?.state
      const rttMs = state === undefined || state.kind === 'none' ? undefined : state.rttMs
      yield { peer, sentBytes, receivedBytes, rttMs, isRelayed: state?.kind === 'relayed' }
    }
  }

  #made(): CallAnswer<'history'> {
    const { view } = this.#given.runner.node
    return {
      stepSeconds: HISTORY_STEP_MS / 1_000,
      end: new Date(this.#endsAt).toISOString(),
      total: this.#history.total,
      peers: this.#history.peers.map(({ peer: id, ...series }) => ({ id, nickname: view.nicknameOf(id), ...series })),
    }
  }
}
