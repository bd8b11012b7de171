import type { PeerId } from '../address/mod.ts'
import { isDrop, type Millis } from '../base/mod.ts'
import { decodeControl } from '../wire/mod.ts'
import { PINGS_MAX, PING_LOOK_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { DataPaths } from './data-paths.ts'
import type { NodePart } from './part.ts'
import { drawToken } from './path-probes.ts'
import type { DataPathReport } from './path-state.ts'

/** How a ping ended. */
export interface PingEnd {
  /** Undefined: no answer in time. */
  readonly rttMs: Millis | undefined
  /** When it was sent; undefined: there was no way. */
  readonly sentAt: Millis | undefined
  /** The path as it was when the ping was sent, or in the end where it was not; undefined without a session. */
  readonly path: DataPathReport | undefined
}

interface Ping {
  readonly peer: PeerId
  readonly until: Millis
  readonly onEnd: (end: PingEnd) => void
  sentAt: Millis | undefined
  path: DataPathReport | undefined
}

/**
 * Asks peers for an answer over their data paths, as frames go: with the probe that every peer answers, and whose answer
 * nobody can make who has not the session's keys. A peer without a path is waited for, and gets one as if there were
 * frames for it. Limits: PINGS_MAX at once.
 */
export class Pings implements NodePart {
  readonly name = 'pings'
  readonly #context: NodeContext
  readonly #paths: Pick<DataPaths, 'path' | 'want' | 'ask'>
  /** By token. */
  readonly #pings = new Map<number, Ping>()
  /** When those that wait for a way were tried last. */
  #lookedAt: Millis = 0

  constructor(context: NodeContext, paths: Pick<DataPaths, 'path' | 'want' | 'ask'>) {
    this.#context = context
    this.#paths = paths
  }

  /** Ends in `onEnd`, within `waitMs`, never before this returns. False: there are too many. */
  begin(peer: PeerId, waitMs: Millis, onEnd: (end: PingEnd) => void, now: Millis): boolean {
    if (this.#pings.size >= PINGS_MAX) return false
    this.#paths.want(peer, now)
    const { chance } = this.#context.config
    const token = drawToken(chance, this.#pings)
    const ping: Ping = { peer, until: now + waitMs, onEnd, sentAt: undefined, path: undefined }
    this.#pings.set(token, ping)
    this.#send(token, ping, now)
    return true
  }

  /** An authenticated control datagram of the peer, which the paths are given as well. */
  handleControl(peer: PeerId, body: Uint8Array, now: Millis): void {
    if (this.#pings.size === 0) return
    const message = decodeControl(body)
    if (isDrop(message) || message.type !== 'probe-reply') return
    const ping = this.#pings.get(message.token)
    if (ping?.sentAt === undefined || ping.peer !== peer) return
    this.#end(message.token, ping, now - ping.sentAt, now)
  }

  handleTimeout(now: Millis): void {
    for (const [token, ping] of [...this.#pings]) {
      if (now >= ping.until) this.#end(token, ping, undefined, now)
      else if (ping.sentAt === undefined) this.#send(token, ping, now)
    }
    this.#lookedAt = now
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    let at = Infinity
    for (const { until, sentAt } of this.#pings.values())
      at = Math.min(at, sentAt === undefined ? Math.min(until, this.#lookedAt + PING_LOOK_MS) : until)
    return at === Infinity ? undefined : { at, reason: 'ping' }
  }

  #send(token: number, ping: Ping, now: Millis): void {
    this.#lookedAt = now
    const path = this.#paths.path(ping.peer)?.report(now)
    if (!this.#paths.ask(ping.peer, token, now)) return
    ping.sentAt = now
    ping.path = path
  }

  #end(token: number, { peer, sentAt, path, onEnd }: Ping, rttMs: Millis | undefined, now: Millis): void {
    this.#pings.delete(token)
    onEnd({ rttMs, sentAt, path: path ?? this.#paths.path(peer)?.report(now) })
  }
}
