import { parseEndpoint, parsePeerId, type Endpoint, type PeerId } from '../address/mod.ts'
import { BoundedMap } from '../base/mod.ts'
import { CONTACTS_MAX } from './constants.ts'

/**
 * Contacts that were forgotten, and the peers that they had led to: such a peer is not dialled because records tell of it,
 * not after a restart either, until one of its contacts is named again. What it begins itself is taken.
 */
export class Forgotten {
  readonly #port: number
  readonly #peers = new BoundedMap<string, PeerId | undefined>(CONTACTS_MAX)

  /** `port`: of contacts that name none. */
  constructor(port: number) {
    this.#port = port
  }

  /** For the store: each with its peer, or `-`. */
  get stored(): string[] {
    return [...this.#peers.entries].map(([contact, peer]) => `${peer ?? '-'} ${contact}`)
  }

  restore(stored: readonly string[]): void {
    for (const text of stored) {
      const at = text.indexOf(' ')
      if (at > 0) this.add(text.slice(at + 1), parsePeerId(text.slice(0, at)))
    }
  }

  add(contact: string, peer: PeerId | undefined): void {
    this.#peers.set(contact, peer)
  }

  /** It is named again. */
  remove(contact: string): void {
    this.#peers.delete(contact)
  }

  /** `endpoints`: where the peer would be dialled. */
  has(peer: PeerId, endpoints: readonly Endpoint[]): boolean {
    for (const [contact, led] of this.#peers.entries) {
      if (led === peer) return true
      const endpoint = led === undefined ? parseEndpoint(contact, this.#port) : undefined
      if (endpoint !== undefined && endpoints.includes(endpoint)) return true
    }
    return false
  }
}
