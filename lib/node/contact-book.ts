import type { PeerId } from '../address/mod.ts'
import { CONTACTS_MAX } from './constants.ts'
import type { KeptContact } from './contact.ts'

/** The contacts of a peer in the order in which they came, each with at most one connection. */
export class ContactBook {
  readonly #contacts = new Map<string, KeptContact>()
  readonly #byConnection = new Map<number, KeptContact>()

  get all(): KeptContact[] {
    return [...this.#contacts.values()]
  }

  get isFull(): boolean {
    return this.#contacts.size >= CONTACTS_MAX
  }

  get configured(): KeptContact[] {
    return this.all.filter(contact => contact.origin === 'configured')
  }

  get(text: string): KeptContact | undefined {
    return this.#contacts.get(text)
  }

  /** The contact that this connection was dialled for. */
  of(connection: number): KeptContact | undefined {
    return this.#byConnection.get(connection)
  }

  /** Those that led to a peer. */
  ofPeer(peerId: PeerId): KeptContact[] {
    return this.all.filter(contact => contact.peerId === peerId)
  }

  add(contact: KeptContact): void {
    this.#contacts.set(contact.text, contact)
  }

  /** It has no connection any more. */
  remove(contact: KeptContact): void {
    this.setConnection(contact, undefined)
    this.#contacts.delete(contact.text)
  }

  setConnection(contact: KeptContact, connection: number | undefined): void {
    if (contact.connection !== undefined) this.#byConnection.delete(contact.connection)
    contact.connection = connection
    if (connection !== undefined) this.#byConnection.set(connection, contact)
  }
}
