import type { Endpoint, PeerId } from '../address/mod.ts'
import { BoundedMap, Timers, type Chance, type Machine, type Millis } from '../base/mod.ts'
import {
  DIAL_DEADLINE_MS,
  OWN_ENDPOINTS_MAX,
  RETRY_ALONE_MS,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
  SPREAD_FIRST_MS,
  SPREAD_LAST_MS,
  SPREAD_PER_PEER_MS,
} from './constants.ts'
import { FULL_MESH_PEERS } from '../topology/mod.ts'
import { ContactBook } from './contact-book.ts'
import { KeptContact, TO_OURSELF, type Contact } from './contact.ts'

export type DiallerOutput =
  | { readonly type: 'resolve'; readonly contact: string }
  | { readonly type: 'dial'; readonly connection: number; readonly endpoint: Endpoint }
  | { readonly type: 'close'; readonly connection: number }

/**
 * Decides whom to dial and when. Configured contacts are resolved anew for each attempt and tried for ever; discovered
 * ones live as long as `setDiscovered` names them. One connection per contact at a time; a contact whose peer is
 * reached already is at rest. An address that turns out to be this peer's own is never dialled again; a contact that has
 * no other is looked up now and then, in case its name moves.
 */
export class Dialler implements Machine<DiallerOutput> {
  readonly #book = new ContactBook()
  readonly #timers = new Timers()
  readonly #outputs: DiallerOutput[] = []
  /** The newest ones. */
  readonly #ownEndpoints = new BoundedMap<Endpoint, true>(OWN_ENDPOINTS_MAX)
  /** Contacts whose first attempt is not due yet, because many peers may have been started at this moment. */
  readonly #spread = new Set<string>()
  readonly #chance: Chance
  readonly #nextConnection: () => number
  readonly #isReached: (peer: PeerId) => boolean
  readonly #isAlone: () => boolean
  readonly #roamedTo: (peer: PeerId) => Endpoint | undefined
  #failures = 0

  constructor(given: {
    chance: Chance
    nextConnection: () => number
    isReached: (peer: PeerId) => boolean
    /** True while there is no link to anybody. */
    isAlone: () => boolean
    /** Where to dial a peer by what its data comes from: it may have moved since its contact was named. */
    roamedTo: (peer: PeerId) => Endpoint | undefined
  }) {
    this.#roamedTo = given.roamedTo
    this.#chance = given.chance
    this.#nextConnection = given.nextConnection
    this.#isReached = given.isReached
    this.#isAlone = given.isAlone
  }

  /** The operator's list, in the order given. */
  get configured(): string[] {
    return this.#book.configured.map(({ text }) => text)
  }

  get contacts(): Contact[] {
    return this.#book.all.map(contact => {
      const retryAt = contact.state === 'waiting' ? this.#timers.at(contact.text) : undefined
      return contact.seen(retryAt, this.#isAtRest(contact))
    })
  }

  /** The peers that configured contacts led to. */
  get configuredPeers(): Set<PeerId> {
    return new Set(this.#book.configured.flatMap(({ peerId }) => peerId ?? []))
  }

  /** Grows whenever a round through all addresses of a discovered peer fails. */
  get failures(): number {
    return this.#failures
  }

  /** Rounds through all addresses of a discovered peer that failed since a link to it lasted. */
  failedRounds(peer: PeerId): number {
    return this.#book.get(peer)?.failedRounds ?? 0
  }

  /**
   * What the operator calls a peer: the contact that this connection was dialled for, or that led to the peer before.
   */
  configuredContactOf(peerId: PeerId, connection: number): string | undefined {
    const dialled = this.#book.of(connection)
    if (dialled?.origin === 'configured') return dialled.text
    return this.#book.configured.find(contact => contact.peerId === peerId)?.text
  }

  /**
   * Adds contacts or, for those known, pulls the next attempt forward. False when the list is full. `spreadMs`: the first
   * attempts begin within so long, each at a moment of its own.
   */
  configure(texts: readonly string[], now: Millis, spreadMs = 0): boolean {
    for (const text of texts) {
      const known = this.#book.get(text)
      if (known === undefined) {
        if (this.#book.isFull) return false
        this.#book.add(new KeptContact(text, 'configured', []))
        this.#timers.set(text, now + Math.floor(spreadMs * this.#chance()))
        if (spreadMs > 0) this.#spread.add(text)
      } else if (!this.#spread.has(text)) {
        known.resetWait()
        if (known.state === 'waiting' || known.state === 'ourself') this.#wait(known, now)
      }
    }
    return true
  }

  /** Removes configured contacts; a link that exists is not cut. Returns those that were there. */
  unconfigure(texts: readonly string[]): string[] {
    const removed = texts.filter(text => this.#book.get(text)?.origin === 'configured')
    for (const text of removed) this.#remove(text)
    return removed
  }

  /** The complete set of discovered peers worth a link, with the endpoints to try, best first. */
  setDiscovered(
    peers: readonly { peerId: PeerId; endpoints: readonly Endpoint[]; delayMs: number }[],
    now: Millis,
  ): void {
    const wanted = new Set<string>(peers.map(peer => peer.peerId))
    for (const contact of this.#book.all)
      if (contact.origin === 'discovered' && !wanted.has(contact.text)) this.#remove(contact.text)
    for (const { peerId, endpoints, delayMs } of peers) {
      const usable = this.#notOwn(endpoints)
      const known = this.#book.get(peerId)
      if (known !== undefined) {
        // A new address is worth a try before the back-off of the old ones ends.
        const isFresh = usable.some(endpoint => !known.endpoints.includes(endpoint))
        known.endpoints = usable
        if (isFresh && known.state === 'waiting') {
          known.resetWait()
          this.#wait(known, now + delayMs)
        } else if (known.state === 'waiting' && !known.isTried) {
          // It has become more urgent than it was.
          this.#wait(known, Math.min(now + delayMs, this.#timers.at(peerId) ?? Infinity))
        }
        continue
      }
      if (usable.length === 0 || this.#book.isFull) continue
      const contact = new KeptContact(peerId, 'discovered', usable)
      contact.peerId = peerId
      this.#book.add(contact)
      this.#timers.set(peerId, now + delayMs)
    }
  }

  handleResolved(text: string, result: readonly Endpoint[] | string, now: Millis): void {
    const contact = this.#book.get(text)
    if (contact?.state !== 'resolving') return
    const roamed = contact.peerId === undefined ? undefined : this.#roamedTo(contact.peerId)
    const named = typeof result === 'string' ? [] : result
    contact.endpoints = roamed === undefined ? named : [...new Set([...named, roamed])]
    const all = contact.endpoints.length
    contact.endpoints = this.#notOwn(contact.endpoints)
    if (contact.endpoints.length > 0) return this.#dial(contact, now)
    if (all > 0) return this.#isOurself(contact, now)
    this.#failed(contact, typeof result === 'string' ? result : `${text} has no address`, now)
  }

  handleDialled(connection: number): void {
    const contact = this.#book.of(connection)
    if (contact?.state !== 'dialling') return
    contact.state = 'handshake'
    // From here on the link's own deadline runs.
    this.#timers.cancel(contact.text)
  }

  handleDialFailed(connection: number, error: string, now: Millis): void {
    const contact = this.#book.of(connection)
    if (contact !== undefined) this.#failed(contact, error, now)
  }

  handleUp(connection: number, peerId: PeerId, now: Millis): void {
    const contact = this.#book.of(connection)
    if (contact === undefined) return
    this.#timers.cancel(contact.text)
    contact.noteUp(peerId, now)
  }

  /**
   * The connection, which led to `peerId`, ended. `retryMs`: wait at least so long before the next attempt. `isRefusal`: a
   * weave-ts peer is there, and the two do not come together.
   */
  handleEnded(
    connection: number,
    peerId: PeerId | undefined,
    error: string,
    now: Millis,
    { retryMs = 0, isRefusal = false }: { readonly retryMs?: Millis; readonly isRefusal?: boolean } = {},
  ): void {
    const contact = this.#book.of(connection)
    if (contact === undefined) return
    if (isRefusal) contact.refusal = error
    contact.peerId = peerId ?? contact.peerId
    const hasLasted = contact.noteDown(now)
    this.#failed(contact, error, now, retryMs)
    if (hasLasted) contact.forgetFailures()
    if (hasLasted && retryMs === 0) contact.isTried = false
  }

  /** The connection led back to this very process. A name may have addresses of others besides. */
  handleOurself(connection: number, now: Millis): void {
    const contact = this.#book.of(connection)
    if (contact === undefined) return
    if (contact.endpoint !== undefined) this.#ownEndpoints.set(contact.endpoint, true)
    this.#book.setConnection(contact, undefined)
    contact.endpoints = this.#notOwn(contact.endpoints)
    if (contact.endpoints.length === 0) return this.#isOurself(contact, now)
    contact.lastError = TO_OURSELF
    this.#wait(contact, now + this.#jitter(RETRY_FIRST_MS))
  }

  /**
   * The link to a peer ended, or nobody reaches it any more: contacts at rest because of it are due again. `withinMs`:
   * so many others may have lost it at this moment that they had better not all dial it at once.
   */
  handleLost(peerId: PeerId, now: Millis, withinMs = RETRY_FIRST_MS): void {
    for (const contact of this.#book.ofPeer(peerId))
      if (contact.state === 'waiting')
        this.#wait(contact, Math.min(now + this.#jitter(withinMs), this.#timers.at(contact.text) ?? Infinity))
  }

  /** Data of a peer without a link comes from an endpoint: its configured contacts are worth a try there. */
  handleRoamed(peerId: PeerId, endpoint: Endpoint, now: Millis): void {
    for (const contact of this.#book.ofPeer(peerId)) {
      if (contact.origin !== 'configured' || contact.state !== 'waiting') continue
      if (contact.endpoints.includes(endpoint)) continue
      contact.resetWait()
      this.#wait(contact, now + this.#jitter(RETRY_FIRST_MS))
    }
  }

  handleTimeout(now: Millis): void {
    for (;;) {
      const text = this.#timers.popDue(now)
      if (text === undefined) return
      const contact = this.#book.get(text)
      if (contact === undefined) continue
      this.#spread.delete(text)
      if (contact.state === 'waiting') this.#begin(contact, now)
      else if (contact.state === 'ourself') this.#resolve(contact, now)
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

  #begin(contact: KeptContact, now: Millis): void {
    if (this.#isAtRest(contact)) {
      // Looked at again late, in case its end was missed.
      contact.lastError = undefined
      this.#wait(contact, now + RETRY_LAST_MS)
      return
    }
    contact.attempts++
    contact.isTried = true
    if (contact.origin === 'discovered') return this.#dial(contact, now)
    this.#resolve(contact, now)
  }

  #resolve(contact: KeptContact, now: Millis): void {
    contact.state = 'resolving'
    this.#timers.set(contact.text, now + DIAL_DEADLINE_MS)
    this.#outputs.push({ type: 'resolve', contact: contact.text })
  }

  #isAtRest({ state, peerId }: KeptContact): boolean {
    return state === 'waiting' && peerId !== undefined && this.#isReached(peerId)
  }

  #notOwn(endpoints: readonly Endpoint[]): Endpoint[] {
    return endpoints.filter(endpoint => !this.#ownEndpoints.has(endpoint))
  }

  /** It has no address but this peer's own. */
  #isOurself(contact: KeptContact, now: Millis): void {
    contact.state = 'ourself'
    contact.lastError = TO_OURSELF
    if (contact.origin === 'configured') this.#timers.set(contact.text, now + this.#jitter(RETRY_LAST_MS))
    else this.#timers.cancel(contact.text)
  }

  #dial(contact: KeptContact, now: Millis): void {
    const endpoint = contact.nextEndpoint()
    if (endpoint === undefined) return this.#failed(contact, 'no address known', now)
    const connection = this.#nextConnection()
    this.#book.setConnection(contact, connection)
    contact.endpoint = endpoint
    contact.state = 'dialling'
    this.#timers.set(contact.text, now + DIAL_DEADLINE_MS)
    this.#outputs.push({ type: 'dial', connection, endpoint })
  }

  #failed(contact: KeptContact, error: string, now: Millis, retryMs = 0): void {
    this.#book.setConnection(contact, undefined)
    const { waitMs, isRoundDone } = contact.noteFailure(error)
    const mostMs = contact.origin === 'configured' && this.#isAlone() ? RETRY_ALONE_MS : RETRY_LAST_MS
    if (isRoundDone && contact.origin === 'discovered') this.#failures++
    this.#wait(contact, now + Math.max(this.#jitter(Math.min(waitMs, mostMs)), retryMs))
  }

  #wait(contact: KeptContact, at: Millis): void {
    contact.state = 'waiting'
    this.#timers.set(contact.text, at)
  }

  #jitter(waitMs: number): number {
    return Math.round(waitMs * (0.5 + this.#chance()))
  }

  #remove(text: string): void {
    const contact = this.#book.get(text)
    if (contact === undefined) return
    const { connection, state } = contact
    this.#book.remove(contact)
    this.#spread.delete(text)
    this.#timers.cancel(text)
    if (connection !== undefined && state === 'dialling') this.#outputs.push({ type: 'close', connection })
  }
}

/** Within how long a peer of a mesh of so many others dials what they may all dial at one moment. */
export function dialSpreadMs(others: number): Millis {
  if (others <= FULL_MESH_PEERS) return 0
  return Math.min(Math.max(others * SPREAD_PER_PEER_MS, SPREAD_FIRST_MS), SPREAD_LAST_MS)
}
