import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { ClockView, DialBackView, NeighbourWordsView } from '../doctor/mod.ts'
import type { CheckResult, CheckSubject } from '../wire/mod.ts'
import { CHECK_WAIT_MS, CHECKS_KEPT_MS, DIAL_BACKS_MAX } from './constants.ts'
import type { NodeRunner } from './node-runner.ts'

/**
 * Asks the neighbours what their clocks say, and those that did not dial this host whether they can. One round at a time;
 * what it brought holds for CHECKS_KEPT_MS, so that whoever watches does not make them dial again and again.
 */
export class NeighbourWords {
  readonly #runner: Pick<NodeRunner, 'input' | 'node'>
  readonly #now: () => Millis
  readonly #wallNow: () => number
  #asking: Promise<NeighbourWordsView> | undefined
  #kept: { readonly words: NeighbourWordsView; readonly until: Millis } | undefined

  /** `wallNow`: milliseconds since 1970, UTC. */
  constructor(parts: { runner: Pick<NodeRunner, 'input' | 'node'>; now: () => Millis; wallNow?: () => number }) {
    this.#runner = parts.runner
    this.#now = parts.now
    this.#wallNow = parts.wallNow ?? (() => Date.now())
  }

  /** Who does not answer in time is left out. */
  async ask(): Promise<NeighbourWordsView> {
    if (this.#kept !== undefined && this.#now() < this.#kept.until) return this.#kept.words
    this.#asking ??= this.#askAll().finally(() => (this.#asking = undefined))
    return this.#asking
  }

  async #askAll(): Promise<NeighbourWordsView> {
    const { neighbours } = this.#runner.node.neighbours
    const dialled = neighbours.filter(({ isOutbound }) => isOutbound).slice(0, DIAL_BACKS_MAX)
    const [clocks, dialBacks] = await Promise.all([
      Promise.all(neighbours.map(({ peerId }) => this.#clockOf(peerId))),
      Promise.all(dialled.map(({ peerId }) => this.#dialBackOf(peerId))),
    ])
    const words = { clocks: clocks.flatMap(one => one ?? []), dialBacks: dialBacks.flatMap(one => one ?? []) }
    this.#kept = { words, until: this.#now() + CHECKS_KEPT_MS }
    return words
  }

  /** The answer was written between question and answer here: half of that time is what is not known. */
  async #clockOf(peer: PeerId): Promise<ClockView | undefined> {
    const begunAt = this.#wallNow()
    const result = await this.#asked(peer, 'clock')
    if (result?.subject !== 'clock') return undefined
    const withinMs = Math.abs(this.#wallNow() - begunAt) / 2
    return { peer: this.#ref(peer), aheadMs: result.timeMs - (begunAt + withinMs), withinMs }
  }

  async #dialBackOf(peer: PeerId): Promise<DialBackView | undefined> {
    const result = await this.#asked(peer, 'dialBack')
    if (result?.subject !== 'dialBack') return undefined
    return { peer: this.#ref(peer), endpoint: result.endpoint, why: result.why ?? null }
  }

  #asked(peer: PeerId, subject: CheckSubject): Promise<CheckResult | undefined> {
    return new Promise(resolve => {
      const isBegun = this.#runner.input((node, now) => node.check(peer, subject, CHECK_WAIT_MS, resolve, now))
      if (isBegun !== true) resolve(undefined)
    })
  }

  #ref(id: PeerId) {
    return { id, nickname: this.#runner.node.view.nicknameOf(id) }
  }
}
