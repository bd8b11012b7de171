import { parsePeerId, type PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { LOST_MEMBER_KEPT_MS, MEMBERS_STORED_MAX } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { NodePart, StoreEntry } from './part.ts'

const MEMBER_PREFIX = 'member/'
const THERE = Uint8Array.of(1)

/**
 * Who the members of the mesh are, in the state store. The records of others lie in a cache that may be lost; who decides
 * about a takeover must not be: whoever forgot the others would take itself for the majority.
 *
 * A member of an earlier run that no record tells of is *missing*. It counts until its records come back or say that it
 * left, a takeover removes it, or LOST_MEMBER_KEPT_MS have gone, as with records of peers that nobody reaches.
 */
export class MemberList implements NodePart {
  readonly name = 'members'
  readonly storePrefixes = [MEMBER_PREFIX]
  readonly #context: NodeContext
  /** At most MEMBERS_STORED_MAX. */
  readonly #stored = new Set<PeerId>()
  readonly #missing = new Set<PeerId>()
  #missingUntil: Millis | undefined
  #version = 0

  constructor(context: NodeContext) {
    this.#context = context
  }

  restore(entries: readonly StoreEntry[], now: Millis): void {
    for (const [key] of entries) {
      const peer = parsePeerId(key.slice(MEMBER_PREFIX.length))
      if (peer === undefined || this.#stored.size >= MEMBERS_STORED_MAX) this.#persist([], [key])
      else this.#stored.add(peer)
    }
    for (const peer of this.#stored) this.#missing.add(peer)
    if (this.#missing.size > 0) this.#missingUntil = now + LOST_MEMBER_KEPT_MS
  }

  /** Grows whenever somebody is missed no more: the view need not change by it. */
  get version(): number {
    return this.#version
  }

  /** Everybody who is of the mesh, whether a record tells of it now or not. */
  get all(): ReadonlySet<PeerId> {
    const { members } = this.#context.view
    return this.#missing.size === 0 ? members : new Set([...members, ...this.#missing])
  }

  viewChanged(): void {
    const { view, config } = this.#context
    const { members } = view
    const gone: PeerId[] = []
    for (const peer of this.#missing) {
      if (members.has(peer)) this.#missing.delete(peer)
      else if (view.hasLeft(peer)) gone.push(peer)
    }
    for (const peer of this.#stored) if (!members.has(peer) && !this.#missing.has(peer)) gone.push(peer)
    this.#drop(gone)
    if (!this.#context.isShared()) return
    const puts: [string, Uint8Array][] = []
    for (const peer of members) {
      if (peer === config.identity.peerId || this.#stored.has(peer)) continue
      if (this.#stored.size >= MEMBERS_STORED_MAX) break
      this.#stored.add(peer)
      puts.push([MEMBER_PREFIX + peer, THERE])
    }
    if (puts.length > 0) this.#persist(puts, [])
  }

  /** Members that a settled takeover removed: what is missing of them is missed no more. */
  remove(peers: Iterable<PeerId>): void {
    this.#drop([...peers].filter(peer => this.#missing.has(peer)))
  }

  meshChanged(): void {
    this.#drop([...this.#stored])
  }

  handleTimeout(now: Millis): void {
    if (this.#missingUntil === undefined || now < this.#missingUntil) return
    this.#missingUntil = undefined
    this.#drop([...this.#missing])
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    if (this.#missing.size === 0 || this.#missingUntil === undefined) return undefined
    return { at: this.#missingUntil, reason: 'missing members' }
  }

  #drop(peers: readonly PeerId[]): void {
    for (const peer of peers) {
      if (this.#missing.delete(peer)) this.#version++
      this.#stored.delete(peer)
    }
    if (peers.length > 0)
      this.#persist(
        [],
        peers.map(peer => MEMBER_PREFIX + peer),
      )
  }

  #persist(puts: [string, Uint8Array][], deletes: string[]): void {
    this.#context.emit({ type: 'persist', puts, deletes })
  }
}
