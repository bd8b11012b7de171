import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { endpointHost, endpointParts, type Endpoint } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'

/** Connections of one listener; beyond, the new one is closed. */
export const DNS_CONNECTIONS_MAX = 64
/** Of them those of one source address, so that others have room. */
export const DNS_CONNECTIONS_SOURCE_MAX = 8
/** A whole query must come within so long from the connection's start, or from the query before; else it is closed. */
export const DNS_QUERY_MS = 5_000
/** Queries of one connection whose answers are not written yet; beyond, nothing more is read. */
export const DNS_PIPELINE_MAX = 32
/** No query is larger; a connection that announces a larger one is closed. */
export const DNS_QUERY_BYTES_MAX = 4_096
const UDP_BUFFER_BYTES = 2 * 1024 * 1024

/** Gives the answer to a query, at once or later; undefined: none. `source`: an IP address. Never throws. */
export type DnsHandler = (
  query: Uint8Array,
  isTcp: boolean,
  source: string,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>

/** Takes queries at one endpoint, over UDP and TCP. */
export class DnsListener {
  readonly endpoint: Endpoint
  readonly #udp: UdpSocket
  readonly #tcp: Server
  /** By source address; no empty sets. */
  readonly #connections = new Map<string, Set<Socket>>()
  readonly #handle: DnsHandler

  private constructor(endpoint: Endpoint, udp: UdpSocket, tcp: Server, handle: DnsHandler) {
    this.endpoint = endpoint
    this.#udp = udp
    this.#tcp = tcp
    this.#handle = handle
  }

  /** @throws WeaveError PORT_IN_USE, NOT_ROOT, CONFIG_INVALID (no such address here) */
  static async open(endpoint: Endpoint, handle: DnsHandler): Promise<DnsListener> {
    const { ip, port } = endpointParts(endpoint)
    const host = endpointHost(endpoint)
    const udp = createSocket({ type: ip.length === 4 ? 'udp4' : 'udp6', recvBufferSize: UDP_BUFFER_BYTES })
    const tcp = createServer()
    try {
      udp.bind({ address: host, port, exclusive: true })
      await once(udp, 'listening')
      tcp.listen({ host, port, exclusive: true })
      await once(tcp, 'listening')
    } catch (error) {
      udp.close()
      tcp.close()
      throw bindError(endpoint, error)
    }
    const listener = new DnsListener(endpoint, udp, tcp, handle)
    listener.#start()
    return listener
  }

  async close(): Promise<void> {
    const closed = Promise.all([once(this.#udp, 'close'), once(this.#tcp, 'close')])
    this.#udp.close()
    this.#tcp.close()
    for (const sockets of this.#connections.values()) for (const socket of sockets) socket.destroy()
    await closed
  }

  #start(): void {
    // An ICMP error of some client is no reason to stop.
    this.#udp.on('error', () => undefined)
    this.#tcp.on('error', () => undefined)
    this.#udp.on('message', (query, from) => {
      const send = (answer: Uint8Array | undefined) => {
        if (answer !== undefined) this.#send(answer, from.port, from.address)
      }
      const answer = this.#handle(query, false, from.address)
      if (answer instanceof Promise) void answer.then(send)
      else send(answer)
    })
    this.#tcp.on('connection', socket => this.#accept(socket))
  }

  #send(answer: Uint8Array, port: number, address: string): void {
    try {
      this.#udp.send(answer, port, address, () => undefined)
    } catch {
      // Closed meanwhile, or a client that cannot be: port 0.
    }
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined)
    // Undefined: it is gone already.
    const source = socket.remoteAddress
    if (source === undefined || !this.#enter(source, socket)) return void socket.resetAndDestroy()
    const deadline = setTimeout(() => socket.destroy(), DNS_QUERY_MS)
    socket.on('close', () => {
      clearTimeout(deadline)
      this.#leave(source, socket)
    })
    void this.#serve(socket, source, () => deadline.refresh()).catch(() => socket.destroy())
  }

  /** False when there is no room. */
  #enter(source: string, socket: Socket): boolean {
    let all = 0
    for (const sockets of this.#connections.values()) all += sockets.size
    const own = this.#connections.get(source) ?? new Set()
    if (all >= DNS_CONNECTIONS_MAX || own.size >= DNS_CONNECTIONS_SOURCE_MAX) return false
    this.#connections.set(source, own.add(socket))
    return true
  }

  #leave(source: string, socket: Socket): void {
    const own = this.#connections.get(source)
    own?.delete(socket)
    if (own?.size === 0) this.#connections.delete(source)
  }

  /** Queries behind their lengths, answered in the order in which answers come. */
  async #serve(socket: Socket, source: string, onQuery: () => void): Promise<void> {
    let pending = Buffer.alloc(0)
    const open = new Set<Promise<void>>()
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 2) {
        const length = pending.readUInt16BE(0)
        if (length > DNS_QUERY_BYTES_MAX) return void socket.destroy()
        if (pending.length < 2 + length) break
        onQuery()
        const turn: Promise<void> = this.#answer(socket, pending.subarray(2, 2 + length), source).finally(() =>
          open.delete(turn),
        )
        open.add(turn)
        pending = pending.subarray(2 + length)
        while (open.size >= DNS_PIPELINE_MAX) await Promise.race(open)
      }
      if (socket.writableNeedDrain) await once(socket, 'drain')
    }
    await Promise.all(open)
    socket.end()
  }

  async #answer(socket: Socket, query: Uint8Array, source: string): Promise<void> {
    const answer = await this.#handle(query, true, source)
    if (answer === undefined || !socket.writable) return
    const length = Buffer.alloc(2)
    length.writeUInt16BE(answer.length)
    socket.write(Buffer.concat([length, answer]))
  }
}

function bindError(endpoint: Endpoint, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return new WeaveError(
      'PORT_IN_USE',
      `another program listens on ${endpoint}`,
      'stop it, or name another address with --dns-listen-address; --no-dns leaves the server out',
    )
  if (code === 'EACCES')
    return new WeaveError(
      'NOT_ROOT',
      `listening on ${endpoint} is not permitted`,
      'run it as root, or use a higher port',
    )
  if (code === 'EADDRNOTAVAIL')
    return new WeaveError('CONFIG_INVALID', `${endpoint} is no address of this host`, 'name one that it has')
  return error
}
