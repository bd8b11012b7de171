import { BoundedQueue, soonest, type Machine, type Millis } from '../base/mod.ts'
import {
  PATH_BYTES_BASE,
  PATH_BYTES_MIN,
  SIZE_CHECK_MS,
  SIZE_PROBES_PER_STEP,
  SIZE_RAISE_FIRST_MS,
  SIZE_RAISE_LAST_MS,
  SIZE_TRIES,
  SIZE_WAIT_LAST_MS,
  SIZE_WAIT_MS,
} from './constants.ts'

/**
 * The phases of RFC 8899 §5.2: nothing of the path is proved yet, its size is searched for, it is found, or not even
 * the least size passes.
 */
export type PathMtuPhase = 'base' | 'searching' | 'complete' | 'error'

export type PathMtuOutput =
  /** Send a probe that makes a datagram of so many bytes; `isTrain`: two of them as one train. */
  | { readonly type: 'probe'; readonly bytes: number; readonly isTrain: boolean }
  /** `bytes`, `isFound` or `hasTrains` changed. */
  | { readonly type: 'changed' }

const SIZE_OUTPUTS_MAX = 64
/** Of the time that is waited for an answer this is left when one came sooner. */
const WAIT_FADES = 0.8

/**
 * Searches for the largest datagram that a path carries, by probes that are answered (RFC 8899, with several sizes
 * probed at once). Sizes are bytes of UDP payload. Inputs: `start` for a new path, `handleAnswer`, `handleLarge` while
 * there are frames that a smaller path would lose, time. Until something is proved it goes by PATH_BYTES_BASE, which
 * nearly every path carries. It begins with the first use, or after a rest.
 *
 * What was found is checked while it is in use, no more often than each SIZE_CHECK_MS. When SIZE_TRIES checks in a row
 * are not answered the path has become smaller, whoever dropped them and whatever they said: it goes by the least size
 * at once, and searches anew. What is less than the most is tried to be raised, ever more seldom.
 */
export class PathMtu implements Machine<PathMtuOutput> {
  readonly #outputs = new BoundedQueue<PathMtuOutput>(SIZE_OUTPUTS_MAX)
  #phase: PathMtuPhase = 'base'
  #least = PATH_BYTES_MIN
  #base = PATH_BYTES_BASE
  #most = PATH_BYTES_BASE
  #bytes = PATH_BYTES_BASE
  #isFound = false
  #isOn = false
  /** The largest size that is proved, 0 for none; and the smallest that is taken not to pass. */
  #low = 0
  #high = 0
  /** Nothing has been probed yet, and will not be before this unless there is use. */
  #restsUntil: Millis | undefined
  /** The sizes that are probed now, ascending; and how often they were. Of a check: the present size. */
  #sizes: readonly number[] = []
  #tries = 0
  #isChecking = false
  /** Whether trains are allowed; where that is asked, how often it was, and until when it is waited for an answer. */
  #hasTrains = false
  #trainTries = 0
  /** Trains were allowed, and are not answered any more. */
  #areTrainsLost = false
  /** Of a check: whether a single probe was answered, and a train. */
  #isSingleAnswered = false
  #isTrainAnswered = false
  #trainEndsAt: Millis | undefined
  #stepEndsAt: Millis | undefined
  #raiseAt: Millis | undefined
  #raiseWaitMs = SIZE_RAISE_FIRST_MS
  #checkAt: Millis | undefined
  #checkedAt: Millis = 0
  #waitMs = SIZE_WAIT_MS

  get phase(): PathMtuPhase {
    return this.#phase
  }

  /** What goes by now: the largest datagram to send. */
  get bytes(): number {
    return this.#bytes
  }

  /** True when `bytes` is what the path carries, as far as one can know; false while that is sought. */
  get isFound(): boolean {
    return this.#isFound
  }

  /**
   * False where several datagrams must not be given to the kernel as one. A path that carries less than could be of use
   * may be a filter of long packets, and one that is no router takes a train for such a packet.
   */
  get hasTrains(): boolean {
    return this.#hasTrains
  }

  /**
   * A path of which nothing is known. `most`: what need not be exceeded; `lessBytes`: by what the least size and the
   * base are smaller here; `restMs`: how long nothing is probed if there is no use.
   */
  start(most: number, lessBytes: number, now: Millis, restMs = 0): void {
    this.#isOn = true
    this.#least = Math.min(PATH_BYTES_MIN - lessBytes, most)
    this.#base = Math.min(PATH_BYTES_BASE - lessBytes, most)
    this.#most = most
    this.#raiseWaitMs = SIZE_RAISE_FIRST_MS
    this.#waitMs = SIZE_WAIT_MS
    this.#areTrainsLost = false
    this.#begin(now)
    this.#set(this.#base, false)
    this.#restsUntil = now + restMs
    if (restMs === 0) this.#search(now)
  }

  /** The path is gone. */
  stop(): void {
    this.#isOn = false
    this.#stepEndsAt = undefined
    this.#raiseAt = undefined
    this.#checkAt = undefined
    this.#trainEndsAt = undefined
    this.#restsUntil = undefined
    this.#isChecking = false
    this.#sizes = []
  }

  /** How long an answer may take is told by how long others took; a queue that is filling makes them slower. */
  setRoundTrip(rttMs: number): void {
    const waitMs = Math.min(SIZE_WAIT_LAST_MS, SIZE_WAIT_MS + 3 * rttMs)
    this.#waitMs = Math.max(waitMs, this.#waitMs * WAIT_FADES)
  }

  /** Frames were sent that a smaller path would lose. */
  handleLarge(now: Millis): void {
    if (this.#restsUntil !== undefined) return this.#search(now)
    if (!this.#isOn || this.#phase !== 'complete' || this.#isChecking) return
    // Not forgotten when it is too early: who waits for an answer to what was lost sends nothing more for a while.
    this.#checkAt = Math.max(now, this.#checkedAt + SIZE_CHECK_MS)
    if (now >= this.#checkAt) this.#check(now)
  }

  /** The path answers again, which did not for a while: that not even the least was answered said nothing of its size. */
  handleBack(now: Millis): void {
    if (!this.#isOn || this.#phase !== 'error') return
    this.#raiseWaitMs = SIZE_RAISE_FIRST_MS
    this.#anew(now)
  }

  /** A probe of this size came through; `isTrain`: of a train. */
  handleAnswer(bytes: number, now: Millis, isTrain = false): void {
    if (!this.#isOn || bytes > this.#most || bytes < this.#least) return
    if (isTrain) return this.#handleTrain(bytes)
    if (bytes === this.#bytes && this.#isFound) {
      this.#isSingleAnswered = true
      return this.#endCheckIfAnswered()
    }
    if (bytes <= this.#low || this.#isChecking) return
    this.#low = bytes
    // An answer that took longer than was waited for.
    if (this.#phase === 'complete') return this.#set(bytes, true)
    // A probe was lost for another reason than its size.
    if (this.#high <= bytes) this.#high = bytes === this.#most ? bytes + 1 : this.#most + 1
    if (bytes > this.#bytes) this.#set(bytes, this.#isFound)
    if (bytes >= this.#sizes.at(-1)!) this.#conclude(now)
  }

  handleTimeout(now: Millis): void {
    if (this.#restsUntil !== undefined && now >= this.#restsUntil) this.#search(now)
    if (this.#stepEndsAt !== undefined && now >= this.#stepEndsAt) this.#handleSilence(now)
    if (this.#checkAt !== undefined && now >= this.#checkAt) this.#check(now)
    if (this.#trainEndsAt !== undefined && now >= this.#trainEndsAt) this.#tryTrain(now)
    if (this.#raiseAt !== undefined && now >= this.#raiseAt) this.#raise(now)
  }

  pollOutput(): PathMtuOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const answers = 'answers about the size of a path'
    if (this.#stepEndsAt !== undefined) return { at: this.#stepEndsAt, reason: answers }
    return soonest([
      this.#restsUntil === undefined ? undefined : { at: this.#restsUntil, reason: 'size of a path' },
      this.#trainEndsAt === undefined ? undefined : { at: this.#trainEndsAt, reason: answers },
      this.#checkAt === undefined ? undefined : { at: this.#checkAt, reason: 'check of the size of a path' },
      this.#raiseAt === undefined ? undefined : { at: this.#raiseAt, reason: 'size of a path' },
    ])
  }

  /** Most paths carry the most: one probe is enough for them. */
  #search(now: Millis): void {
    this.#restsUntil = undefined
    this.#step([this.#most], now)
  }

  #begin(now: Millis): void {
    this.#phase = 'base'
    this.#low = 0
    this.#high = this.#most + 1
    this.#isChecking = false
    this.#raiseAt = undefined
    this.#checkAt = undefined
    this.#checkedAt = now
  }

  #anew(now: Millis): void {
    this.#begin(now)
    this.#set(this.#least, false)
    this.#step(this.#ends(), now)
  }

  #ends(): number[] {
    return [...new Set([this.#least, this.#base, this.#most])]
  }

  #step(sizes: readonly number[], now: Millis): void {
    this.#sizes = sizes
    this.#tries = 0
    this.#try(now)
  }

  #try(now: Millis): void {
    this.#tries++
    if (this.#isChecking && this.#hasTrains && !this.#isTrainAnswered)
      this.#outputs.push({ type: 'probe', bytes: this.#bytes, isTrain: true })
    for (const bytes of this.#sizes) {
      const isAsked = this.#isChecking ? !this.#isSingleAnswered : bytes > this.#low
      if (isAsked) this.#outputs.push({ type: 'probe', bytes, isTrain: false })
    }
    this.#stepEndsAt = now + this.#waitMs
  }

  #handleSilence(now: Millis): void {
    if (this.#tries < SIZE_TRIES) {
      if (this.#phase === 'base' && this.#low === 0) this.#sizes = this.#ends()
      return this.#try(now)
    }
    if (!this.#isChecking) return this.#conclude(now)
    if (this.#isSingleAnswered) return this.#loseTrains(now)
    this.#raiseWaitMs = SIZE_RAISE_FIRST_MS
    this.#anew(now)
  }

  #check(now: Millis): void {
    this.#checkAt = undefined
    if (this.#phase !== 'complete' || this.#isChecking) return
    this.#checkedAt = now
    this.#isChecking = true
    this.#isSingleAnswered = false
    this.#isTrainAnswered = false
    this.#step([this.#bytes], now)
  }

  /** Single datagrams of the size come through, and trains of them do not. */
  #loseTrains(now: Millis): void {
    this.#endCheck()
    this.#areTrainsLost = true
    this.#hasTrains = false
    this.#outputs.push({ type: 'changed' })
    this.#raiseLater(now)
  }

  /** A bridge passes trains that are cut later, and drops single datagrams of the size: both are to come through. */
  #endCheckIfAnswered(): void {
    if (this.#isChecking && this.#isSingleAnswered && (this.#isTrainAnswered || !this.#hasTrains)) this.#endCheck()
  }

  #endCheck(): void {
    this.#isChecking = false
    this.#stepEndsAt = undefined
  }

  /** What was probed is answered, or often enough was not. */
  #conclude(now: Millis): void {
    const unanswered = this.#sizes.find(bytes => bytes > this.#low)
    if (unanswered !== undefined) this.#high = Math.min(this.#high, unanswered)
    if (this.#low === 0) return this.#fail(now)
    if (this.#high - this.#low <= 1) return this.#complete(now)
    this.#phase = 'searching'
    if (!this.#isFound || this.#low > this.#bytes) this.#set(this.#low, this.#isFound)
    this.#step(between(this.#low, this.#high), now)
  }

  #complete(now: Millis): void {
    this.#phase = 'complete'
    this.#stepEndsAt = undefined
    this.#checkedAt = now
    this.#trainTries = 0
    this.#set(this.#low, true)
    if (!this.#hasTrains) this.#tryTrain(now)
    this.#raiseLater(now)
  }

  #fail(now: Millis): void {
    this.#phase = 'error'
    this.#stepEndsAt = undefined
    this.#set(this.#least, false)
    this.#raiseLater(now)
  }

  #raiseLater(now: Millis): void {
    if (this.#phase === 'complete' && this.#bytes === this.#most && !this.#areTrainsLost) return
    this.#raiseAt = now + this.#raiseWaitMs
    this.#raiseWaitMs = Math.min(SIZE_RAISE_LAST_MS, this.#raiseWaitMs * 2)
  }

  #raise(now: Millis): void {
    if (this.#isChecking) return
    this.#raiseAt = undefined
    if (this.#phase === 'error') return this.#anew(now)
    if (this.#bytes === this.#most) {
      this.#trainTries = 0
      this.#tryTrain(now)
      return this.#raiseLater(now)
    }
    this.#phase = 'searching'
    this.#high = this.#most + 1
    this.#step([this.#most], now)
  }

  #tryTrain(now: Millis): void {
    this.#trainEndsAt = undefined
    if (this.#phase !== 'complete' || this.#trainTries++ >= SIZE_TRIES) return
    this.#outputs.push({ type: 'probe', bytes: this.#bytes, isTrain: true })
    this.#trainEndsAt = now + this.#waitMs
  }

  #handleTrain(bytes: number): void {
    if (bytes !== this.#bytes || !this.#isFound) return
    this.#trainEndsAt = undefined
    this.#isTrainAnswered = true
    this.#endCheckIfAnswered()
    if (this.#hasTrains) return
    this.#areTrainsLost = false
    this.#hasTrains = true
    this.#outputs.push({ type: 'changed' })
  }

  #set(bytes: number, isFound: boolean): void {
    const isSame = this.#hasTrains && this.#bytes === bytes
    const hasTrains = isFound && !this.#areTrainsLost && (bytes === this.#most || isSame)
    if (this.#bytes === bytes && this.#isFound === isFound && this.#hasTrains === hasTrains) return
    this.#bytes = bytes
    this.#isFound = isFound
    this.#hasTrains = hasTrains
    this.#outputs.push({ type: 'changed' })
  }
}

/** So many sizes, evenly spread, that `high` is not among them and `low` neither. Ascending. */
function between(low: number, high: number): number[] {
  const gaps = Math.min(SIZE_PROBES_PER_STEP + 1, high - low)
  return Array.from({ length: gaps - 1 }, (_, i) => low + Math.round(((i + 1) * (high - low)) / gaps))
}
