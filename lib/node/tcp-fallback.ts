import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { TAKEN_SPAN, bundleCount, encodeDatagrams, encodeDatagramsTaken } from '../wire/mod.ts'
import { DATAGRAM_QUEUES_BYTES_MAX, DATAGRAM_QUEUE_MAX_BYTES, DATAGRAM_QUEUE_MIN_BYTES } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { NodePart, PartMessage } from './part.ts'
import { SendWindow } from './send-window.ts'

/** What goes to one neighbour, and came from it. */
interface Line {
  /** The link that it is of: what is counted begins anew with another one. */
  readonly connection: number
  readonly window: SendWindow
  /** Bundles that wait for the window, the oldest first. */
  readonly queue: Uint8Array[]
  queuedBytes: number
  takenBytes: number
}

/**
 * Carries sealed datagrams over the links where UDP does not get through: what the engine hands over goes to the
 * neighbour, behind control messages, which find no more than a small window of it in front of them. What the queue of a
 * neighbour does not take is dropped as `link-full`; inner connections find the rate of the link by that.
 */
export class TcpFallback implements NodePart {
  readonly name = 'tcp-fallback'
  readonly messageTypes = ['datagrams', 'datagrams-taken'] as const
  readonly #context: NodeContext
  readonly #lines = new Map<PeerId, Line>()
  #queuedBytes = 0

  constructor(context: NodeContext) {
    this.#context = context
  }

  /** Datagrams that are sealed for this neighbour, or for whom it relays. */
  handleHanded(peer: PeerId, bundle: Uint8Array, now: Millis): void {
    const line = this.#lineOf(peer)
    if (line === undefined) return eachOf(bundle, () => this.#context.drop('link-gone'))
    // No more waits than goes within a moment: what comes too late is of no use to anybody.
    const limit = Math.min(DATAGRAM_QUEUE_MAX_BYTES, Math.max(DATAGRAM_QUEUE_MIN_BYTES, 2 * line.window.bytes))
    const isFull = line.queuedBytes + bundle.length > limit
    if (isFull || this.#queuedBytes + bundle.length > DATAGRAM_QUEUES_BYTES_MAX)
      return eachOf(bundle, () => this.#context.drop('link-full'))
    line.queue.push(bundle)
    this.#count(line, bundle.length)
    this.#send(peer, line, now)
  }

  handleMessage(from: PeerId, message: PartMessage, now: Millis): void {
    const line = this.#lineOf(from)
    if (line === undefined) return
    if (message.type === 'datagrams-taken') {
      if (line.window.handleTaken(message.bytes, now)) this.#send(from, line, now)
      else this.#context.drop('link-datagrams-taken')
    } else if (message.type === 'datagrams') {
      line.takenBytes = (line.takenBytes + message.bundle.length) % TAKEN_SPAN
      const peerIndex = this.#context.view.indexOf(from)
      if (peerIndex !== undefined)
        this.#context.emit({ type: 'engine', op: { op: 'inject-datagrams', peerIndex, bundle: message.bundle } })
      this.#context.neighbours.send(from, encodeDatagramsTaken(line.takenBytes), now)
    }
  }

  /** The neighbour has caught up with what is sent to it. */
  handleCaughtUp(peer: PeerId, now: Millis): void {
    const line = this.#lines.get(peer)
    if (line !== undefined) this.#send(peer, line, now)
  }

  viewChanged(): void {
    for (const peer of [...this.#lines.keys()])
      if (this.#context.neighbours.neighbour(peer) === undefined) this.#forget(peer)
  }

  #send(peer: PeerId, line: Line, now: Millis): void {
    const { neighbours } = this.#context
    if (neighbours.neighbour(peer)?.connection !== line.connection) return
    for (let bundle = line.queue[0]; bundle !== undefined; bundle = line.queue[0]) {
      if (neighbours.neighbour(peer)?.isBehind !== false || !line.window.hasRoom(bundle.length)) return
      line.queue.shift()
      this.#count(line, -bundle.length)
      line.window.noteSent(bundle.length, now)
      if (!neighbours.send(peer, encodeDatagrams(bundle), now)) return
    }
  }

  #lineOf(peer: PeerId): Line | undefined {
    const neighbour = this.#context.neighbours.neighbour(peer)
    const known = this.#lines.get(peer)
    if (known !== undefined && known.connection === neighbour?.connection) return known
    this.#forget(peer)
    if (neighbour === undefined) return undefined
    const { connection } = neighbour
    const line: Line = { connection, window: new SendWindow(), queue: [], queuedBytes: 0, takenBytes: 0 }
    this.#lines.set(peer, line)
    return line
  }

  #forget(peer: PeerId): void {
    this.#queuedBytes -= this.#lines.get(peer)?.queuedBytes ?? 0
    this.#lines.delete(peer)
  }

  #count(line: Line, bytes: number): void {
    line.queuedBytes += bytes
    this.#queuedBytes += bytes
  }
}

/** Once for each of its datagrams. */
function eachOf(bundle: Uint8Array, drop: () => void): void {
  for (let count = bundleCount(bundle) ?? 0; count > 0; count--) drop()
}
