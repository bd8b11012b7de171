import type { Endpoint } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { EngineOp } from '../overlay/mod.ts'
import type { PathSession } from './path-session.ts'
import type { PathSize, PathSizeReport } from './path-size.ts'
import { isDetour, type Detour } from './path-way.ts'

/**
 * Has it found out what the way carries that frames take to one peer, whichever way that is (PathSize), and tells the
 * engine. Its probes go over the session.
 */
export class PathSizer {
  readonly #peerIndex: number
  readonly #size: PathSize
  readonly #session: Pick<PathSession, 'send'>
  readonly #order: (op: EngineOp) => void
  readonly #onNote: (text: string) => void

  constructor(given: {
    peerIndex: number
    size: PathSize
    session: Pick<PathSession, 'send'>
    order: (op: EngineOp) => void
    /** What is worth a line in the log. */
    onNote: (text: string) => void
  }) {
    this.#peerIndex = given.peerIndex
    this.#size = given.size
    this.#session = given.session
    this.#order = given.order
    this.#onNote = given.onNote
  }

  get report(): PathSizeReport {
    return this.#size.report
  }

  /** Frames go to this endpoint, or by this detour, from now on. */
  begin(by: Endpoint | Detour, rttMs: number, now: Millis): void {
    if (by === 'link') this.#size.beginLink()
    else this.#size.begin(isDetour(by) ? undefined : by, rttMs, now)
    this.#drain()
  }

  /** There is no way. */
  end(): void {
    this.#size.end()
  }

  /** Frames that a smaller path would lose go to the peer. */
  handleLarge(now: Millis): void {
    this.#size.handleLarge(now)
    this.#drain()
  }

  /** Frames of whatever length go to and fro. */
  handleTraffic(now: Millis): void {
    this.#size.handleTraffic(now)
    this.#drain()
  }

  /** The way answers again, which did not for a while. */
  handleBack(now: Millis): void {
    this.#size.handleBack(now)
    this.#drain()
  }

  /** False when the token is of no probe of this. */
  handleReply(token: number, now: Millis): boolean {
    if (!this.#size.handleReply(token, now)) return false
    this.#drain()
    return true
  }

  handleTimeout(now: Millis): void {
    this.#size.handleTimeout(now)
    this.#drain()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#size.pollTimeout()
  }

  #drain(): void {
    for (let output = this.#size.pollOutput(); output !== undefined; output = this.#size.pollOutput()) {
      if (output.type === 'probe') this.#session.send(output.body, output.endpoint, output.copies)
      else if (output.type === 'note') this.#onNote(output.text)
      else {
        const { bytes, isFound, hasTrains } = output
        this.#order({ op: 'set-path-bytes', peerIndex: this.#peerIndex, bytes, isFound, hasTrains })
      }
    }
  }
}
