import type { Endpoint, PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import { RECORD_KIND } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'
import { dialSpreadMs, type Dialler } from './dialler.ts'
import { Forgotten } from './forgotten.ts'
import { ForgetRecords } from './forget-records.ts'
import type { NodePart, StoreEntry } from './part.ts'
import { decodeContacts, encodeContacts } from './stored.ts'

/** As the stores of all versions have it. */
const CONTACTS_KEY = 'targets'
const FORGOTTEN_KEY = 'forgotten'

/** What became of a `forget`. */
export interface Forgetting {
  /** What is on the list of this peer now. */
  readonly left: string[]
  /** What was not on it. */
  readonly strange: string[]
  /** How many other peers are reached, and so are told now; others will be when they come back. */
  readonly told: number
}

/** The operator's list of whom to connect to: kept in the store, and taken from everywhere by `forget`. */
export class Contacts implements NodePart {
  readonly name = 'contacts'
  readonly storePrefixes = [CONTACTS_KEY, FORGOTTEN_KEY]
  readonly recordKinds = [RECORD_KIND.forget]
  readonly #context: NodeContext
  readonly #dialler: Dialler
  readonly #forget: ForgetRecords
  readonly #forgotten: Forgotten
  readonly #membersOf: () => number

  /** `membersOf`: how many peers of the mesh are known at a start. */
  constructor(context: NodeContext, dialler: Dialler, membersOf: () => number) {
    this.#membersOf = membersOf
    this.#context = context
    this.#dialler = dialler
    this.#forget = new ForgetRecords(context)
    this.#forgotten = new Forgotten(context.config.port)
  }

  restore(entries: readonly StoreEntry[], now: Millis): void {
    this.#forget.restore()
    this.#forgotten.restore(decodeContacts(entries.find(([key]) => key === FORGOTTEN_KEY)?.[1]))
    const contacts = decodeContacts(entries.find(([key]) => key === CONTACTS_KEY)?.[1])
    this.#dialler.configure(contacts, now, dialSpreadMs(this.#membersOf()))
  }

  /** Adds contacts, or makes the given ones the whole list. Returns the list; undefined when it would be too long. */
  connect(contacts: readonly string[], isReplacing: boolean, now: Millis): string[] | undefined {
    const dialler = this.#dialler
    if (isReplacing) dialler.unconfigure(dialler.configured.filter(known => !contacts.includes(known)))
    for (const contact of contacts) this.#forgotten.remove(contact)
    const isTaken = dialler.configure(contacts, now)
    this.#persist()
    return isTaken ? dialler.configured : undefined
  }

  /** Removes contacts here, and by a record of the ledger at every peer. */
  forget(contacts: readonly string[]): Forgetting {
    const strange = contacts.filter(contact => !this.#drop(contact))
    this.#forget.publish(contacts)
    this.#persist()
    const { view, config } = this.#context
    const told = [...view.reachable].filter(peer => peer !== config.identity.peerId).length
    return { left: this.#dialler.configured, strange, told }
  }

  handleRecord({ owner, record }: RecordChange, now: Millis): void {
    const contact = owner === this.#context.config.identity.peerId ? undefined : this.#forget.contactOf(record)
    if (contact === undefined) return
    if (!this.#drop(contact)) return this.#persist()
    this.#context.log('info', 'contact-forgotten', { contact, by: owner }, now)
    this.#persist()
  }

  /** Whether a peer that nobody reaches is to be left alone. `endpoints`: where it would be dialled. */
  isForgotten(peer: PeerId, endpoints: readonly Endpoint[]): boolean {
    return this.#forgotten.has(peer, endpoints)
  }

  /** Whether it was on the list. */
  #drop(contact: string): boolean {
    const known = this.#dialler.contacts.find(({ text, origin }) => text === contact && origin === 'configured')
    this.#forgotten.add(contact, known?.peerId)
    return this.#dialler.unconfigure([contact]).length > 0
  }

  /** It has acted in an earlier run. */
  handleRemembered({ record }: RecordChange): void {
    this.#forget.note(record)
  }

  #persist(): void {
    const puts: [string, Uint8Array][] = [
      [CONTACTS_KEY, encodeContacts(this.#dialler.configured)],
      [FORGOTTEN_KEY, encodeContacts(this.#forgotten.stored)],
    ]
    this.#context.emit({ type: 'persist', puts, deletes: [] })
  }
}
