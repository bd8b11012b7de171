import type { Socket } from 'node:net'
import { endpointOf, parseIp, type Endpoint } from '../address/mod.ts'
import { assert } from '../base/mod.ts'

/** What may wait for a slow neighbour before its link is closed. */
export const LINK_BUFFER_BYTES_MAX = 8 * 1024 * 1024
const KEEPALIVE_AFTER_MS = 15_000
/** How long a closing link may take to hand over what was written. */
const LINGER_MS = 2_000

export interface LinkHandlers {
  /** The view is the callee's to keep. */
  onBytes(bytes: Uint8Array): void
  /** Exactly once, and never from inside a call to this socket. */
  onClose(reason: string): void
}

/** One control connection, bounded in what it holds back. Nothing is read before `start`. */
export class LinkSocket {
  readonly remoteEndpoint: Endpoint
  readonly localEndpoint: Endpoint
  readonly #socket: Socket
  #handlers: LinkHandlers | undefined
  #closeReason: string | undefined
  #isEnded = false
  #linger: NodeJS.Timeout | undefined
  #onEstablished: (() => void) | undefined

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

  get isClosed(): boolean {
    return this.#isEnded || this.#closeReason !== undefined
  }

  /** Begins to read. */
  start(handlers: LinkHandlers): void {
    assert(this.#handlers === undefined, 'a link socket starts once')
    this.#handlers = handlers
    if (this.#isEnded) {
      const reason = this.#closeReason ?? 'connection lost'
      queueMicrotask(() => handlers.onClose(reason))
      return
    }
    this.#socket.on('data', (bytes: Buffer) => {
      if (!this.isClosed) handlers.onBytes(bytes)
    })
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
    this.#socket.write(bytes)
    return true
  }

  /** Hands over what was written (for at most 2 s) and closes. */
  close(reason: string): void {
    if (this.isClosed) return
    this.#closeReason = reason
    this.#socket.end()
    // Whatever still arrives is thrown away, so that the end of the stream is seen.
    this.#socket.resume()
    this.#linger = setTimeout(() => this.#socket.destroy(), LINGER_MS)
  }

  /** Stops reading, so that the sender feels it; `resume` goes on. */
  pause(): void {
    if (!this.isClosed) this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  #end(reason: string): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#linger)
    this.#closeReason ??= reason
    this.markEstablished()
    this.#handlers?.onClose(this.#closeReason)
  }
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  const ip = parseIp((address ?? '').replace(/%.*$/, ''))
  // A socket that died before we looked has no address any more.
  return ip === undefined ? endpointOf(new Uint8Array(4), port ?? 1) : endpointOf(ip, port ?? 1)
}
