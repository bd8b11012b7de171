import type { PeerId } from '../address/mod.ts'
import { assert, type Millis } from '../base/mod.ts'
import { HISTORY_PEERS_MAX, HISTORY_STEPS, HISTORY_STEP_MS } from './constants.ts'

/** In so long what a peer carried counts half for whether it is busy. */
const BUSY_HALF_LIFE_MS = 600_000
/** So many times as busy must a peer be as the least busy one that has a series, to take its place. */
const BUSIER_FACTOR = 2

/** What a peer sent and got since some start of its own, and how far it is now. */
export interface PeerSample {
  readonly peer: PeerId
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Of its data path; undefined: there is none. */
  readonly rttMs: number | undefined
  /** All of it is in what the relay carried, too. */
  readonly isRelayed: boolean
}

/** Numbers per step, the oldest first; null where nothing is known. All of one length. */
export interface TrafficSeries {
  readonly inBytesPerSecond: (number | null)[]
  readonly outBytesPerSecond: (number | null)[]
}

export interface PeerSeries extends TrafficSeries {
  readonly peer: PeerId
  readonly rttMs: (number | null)[]
}

interface Tracked {
  sentBytes: number
  receivedBytes: number
  /** Bytes, of which those of BUSY_HALF_LIFE_MS ago count half. */
  busy: number
  /** What is of the newest step; undefined: it was not there. */
  now: StepValues | undefined
  /** The newest step with something of it. */
  seenAt: number
  rings: Readonly<Record<keyof StepValues, Float32Array>> | undefined
}

/** Bytes per second, and milliseconds. */
interface StepValues {
  readonly received: number
  readonly sent: number
  readonly rtt: number
}

/**
 * What went to the peers and came from them in each step of HISTORY_STEP_MS, the last HISTORY_STEPS of them, and how far they
 * were: of HISTORY_PEERS_MAX peers, the busiest, one by one; of all together, each byte once. Its memory does not grow beyond
 * that.
 */
export class TrafficHistory {
  readonly #startedAt: Millis
  readonly #received = ring()
  readonly #sent = ring()
  readonly #peers = new Map<PeerId, Tracked>()
  #sampledAt: Millis
  /** Steps since the start: the newest one is at this place of the rings, modulo their length. */
  #step = 0

  /** Counters count from `startedAt` on. */
  constructor(startedAt: Millis) {
    this.#startedAt = startedAt
    this.#sampledAt = startedAt
  }

  /** Everybody of whom there are counters. To be called once a step; what was left out is of the next one. */
  sample(samples: Iterable<PeerSample>, now: Millis): void {
    const step = Math.round((now - this.#startedAt) / HISTORY_STEP_MS)
    if (step <= this.#step) return
    this.#advance(step)
    const elapsedMs = now - this.#sampledAt
    this.#sampledAt = now
    const decay = 0.5 ** (elapsedMs / BUSY_HALF_LIFE_MS)
    for (const tracked of this.#peers.values()) {
      tracked.now = undefined
      tracked.busy *= decay
    }
    let received = 0
    let sent = 0
    for (const sample of samples) {
      const got = this.#take(sample, elapsedMs)
      if (sample.isRelayed) continue
      received += got.received
      sent += got.sent
    }
    this.#received[this.#place] = received
    this.#sent[this.#place] = sent
    this.#forget()
    this.#giveSeries()
    for (const tracked of this.#peers.values()) this.#write(tracked)
  }

  /** How many steps there are. */
  get length(): number {
    return Math.min(this.#step, HISTORY_STEPS)
  }

  get total(): TrafficSeries {
    return { inBytesPerSecond: this.#listed(this.#received), outBytesPerSecond: this.#listed(this.#sent) }
  }

  /** The busiest first. */
  get peers(): PeerSeries[] {
    return [...this.#peers]
      .sort(([, a], [, b]) => b.busy - a.busy)
      .flatMap(([peer, { rings }]): PeerSeries[] => {
        if (rings === undefined) return []
        const [inBytesPerSecond, outBytesPerSecond] = [this.#listed(rings.received), this.#listed(rings.sent)]
        return [{ peer, inBytesPerSecond, outBytesPerSecond, rttMs: this.#listed(rings.rtt, 100) }]
      })
  }

  get #place(): number {
    return this.#step % HISTORY_STEPS
  }

  /** What lies between the newest step and this one was not looked at. */
  #advance(step: number): void {
    const from = Math.max(this.#step + 1, step - HISTORY_STEPS + 1)
    const rings = [...this.#peers.values()].flatMap(tracked => Object.values(tracked.rings ?? {}))
    for (const one of [this.#received, this.#sent, ...rings])
      for (let at = from; at <= step; at++) one[at % HISTORY_STEPS] = NaN
    this.#step = step
  }

  #take({ peer, sentBytes, receivedBytes, rttMs }: PeerSample, elapsedMs: Millis): StepValues {
    const tracked = this.#peers.get(peer) ?? newlyTracked()
    this.#peers.set(peer, tracked)
    // Less than before: it was forgotten meanwhile, and counts anew.
    const received = receivedBytes - (receivedBytes < tracked.receivedBytes ? 0 : tracked.receivedBytes)
    const sent = sentBytes - (sentBytes < tracked.sentBytes ? 0 : tracked.sentBytes)
    const perSecond = 1_000 / elapsedMs
    const now = { received: received * perSecond, sent: sent * perSecond, rtt: rttMs ?? NaN }
    Object.assign(tracked, { sentBytes, receivedBytes, now, seenAt: this.#step })
    tracked.busy += received + sent
    return now
  }

  #write({ rings, now }: Tracked): void {
    if (rings === undefined || now === undefined) return
    rings.received[this.#place] = now.received
    rings.sent[this.#place] = now.sent
    rings.rtt[this.#place] = now.rtt
  }

  /** Those that are gone, once nothing of them is left to show. */
  #forget(): void {
    for (const [peer, { now, rings, seenAt }] of this.#peers)
      if (now === undefined && (rings === undefined || this.#step - seenAt >= HISTORY_STEPS)) this.#peers.delete(peer)
  }

  /** While there is room to whoever is there; then who is much busier takes the place of who is least so. */
  #giveSeries(): void {
    const all = [...this.#peers.values()]
    const waiting = all.filter(({ rings }) => rings === undefined).sort((a, b) => b.busy - a.busy)
    if (waiting.length === 0) return
    const shown = all.filter(({ rings }) => rings !== undefined).sort((a, b) => a.busy - b.busy)
    let room = HISTORY_PEERS_MAX - shown.length
    assert(room >= 0, 'no more peers have series than may')
    for (const tracked of waiting) {
      if (room > 0) room--
      else {
        const least = shown.shift()
        if (least === undefined || tracked.busy <= BUSIER_FACTOR * least.busy) return
        least.rings = undefined
      }
      tracked.rings = { received: ring(), sent: ring(), rtt: ring() }
    }
  }

  /** `fraction`: parts of one that are told. */
  #listed(values: Float32Array, fraction = 1): (number | null)[] {
    return Array.from({ length: this.length }, (_, at) => {
      const value = values[(this.#step - this.length + 1 + at) % HISTORY_STEPS]!
      return Number.isNaN(value) ? null : Math.round(value * fraction) / fraction
    })
  }
}

function ring(): Float32Array {
  return new Float32Array(HISTORY_STEPS).fill(NaN)
}

function newlyTracked(): Tracked {
  return { sentBytes: 0, receivedBytes: 0, busy: 0, now: undefined, seenAt: 0, rings: undefined }
}
