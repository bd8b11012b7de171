import type { Socket } from 'node:net'
import { endpointOf, type Endpoint } from '../address/mod.ts'
import { assert } from '../base/mod.ts'
import { parseSystemIp } from './interface-scope.ts'
import { Turns } from './turns.ts'

/** What may wait for a slow neighbour before its link is closed. */
export const LINK_BUFFER_BYTES_MAX = 8 * 1024 * 1024
/** A neighbour is behind when more than this waits for it, until no more than the lower mark does. */
export const LINK_BEHIND_BYTES = 256 * 1024
export const LINK_CAUGHT_UP_BYTES = 64 * 1024
/** What is handed on in one go: thousands of the smallest messages. Four goes are what a link has in one turn. */
export const LINK_PIECE_BYTES_MAX = 16 * 1024
/** What was received and not yet handed on, before reading stops; the sender feels it then. */
export const LINK_UNREAD_BYTES_MAX = 64 * 1024
const KEEPALIVE_AFTER_MS = 15_000
/** How long a closing link may take to hand over what was written. */
const LINGER_MS = 2_000

/** One for all links: no neighbour takes the main thread from the others. */
const turns = new Turns()

export interface LinkHandlers {
  /** At most LINK_PIECE_BYTES_MAX at once. The view is the callee's to keep. */
  onBytes(bytes: Uint8Array): void
  /** Exactly once, behind all bytes, and never from inside a call to this socket. */
  onClose(reason: string): void
  /** The far side is behind in taking what was written, or has caught up. Never from inside a call to this socket. */
  onBacklog?(isBehind: boolean): void
}

/** One control connection, bounded in what it holds back, in both directions. Nothing is read before `start`. */
export class LinkSocket {
  readonly remoteEndpoint: Endpoint
  readonly localEndpoint: Endpoint
  readonly #socket: Socket
  #handlers: LinkHandlers | undefined
  #closeReason: string | undefined
  #isEnded = false
  #isToldBehind = false
  #isBehind = false
  #linger: NodeJS.Timeout | undefined
  #onEstablished: (() => void) | undefined
  #unread: Buffer[] = []
  #unreadBytes = 0

  constructor(socket: Socket, onEstablished?: () => void) {
    this.#socket = socket
    this.#onEstablished = onEstablished
    this.remoteEndpoint = endpoint(socket.remoteAddress, socket.remotePort)
    this.localEndpoint = endpoint(socket.localAddress, socket.localPort)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEPALIVE_AFTER_MS)
    socket.on('error', error => {
      this.#closeReason ??= (error as NodeJS.ErrnoException).code ?? error.message
    })
    socket.on('end', () => {
      this.#closeReason ??= 'closed by the other side'
    })
    socket.on('close', () => {
      this.#end('connection lost')
    })
  }

  /** Bytes written and not yet handed to the kernel. */
  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  /** More waits for the far side than it should; what can be left out had better not be written now. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  get isClosed(): boolean {
    return this.#isEnded || this.#closeReason !== undefined
  }

  /** Begins to read. */
  start(handlers: LinkHandlers): void {
    assert(this.#handlers === undefined, 'a link socket starts once')
    this.#handlers = handlers
    if (this.#isEnded) {
      turns.add(this.#go)
      return
    }
    this.#socket.on('data', (bytes: Buffer) => this.#receive(bytes))
  }

  /** The handshake is done: the connection no longer counts among the strangers. */
  markEstablished(): void {
    this.#onEstablished?.()
    this.#onEstablished = undefined
  }

  /** False when the link is closed, or closes now because the other side is too slow to take its bytes. */
  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return false
    if (this.#socket.writableLength + bytes.length > LINK_BUFFER_BYTES_MAX) {
      this.#closeReason = 'slow peer'
      this.#socket.destroy()
      return false
    }
    // Called when these bytes have left: what waits then is less again.
    this.#socket.write(bytes, () => this.#look())
    this.#look()
    return true
  }

  /** Hands over what was written (for at most 2 s) and closes. */
  close(reason: string): void {
    if (this.isClosed) return
    this.#closeReason = reason
    this.#drop()
    this.#socket.end()
    // Whatever still arrives is thrown away, so that the end of the stream is seen.
    this.#socket.resume()
    this.#linger = setTimeout(() => this.#socket.destroy(), LINGER_MS)
  }

  #receive(bytes: Buffer): void {
    if (this.#closeReason !== undefined) return
    this.#unread.push(bytes)
    this.#unreadBytes += bytes.length
    if (this.#unreadBytes > LINK_UNREAD_BYTES_MAX) this.#socket.pause()
    turns.add(this.#go)
  }

  /** Hands one piece on, or tells what else there is to tell; true while there is more. */
  readonly #go = (): boolean => {
    const first = this.#unread.shift()
    if (first !== undefined) {
      const piece = first.subarray(0, LINK_PIECE_BYTES_MAX)
      if (piece.length < first.length) this.#unread.unshift(first.subarray(piece.length))
      this.#unreadBytes -= piece.length
      if (this.#unreadBytes <= LINK_UNREAD_BYTES_MAX / 2 && this.#socket.isPaused()) this.#socket.resume()
      this.#handlers!.onBytes(piece)
    } else if (this.#isEnded) {
      const handlers = this.#handlers
      this.#handlers = undefined
      handlers?.onClose(this.#closeReason ?? 'connection lost')
      return false
    }
    if (this.#isToldBehind !== this.#isBehind) {
      this.#isToldBehind = this.#isBehind
      this.#handlers?.onBacklog?.(this.#isBehind)
    }
    return this.#unread.length > 0 || this.#isEnded
  }

  /** Whether the far side fell behind, or caught up. */
  #look(): void {
    const waiting = this.#socket.writableLength
    if (waiting > LINK_BEHIND_BYTES) this.#isBehind = true
    else if (waiting <= LINK_CAUGHT_UP_BYTES) this.#isBehind = false
    if (this.#isBehind !== this.#isToldBehind && this.#handlers !== undefined && !this.isClosed) turns.add(this.#go)
  }

  #drop(): void {
    this.#unread = []
    this.#unreadBytes = 0
  }

  #end(reason: string): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#linger)
    this.#closeReason ??= reason
    this.markEstablished()
    if (this.#handlers !== undefined) turns.add(this.#go)
  }
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  const ip = parseSystemIp(address ?? '')
  // A socket that died before we looked has no address any more.
  return ip === undefined ? endpointOf(new Uint8Array(4), port ?? 1) : endpointOf(ip, port ?? 1)
}
