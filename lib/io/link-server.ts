import { connect, createServer, type Server, type Socket } from 'node:net'
import { endpointParts, type Endpoint } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { monotonicMillis } from './clock.ts'
import { formatSystemIp } from './interface-scope.ts'
import { LinkSocket } from './link-socket.ts'
import { SourceLimiter } from './source-limiter.ts'

/** Connections that have not yet proved who they are. */
export const STRANGERS_MAX = 256
export const ACCEPT_LIMITS = { burst: 20, perSecond: 5, sourcesMax: 4096 } as const
const BACKLOG = 511

export interface ListenOptions {
  /** An address to bind; all of IPv4 and IPv6 without it. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
}

export interface LinkServer {
  readonly port: number
  /** Connections that have not yet been marked established. */
  readonly strangers: number
  /** How many connections were refused, by reason. */
  readonly refused: Readonly<Record<'strangers' | 'rate', number>>
  /** Stops accepting, and closes what was accepted and is still open. */
  close(): Promise<void>
}

/**
 * Accepts control connections, within limits: at most 256 strangers at once, and per source (IPv4 address or IPv6 /64)
 * 20 at once and 5 per second.
 * @throws WeaveError PORT_IN_USE, NOT_ROOT (a privileged port), CONFIG_INVALID (no such address here)
 */
export async function listen(options: ListenOptions, onConnection: (link: LinkSocket) => void): Promise<LinkServer> {
  const limiter = new SourceLimiter(ACCEPT_LIMITS)
  const refused = { strangers: 0, rate: 0 }
  const sockets = new Set<Socket>()
  let strangers = 0

  const server = createServer({ pauseOnConnect: false }, socket => {
    const reason = refusal(socket)
    if (reason !== undefined) {
      refused[reason]++
      socket.on('error', () => undefined)
      socket.resetAndDestroy()
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    strangers++
    onConnection(new LinkSocket(socket, () => strangers--))
  })
  function refusal(socket: Socket): 'strangers' | 'rate' | undefined {
    if (!limiter.allow(socket.remoteAddress ?? '', monotonicMillis())) return 'rate'
    return strangers >= STRANGERS_MAX ? 'strangers' : undefined
  }

  await bind(server, options)
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : options.port,
    get strangers() {
      return strangers
    },
    refused,
    close() {
      return new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
    },
  }
}

/**
 * Connects to a neighbour. Rejects with a plain Error whose message is the reason, as `status` shows it: `nothing listens
 * there (ECONNREFUSED)`, `timed out after 5 s`.
 */
export function dial(endpoint: Endpoint, timeoutMs: number, signal?: AbortSignal): Promise<LinkSocket> {
  return new Promise((resolve, reject) => {
    const { ip, port } = endpointParts(endpoint)
    const socket = connect({ host: formatSystemIp(ip), port, noDelay: true })
    const giveUp = (reason: string) => {
      finish()
      socket.destroy()
      reject(new Error(reason))
    }
    const abort = () => giveUp('aborted')
    const onError = (error: NodeJS.ErrnoException) => giveUp(dialText(error))
    const deadline = setTimeout(() => giveUp(`timed out after ${timeoutMs / 1000} s`), timeoutMs)
    const finish = () => {
      clearTimeout(deadline)
      signal?.removeEventListener('abort', abort)
      socket.off('connect', onConnect)
      socket.off('error', onError)
      socket.on('error', () => undefined)
    }
    const onConnect = () => {
      finish()
      resolve(new LinkSocket(socket))
    }
    socket.on('connect', onConnect)
    socket.on('error', onError)
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

const DIAL_TEXT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'no such host answers',
  ENETUNREACH: 'no route leads there',
}

function dialText({ code, message }: NodeJS.ErrnoException): string {
  const text = DIAL_TEXT[code ?? '']
  return text === undefined ? (code ?? message) : `${text} (${code})`
}

function bind(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(bindError(error, options))
    server.once('error', onError)
    // Without a host Node.js binds `::` for both families, or 0.0.0.0 where the kernel has no IPv6.
    server.listen(
      { port: options.port, backlog: BACKLOG, ...(options.host !== undefined && { host: options.host }) },
      () => {
        server.off('error', onError)
        // Running out of descriptors must not end the daemon: the connection waits in the backlog.
        server.on('error', () => undefined)
        resolve()
      },
    )
  })
}

function bindError(error: NodeJS.ErrnoException, options: ListenOptions): Error {
  const where = `TCP ${options.host ?? '*'}:${options.port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new WeaveError(
        'PORT_IN_USE',
        `${where} is in use by another program`,
        `see which: ss -ltnp 'sport = :${options.port}'; end it, or launch with another --port`,
      )
    case 'EACCES':
      return new WeaveError('NOT_ROOT', `${where} needs root`, 'run as root, or launch with a --port above 1023')
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EINVAL':
      return new WeaveError(
        'CONFIG_INVALID',
        `${where} cannot be bound: this host has no such address (${error.code})`,
        'name an address of this host (ip address show), or leave it out to listen on all',
      )
    case undefined:
    default:
      return error
  }
}
