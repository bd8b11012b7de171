import type { Endpoint, PeerId } from '../address/mod.ts'
import { Timers, type Chance, type Machine, type Millis } from '../base/mod.ts'
import { DIAL_DEADLINE_MS, LASTING_LINK_MS, RETRY_FIRST_MS, RETRY_LAST_MS, TARGETS_MAX } from './constants.ts'

export type DialState = 'waiting' | 'resolving' | 'dialling' | 'handshake' | 'connected' | 'ourself'

/** One thing to dial: what the operator named, or a peer that gossip told of. */
export interface DialTarget {
  /** What the operator wrote; for a discovered peer its id. */
  readonly text: string
  readonly origin: 'configured' | 'discovered'
  readonly state: DialState
  readonly endpoint: Endpoint | undefined
  readonly peerId: PeerId | undefined
  readonly lastError: string | undefined
  readonly attempts: number
  /** When the next dial is due; undefined unless waiting. */
  readonly retryAt: Millis | undefined
}

type Mutable = { -readonly [K in keyof DialTarget]: DialTarget[K] } & {
  endpoints: readonly Endpoint[]
  endpointAt: number
  connection: number | undefined
  retryWaitMs: number
  /** Rounds through all addresses that failed since a link lasted. */
  failedRounds: number
  upAt: Millis | undefined
}

export type DiallerOutput =
  | { readonly type: 'resolve'; readonly target: string }
  | { readonly type: 'dial'; readonly connection: number; readonly endpoint: Endpoint }
  | { readonly type: 'close'; readonly connection: number }

/**
 * Decides whom to dial and when. Configured targets are resolved anew for each attempt and tried for ever; discovered
 * ones live as long as `setDiscovered` names them. One connection per target at a time; a target whose peer is a
 * neighbour already is at rest. A target that turns out to be this peer itself is never dialled again.
 */
export class Dialler implements Machine<DiallerOutput> {
  readonly #targets = new Map<string, Mutable>()
  readonly #byConnection = new Map<number, string>()
  readonly #timers = new Timers()
  readonly #outputs: DiallerOutput[] = []
  readonly #ownEndpoints = new Set<Endpoint>()
  readonly #chance: Chance
  readonly #nextConnection: () => number
  readonly #isNeighbour: (peer: PeerId) => boolean
  #failures = 0

  constructor(ports: { chance: Chance; nextConnection: () => number; isNeighbour: (peer: PeerId) => boolean }) {
    this.#chance = ports.chance
    this.#nextConnection = ports.nextConnection
    this.#isNeighbour = ports.isNeighbour
  }

  /** The operator's list, in the order given. */
  get configured(): string[] {
    return [...this.#targets.values()].filter(target => target.origin === 'configured').map(target => target.text)
  }

  get targets(): DialTarget[] {
    return [...this.#targets.values()].map(target => ({
      text: target.text,
      origin: target.origin,
      state: target.state,
      endpoint: target.endpoint ?? target.endpoints[0],
      peerId: target.peerId,
      lastError: target.lastError,
      attempts: target.attempts,
      retryAt: target.state === 'waiting' ? this.#timers.at(target.text) : undefined,
    }))
  }

  /** The peers that configured targets led to. */
  get configuredPeers(): Set<PeerId> {
    const peers = new Set<PeerId>()
    for (const { origin, peerId } of this.#targets.values())
      if (origin === 'configured' && peerId !== undefined) peers.add(peerId)
    return peers
  }

  /** Grows whenever a round through all addresses of a discovered peer fails. */
  get failures(): number {
    return this.#failures
  }

  /** Rounds through all addresses of a discovered peer that failed since a link to it lasted. */
  failedRounds(peer: PeerId): number {
    return this.#targets.get(peer)?.failedRounds ?? 0
  }

  targetOf(connection: number): DialTarget | undefined {
    const text = this.#byConnection.get(connection)
    return text === undefined ? undefined : this.#targets.get(text)
  }

  /** What the operator calls a peer: the target that this connection was dialled for, or that led to the peer before. */
  configuredTargetOf(peerId: PeerId, connection: number): string | undefined {
    const dialled = this.targetOf(connection)
    if (dialled?.origin === 'configured') return dialled.text
    for (const target of this.#targets.values())
      if (target.origin === 'configured' && target.peerId === peerId) return target.text
    return undefined
  }

  /** Adds targets or, for those known, pulls the next attempt forward. False when the list is full. */
  configure(texts: readonly string[], now: Millis): boolean {
    for (const text of texts) {
      const known = this.#targets.get(text)
      if (known === undefined) {
        if (this.#targets.size >= TARGETS_MAX) return false
        this.#targets.set(text, newTarget(text, 'configured', []))
        this.#timers.set(text, now)
      } else {
        known.retryWaitMs = 0
        if (known.state === 'waiting' || known.state === 'ourself') this.#wait(known, now)
      }
    }
    return true
  }

  /** Removes configured targets; a link that exists is not cut. Returns those that were there. */
  unconfigure(texts: readonly string[]): string[] {
    const removed = texts.filter(text => this.#targets.get(text)?.origin === 'configured')
    for (const text of removed) this.#remove(text)
    return removed
  }

  /** The complete set of discovered peers worth a link, with the endpoints to try, best first. */
  setDiscovered(
    peers: readonly { peerId: PeerId; endpoints: readonly Endpoint[]; delayMs: number }[],
    now: Millis,
  ): void {
    const wanted = new Set<string>(peers.map(peer => peer.peerId))
    for (const target of [...this.#targets.values()])
      if (target.origin === 'discovered' && !wanted.has(target.text)) this.#remove(target.text)
    for (const { peerId, endpoints, delayMs } of peers) {
      const usable = endpoints.filter(endpoint => !this.#ownEndpoints.has(endpoint))
      const known = this.#targets.get(peerId)
      if (known !== undefined) {
        // A new address is worth a try before the back-off of the old ones ends.
        const isFresh = usable.some(endpoint => !known.endpoints.includes(endpoint))
        known.endpoints = usable
        if (isFresh && known.state === 'waiting') {
          known.retryWaitMs = 0
          this.#wait(known, now + delayMs)
        } else if (known.state === 'waiting' && known.attempts === 0) {
          // It has become more urgent than it was.
          this.#wait(known, Math.min(now + delayMs, this.#timers.at(peerId) ?? Infinity))
        }
        continue
      }
      if (usable.length === 0 || this.#targets.size >= TARGETS_MAX) continue
      const target = newTarget(peerId, 'discovered', usable)
      target.peerId = peerId
      this.#targets.set(peerId, target)
      this.#timers.set(peerId, now + delayMs)
    }
  }

  handleResolved(text: string, result: readonly Endpoint[] | string, now: Millis): void {
    const target = this.#targets.get(text)
    if (target?.state !== 'resolving') return
    if (typeof result === 'string') return this.#failed(target, result, now)
    if (result.length === 0) return this.#failed(target, `${text} has no address`, now)
    target.endpoints = result
    this.#dial(target, now)
  }

  handleDialled(connection: number): void {
    const target = this.#mutableOf(connection)
    if (target?.state !== 'dialling') return
    target.state = 'handshake'
    // From here on the link's own deadline runs.
    this.#timers.cancel(target.text)
  }

  handleDialFailed(connection: number, error: string, now: Millis): void {
    const target = this.#mutableOf(connection)
    if (target !== undefined) this.#failed(target, error, now)
  }

  handleUp(connection: number, peerId: PeerId, now: Millis): void {
    const target = this.#mutableOf(connection)
    if (target === undefined) return
    this.#timers.cancel(target.text)
    target.state = 'connected'
    target.peerId = peerId
    target.lastError = undefined
    target.attempts = 0
    target.upAt = now
  }

  /** The connection, which led to `peerId`, ended. `retryMs`: wait at least so long before the next attempt. */
  handleEnded(connection: number, peerId: PeerId | undefined, error: string, now: Millis, retryMs = 0): void {
    const target = this.#mutableOf(connection)
    if (target === undefined) return
    target.peerId = peerId ?? target.peerId
    // A link that is refused as soon as it is up, for instance by a peer that is full, must not be made anew every second.
    const hasLasted = target.upAt !== undefined && now - target.upAt >= LASTING_LINK_MS
    if (hasLasted) target.retryWaitMs = 0
    target.upAt = undefined
    this.#failed(target, error, now, retryMs)
    if (hasLasted) target.failedRounds = 0
  }

  /** The connection led back to this very process. */
  handleOurself(connection: number): void {
    const target = this.#mutableOf(connection)
    if (target === undefined) return
    if (target.endpoint !== undefined) this.#ownEndpoints.add(target.endpoint)
    this.#byConnection.delete(connection)
    target.connection = undefined
    target.state = 'ourself'
    target.lastError = 'connected to ourself'
    this.#timers.cancel(target.text)
  }

  /** A neighbour went: targets at rest because of it are due again. */
  handleNeighbourDown(peerId: PeerId, now: Millis): void {
    for (const target of this.#targets.values())
      if (target.peerId === peerId && target.state === 'waiting')
        this.#wait(target, Math.min(now + this.#jitter(RETRY_FIRST_MS), this.#timers.at(target.text) ?? Infinity))
  }

  handleTimeout(now: Millis): void {
    for (;;) {
      const text = this.#timers.popDue(now)
      if (text === undefined) return
      const target = this.#targets.get(text)
      if (target === undefined) continue
      if (target.state === 'waiting') this.#begin(target, now)
      else if (target.state === 'resolving')
        this.#failed(target, `no answer for the name ${text} within ${DIAL_DEADLINE_MS / 1000} s`, now)
      else if (target.state === 'dialling') {
        const { connection } = target
        this.#failed(target, `no answer within ${DIAL_DEADLINE_MS / 1000} s`, now)
        if (connection !== undefined) this.#outputs.push({ type: 'close', connection })
      }
    }
  }

  pollOutput(): DiallerOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const next = this.#timers.next()
    return next && { at: next.at, reason: `dial ${next.reason}` }
  }

  #begin(target: Mutable, now: Millis): void {
    if (target.peerId !== undefined && this.#isNeighbour(target.peerId)) {
      // At rest: looked at again late, in case the end of the neighbour was missed.
      this.#wait(target, now + RETRY_LAST_MS)
      return
    }
    target.attempts++
    if (target.origin === 'discovered') return this.#dial(target, now)
    target.state = 'resolving'
    this.#timers.set(target.text, now + DIAL_DEADLINE_MS)
    this.#outputs.push({ type: 'resolve', target: target.text })
  }

  #dial(target: Mutable, now: Millis): void {
    const endpoint = target.endpoints[target.endpointAt % target.endpoints.length]
    if (endpoint === undefined) return this.#failed(target, 'no address known', now)
    target.endpointAt++
    const connection = this.#nextConnection()
    target.connection = connection
    target.endpoint = endpoint
    target.state = 'dialling'
    this.#byConnection.set(connection, target.text)
    this.#timers.set(target.text, now + DIAL_DEADLINE_MS)
    this.#outputs.push({ type: 'dial', connection, endpoint })
  }

  #failed(target: Mutable, error: string, now: Millis, retryMs = 0): void {
    if (target.connection !== undefined) this.#byConnection.delete(target.connection)
    target.connection = undefined
    target.lastError = error
    // All addresses of a target are tried before the wait grows.
    const isRoundDone = target.endpointAt >= target.endpoints.length
    if (isRoundDone) {
      target.endpointAt = 0
      target.failedRounds++
      if (target.origin === 'discovered') this.#failures++
      target.retryWaitMs = Math.min(Math.max(target.retryWaitMs * 2, RETRY_FIRST_MS), RETRY_LAST_MS)
    }
    const waitMs = isRoundDone ? this.#jitter(target.retryWaitMs) : this.#jitter(RETRY_FIRST_MS / 4)
    this.#wait(target, now + Math.max(waitMs, retryMs))
  }

  #wait(target: Mutable, at: Millis): void {
    target.state = 'waiting'
    this.#timers.set(target.text, at)
  }

  #jitter(waitMs: number): number {
    return Math.round(waitMs * (0.5 + this.#chance()))
  }

  #remove(text: string): void {
    const target = this.#targets.get(text)
    if (target === undefined) return
    this.#targets.delete(text)
    this.#timers.cancel(text)
    if (target.connection === undefined) return
    this.#byConnection.delete(target.connection)
    if (target.state === 'dialling') this.#outputs.push({ type: 'close', connection: target.connection })
  }

  #mutableOf(connection: number): Mutable | undefined {
    const text = this.#byConnection.get(connection)
    return text === undefined ? undefined : this.#targets.get(text)
  }
}

function newTarget(text: string, origin: 'configured' | 'discovered', endpoints: readonly Endpoint[]): Mutable {
  return {
    text,
    origin,
    state: 'waiting',
    endpoint: undefined,
    endpoints,
    endpointAt: 0,
    peerId: undefined,
    lastError: undefined,
    attempts: 0,
    retryAt: undefined,
    retryWaitMs: 0,
    failedRounds: 0,
    upAt: undefined,
    connection: undefined,
  }
}
