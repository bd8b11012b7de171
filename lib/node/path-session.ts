import type { EndpointParts, PeerId } from '../address/mod.ts'
import { toHex, type Drop, type Millis } from '../base/mod.ts'
import type { PeerSession, SessionReport } from '../noise/mod.ts'
import { encodeControlHandshake } from '../wire/mod.ts'
import type { DataPathOutput } from './path-state.ts'

/**
 * The session of one path, with the engine told of its keys: what seals the control datagrams of the path, and counts
 * them.
 */
export class PathSession {
  readonly #peerId: PeerId
  readonly #peerIndex: number
  readonly #session: PeerSession
  readonly #emit: (output: DataPathOutput) => void
  readonly #onKeys: (now: Millis) => void
  readonly #onEnd: (now: Millis) => void
  #sealIndex = 0
  /** Control datagrams sent and received, by receiver index. */
  readonly #control = new Map<number, number>()
  /** The session that a handshake message came over, while it is worked off: what answers it goes the same way. */
  #handshakeCameBy: number | undefined

  constructor(given: {
    peerId: PeerId
    peerIndex: number
    session: PeerSession
    emit: (output: DataPathOutput) => void
    /** There are keys that no probe was sealed with, or that the remote has proved to have. */
    onKeys: (now: Millis) => void
    /** There are no keys any more. */
    onEnd: (now: Millis) => void
  }) {
    this.#peerId = given.peerId
    this.#peerIndex = given.peerIndex
    this.#session = given.session
    this.#emit = given.emit
    this.#onKeys = given.onKeys
    this.#onEnd = given.onEnd
  }

  /** Of the keys that seal; 0: there are none. */
  get sealIndex(): number {
    return this.#sealIndex
  }

  /** Control datagrams sent and received, by receiver index. */
  get control(): ReadonlyMap<number, number> {
    return this.#control
  }

  get lastFailure(): string | undefined {
    return this.#session.lastFailure
  }

  report(now: Millis): SessionReport {
    return this.#session.report(now)
  }

  /** `isUrgent`: frames wait, so the handshake begins here, whoever's turn it is. */
  start(now: Millis, isUrgent: boolean): void {
    this.#session.start(now)
    if (isUrgent) this.#session.handshakeNow(now)
    this.#drain(now)
  }

  /** The remote has forgotten what was agreed. */
  restart(now: Millis): void {
    this.#session.restart(now)
    this.#drain(now)
  }

  /** The remote lives in this incarnation: what was agreed with another one is void. */
  meet(incarnation: Uint8Array, now: Millis): void {
    const known = this.#session.report(now).remoteIncarnation
    if (known === undefined || known === toHex(incarnation)) return
    this.#session.restart(now, incarnation)
    this.#drain(now)
  }

  stop(now: Millis): void {
    this.#session.stop()
    this.#drain(now)
  }

  /**
   * A handshake message; `cameBy`: the session that it came over, which takes the answer, too. Returns why it was
   * dropped, if it was.
   */
  handleHandshake(body: Uint8Array, now: Millis, cameBy?: number): Drop | undefined {
    this.#handshakeCameBy = cameBy
    const drop = this.#session.handleMessage(body, now)
    this.#drain(now)
    this.#handshakeCameBy = undefined
    return drop
  }

  /** A control datagram was opened with these keys: the remote has them. */
  handleOpened(receiverIndex: number, now: Millis): void {
    this.#count(receiverIndex, 1)
    this.#session.handleConfirmed(receiverIndex, now)
    this.#drain(now)
  }

  handleTimeout(now: Millis): void {
    this.#session.handleTimeout(now)
    this.#drain(now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#session.pollTimeout()
  }

  /** Sends a control datagram; `endpoint` undefined: to where the peer's frames go. */
  send(body: Uint8Array, endpoint?: EndpointParts, copies = 1): void {
    this.reply(this.#sealIndex, body, endpoint, copies)
  }

  /** The same, sealed with the keys that the other one came with. */
  reply(receiverIndex: number, body: Uint8Array, endpoint?: EndpointParts, copies = 1): void {
    this.#count(receiverIndex, copies)
    const op = { op: 'send-control', receiverIndex, body, endpoint, ...(copies > 1 && { copies }) } as const
    this.#emit({ type: 'engine', op })
  }

  #count(receiverIndex: number, datagrams: number): void {
    const counted = this.#control.get(receiverIndex)
    if (counted !== undefined) this.#control.set(receiverIndex, counted + datagrams)
  }

  #drain(now: Millis): void {
    for (let output = this.#session.pollOutput(); output !== undefined; output = this.#session.pollOutput()) {
      switch (output.type) {
        case 'message':
          if (this.#handshakeCameBy !== undefined)
            this.reply(this.#handshakeCameBy, encodeControlHandshake(output.bytes))
          else this.#emit({ type: 'handshake', to: this.#peerId, body: output.bytes })
          break
        case 'add-session': {
          this.#control.set(output.session.receiverIndex, 0)
          const session = { peerIndex: this.#peerIndex, ...output.session }
          this.#emit({ type: 'engine', op: { op: 'add-session', session } })
          break
        }
        case 'seal-with': {
          const { receiverIndex } = output
          this.#sealIndex = receiverIndex
          this.#emit({ type: 'engine', op: { op: 'seal-with', peerIndex: this.#peerIndex, receiverIndex } })
          if (receiverIndex === 0) this.#onEnd(now)
          else this.#onKeys(now)
          break
        }
        case 'remove-session':
          this.#control.delete(output.receiverIndex)
          this.#emit({ type: 'engine', op: { op: 'remove-session', receiverIndex: output.receiverIndex } })
          break
        case 'confirm':
          this.#onKeys(now)
          break
        case 'established':
          this.#emit({ type: 'established' })
          this.#emit({ type: 'changed', peer: this.#peerId })
          break
        case 'failed':
          this.#emit({ type: 'note', peer: this.#peerId, text: output.reason })
          break
      }
    }
  }
}
