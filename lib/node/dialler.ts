import type { Endpoint, PeerId } from '../address/mod.ts'
import { Timers, type Chance, type Machine, type Millis } from '../base/mod.ts'
import { CONTACTS_MAX, DIAL_DEADLINE_MS, LASTING_LINK_MS, RETRY_FIRST_MS, RETRY_LAST_MS } from './constants.ts'

/** The last error of a contact that is this very process; it stays while it is tried once more. */
export const TO_OURSELF = 'connected to ourself'

export type DialState = 'waiting' | 'resolving' | 'dialling' | 'handshake' | 'connected' | 'ourself'

/** One thing to dial: what the operator named, or a peer that gossip told of. */
export interface Contact {
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
  /** It waits, and for nothing: its peer is a neighbour, or is reached through others and needs no link. */
  readonly isReached: boolean
}

type Mutable = { -readonly [K in keyof Contact]: Contact[K] } & {
  endpoints: readonly Endpoint[]
  endpointAt: number
  connection: number | undefined
  retryWaitMs: number
  /** Rounds through all addresses that failed since a link lasted. */
  failedRounds: number
  upAt: Millis | undefined
  /** It was dialled, and no link to it has lasted since. */
  isTried: boolean
}

export type DiallerOutput =
  | { readonly type: 'resolve'; readonly contact: string }
  | { readonly type: 'dial'; readonly connection: number; readonly endpoint: Endpoint }
  | { readonly type: 'close'; readonly connection: number }

/**
 * Decides whom to dial and when. Configured contacts are resolved anew for each attempt and tried for ever; discovered
 * ones live as long as `setDiscovered` names them. One connection per contact at a time; a contact whose peer is
 * reached already is at rest. A contact that turns out to be this peer itself is never dialled again.
 */
export class Dialler implements Machine<DiallerOutput> {
  readonly #contacts = new Map<string, Mutable>()
  readonly #byConnection = new Map<number, string>()
  readonly #timers = new Timers()
  readonly #outputs: DiallerOutput[] = []
  readonly #ownEndpoints = new Set<Endpoint>()
  readonly #chance: Chance
  readonly #nextConnection: () => number
  readonly #isReached: (peer: PeerId) => boolean
  readonly #roamedTo: (peer: PeerId) => Endpoint | undefined
  #failures = 0

  constructor(given: {
    chance: Chance
    nextConnection: () => number
    isReached: (peer: PeerId) => boolean
    /** Where to dial a peer by what its data comes from: it may have moved since its contact was named. */
    roamedTo: (peer: PeerId) => Endpoint | undefined
  }) {
    this.#roamedTo = given.roamedTo
    this.#chance = given.chance
    this.#nextConnection = given.nextConnection
    this.#isReached = given.isReached
  }

  /** The operator's list, in the order given. */
  get configured(): string[] {
    return [...this.#contacts.values()].filter(contact => contact.origin === 'configured').map(contact => contact.text)
  }

  get contacts(): Contact[] {
    return [...this.#contacts.values()].map(contact => ({
      text: contact.text,
      origin: contact.origin,
      state: contact.state,
      endpoint: contact.endpoint ?? contact.endpoints[0],
      peerId: contact.peerId,
      lastError: contact.lastError,
      attempts: contact.attempts,
      retryAt: contact.state === 'waiting' ? this.#timers.at(contact.text) : undefined,
      isReached: this.#isAtRest(contact),
    }))
  }

  /** The peers that configured contacts led to. */
  get configuredPeers(): Set<PeerId> {
    const peers = new Set<PeerId>()
    for (const { origin, peerId } of this.#contacts.values())
      if (origin === 'configured' && peerId !== undefined) peers.add(peerId)
    return peers
  }

  /** Grows whenever a round through all addresses of a discovered peer fails. */
  get failures(): number {
    return this.#failures
  }

  /** Rounds through all addresses of a discovered peer that failed since a link to it lasted. */
  failedRounds(peer: PeerId): number {
    return this.#contacts.get(peer)?.failedRounds ?? 0
  }

  contactOf(connection: number): Contact | undefined {
    const text = this.#byConnection.get(connection)
    return text === undefined ? undefined : this.#contacts.get(text)
  }

  /**
   * What the operator calls a peer: the contact that this connection was dialled for, or that led to the peer before.
   */
  configuredContactOf(peerId: PeerId, connection: number): string | undefined {
    const dialled = this.contactOf(connection)
    if (dialled?.origin === 'configured') return dialled.text
    for (const contact of this.#contacts.values())
      if (contact.origin === 'configured' && contact.peerId === peerId) return contact.text
    return undefined
  }

  /** Adds contacts or, for those known, pulls the next attempt forward. False when the list is full. */
  configure(texts: readonly string[], now: Millis): boolean {
    for (const text of texts) {
      const known = this.#contacts.get(text)
      if (known === undefined) {
        if (this.#contacts.size >= CONTACTS_MAX) return false
        this.#contacts.set(text, newContact(text, 'configured', []))
        this.#timers.set(text, now)
      } else {
        known.retryWaitMs = 0
        if (known.state === 'waiting' || known.state === 'ourself') this.#wait(known, now)
      }
    }
    return true
  }

  /** Removes configured contacts; a link that exists is not cut. Returns those that were there. */
  unconfigure(texts: readonly string[]): string[] {
    const removed = texts.filter(text => this.#contacts.get(text)?.origin === 'configured')
    for (const text of removed) this.#remove(text)
    return removed
  }

  /** The complete set of discovered peers worth a link, with the endpoints to try, best first. */
  setDiscovered(
    peers: readonly { peerId: PeerId; endpoints: readonly Endpoint[]; delayMs: number }[],
    now: Millis,
  ): void {
    const wanted = new Set<string>(peers.map(peer => peer.peerId))
    for (const contact of [...this.#contacts.values()])
      if (contact.origin === 'discovered' && !wanted.has(contact.text)) this.#remove(contact.text)
    for (const { peerId, endpoints, delayMs } of peers) {
      const usable = endpoints.filter(endpoint => !this.#ownEndpoints.has(endpoint))
      const known = this.#contacts.get(peerId)
      if (known !== undefined) {
        // A new address is worth a try before the back-off of the old ones ends.
        const isFresh = usable.some(endpoint => !known.endpoints.includes(endpoint))
        known.endpoints = usable
        if (isFresh && known.state === 'waiting') {
          known.retryWaitMs = 0
          this.#wait(known, now + delayMs)
        } else if (known.state === 'waiting' && !known.isTried) {
          // It has become more urgent than it was.
          this.#wait(known, Math.min(now + delayMs, this.#timers.at(peerId) ?? Infinity))
        }
        continue
      }
      if (usable.length === 0 || this.#contacts.size >= CONTACTS_MAX) continue
      const contact = newContact(peerId, 'discovered', usable)
      contact.peerId = peerId
      this.#contacts.set(peerId, contact)
      this.#timers.set(peerId, now + delayMs)
    }
  }

  handleResolved(text: string, result: readonly Endpoint[] | string, now: Millis): void {
    const contact = this.#contacts.get(text)
    if (contact?.state !== 'resolving') return
    const roamed = contact.peerId === undefined ? undefined : this.#roamedTo(contact.peerId)
    const named = typeof result === 'string' ? [] : result
    contact.endpoints = roamed === undefined ? named : [...new Set([...named, roamed])]
    if (contact.endpoints.length === 0)
      return this.#failed(contact, typeof result === 'string' ? result : `${text} has no address`, now)
    this.#dial(contact, now)
  }

  handleDialled(connection: number): void {
    const contact = this.#mutableOf(connection)
    if (contact?.state !== 'dialling') return
    contact.state = 'handshake'
    // From here on the link's own deadline runs.
    this.#timers.cancel(contact.text)
  }

  handleDialFailed(connection: number, error: string, now: Millis): void {
    const contact = this.#mutableOf(connection)
    if (contact !== undefined) this.#failed(contact, error, now)
  }

  handleUp(connection: number, peerId: PeerId, now: Millis): void {
    const contact = this.#mutableOf(connection)
    if (contact === undefined) return
    this.#timers.cancel(contact.text)
    contact.state = 'connected'
    contact.peerId = peerId
    contact.lastError = undefined
    contact.attempts = 0
    contact.upAt = now
  }

  /** The connection, which led to `peerId`, ended. `retryMs`: wait at least so long before the next attempt. */
  handleEnded(connection: number, peerId: PeerId | undefined, error: string, now: Millis, retryMs = 0): void {
    const contact = this.#mutableOf(connection)
    if (contact === undefined) return
    contact.peerId = peerId ?? contact.peerId
    // A link that is refused as soon as it is up, for instance by a peer that is full, must not be made anew every
    // second.
    const hasLasted = contact.upAt !== undefined && now - contact.upAt >= LASTING_LINK_MS
    if (hasLasted) contact.retryWaitMs = 0
    contact.upAt = undefined
    this.#failed(contact, error, now, retryMs)
    if (hasLasted) contact.failedRounds = 0
    if (hasLasted && retryMs === 0) contact.isTried = false
  }

  /** The connection led back to this very process. */
  handleOurself(connection: number): void {
    const contact = this.#mutableOf(connection)
    if (contact === undefined) return
    if (contact.endpoint !== undefined) this.#ownEndpoints.add(contact.endpoint)
    this.#byConnection.delete(connection)
    contact.connection = undefined
    contact.state = 'ourself'
    contact.lastError = TO_OURSELF
    this.#timers.cancel(contact.text)
  }

  /** The link to a peer ended, or nobody reaches it any more: contacts at rest because of it are due again. */
  handleLost(peerId: PeerId, now: Millis): void {
    for (const contact of this.#contacts.values())
      if (contact.peerId === peerId && contact.state === 'waiting')
        this.#wait(contact, Math.min(now + this.#jitter(RETRY_FIRST_MS), this.#timers.at(contact.text) ?? Infinity))
  }

  /** Data of a peer without a link comes from an endpoint: its configured contacts are worth a try there. */
  handleRoamed(peerId: PeerId, endpoint: Endpoint, now: Millis): void {
    for (const contact of this.#contacts.values()) {
      if (contact.peerId !== peerId || contact.origin !== 'configured' || contact.state !== 'waiting') continue
      if (contact.endpoints.includes(endpoint)) continue
      contact.retryWaitMs = 0
      this.#wait(contact, now + this.#jitter(RETRY_FIRST_MS))
    }
  }

  handleTimeout(now: Millis): void {
    for (;;) {
      const text = this.#timers.popDue(now)
      if (text === undefined) return
      const contact = this.#contacts.get(text)
      if (contact === undefined) continue
      if (contact.state === 'waiting') this.#begin(contact, now)
      else if (contact.state === 'resolving')
        this.#failed(contact, `no answer for the name ${text} within ${DIAL_DEADLINE_MS / 1000} s`, now)
      else if (contact.state === 'dialling') {
        const { connection } = contact
        this.#failed(contact, `no answer within ${DIAL_DEADLINE_MS / 1000} s`, now)
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

  #begin(contact: Mutable, now: Millis): void {
    if (this.#isAtRest(contact)) {
      // Looked at again late, in case its end was missed.
      contact.lastError = undefined
      this.#wait(contact, now + RETRY_LAST_MS)
      return
    }
    contact.attempts++
    contact.isTried = true
    if (contact.origin === 'discovered') return this.#dial(contact, now)
    contact.state = 'resolving'
    this.#timers.set(contact.text, now + DIAL_DEADLINE_MS)
    this.#outputs.push({ type: 'resolve', contact: contact.text })
  }

  #isAtRest({ state, peerId }: Mutable): boolean {
    return state === 'waiting' && peerId !== undefined && this.#isReached(peerId)
  }

  #dial(contact: Mutable, now: Millis): void {
    const endpoint = contact.endpoints[contact.endpointAt % contact.endpoints.length]
    if (endpoint === undefined) return this.#failed(contact, 'no address known', now)
    contact.endpointAt++
    const connection = this.#nextConnection()
    contact.connection = connection
    contact.endpoint = endpoint
    contact.state = 'dialling'
    this.#byConnection.set(connection, contact.text)
    this.#timers.set(contact.text, now + DIAL_DEADLINE_MS)
    this.#outputs.push({ type: 'dial', connection, endpoint })
  }

  #failed(contact: Mutable, error: string, now: Millis, retryMs = 0): void {
    if (contact.connection !== undefined) this.#byConnection.delete(contact.connection)
    contact.connection = undefined
    contact.lastError = error
    // All addresses of a contact are tried before the wait grows.
    const isRoundDone = contact.endpointAt >= contact.endpoints.length
    if (isRoundDone) {
      contact.endpointAt = 0
      contact.failedRounds++
      if (contact.origin === 'discovered') this.#failures++
      contact.retryWaitMs = Math.min(Math.max(contact.retryWaitMs * 2, RETRY_FIRST_MS), RETRY_LAST_MS)
    }
    const waitMs = isRoundDone ? this.#jitter(contact.retryWaitMs) : this.#jitter(RETRY_FIRST_MS / 4)
    this.#wait(contact, now + Math.max(waitMs, retryMs))
  }

  #wait(contact: Mutable, at: Millis): void {
    contact.state = 'waiting'
    this.#timers.set(contact.text, at)
  }

  #jitter(waitMs: number): number {
    return Math.round(waitMs * (0.5 + this.#chance()))
  }

  #remove(text: string): void {
    const contact = this.#contacts.get(text)
    if (contact === undefined) return
    this.#contacts.delete(text)
    this.#timers.cancel(text)
    if (contact.connection === undefined) return
    this.#byConnection.delete(contact.connection)
    if (contact.state === 'dialling') this.#outputs.push({ type: 'close', connection: contact.connection })
  }

  #mutableOf(connection: number): Mutable | undefined {
    const text = this.#byConnection.get(connection)
    return text === undefined ? undefined : this.#contacts.get(text)
  }
}

function newContact(text: string, origin: 'configured' | 'discovered', endpoints: readonly Endpoint[]): Mutable {
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
    isTried: false,
    retryAt: undefined,
    isReached: false,
    retryWaitMs: 0,
    failedRounds: 0,
    upAt: undefined,
    connection: undefined,
  }
}
