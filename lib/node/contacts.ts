import type { Millis } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import { RECORD_KIND } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'
import type { Dialler } from './dialler.ts'
import { ForgetRecords } from './forget-records.ts'
import type { NodePart, StoreEntry } from './part.ts'
import { decodeContacts, encodeContacts } from './stored.ts'

/** As the stores of all versions have it. */
const CONTACTS_KEY = 'targets'

/** The operator's list of whom to connect to: kept in the store, and taken from everywhere by `forget`. */
export class Contacts implements NodePart {
  readonly name = 'contacts'
  readonly storePrefixes = [CONTACTS_KEY]
  readonly recordKinds = [RECORD_KIND.forget]
  readonly #context: NodeContext
  readonly #dialler: Dialler
  readonly #forget: ForgetRecords

  constructor(context: NodeContext, dialler: Dialler) {
    this.#context = context
    this.#dialler = dialler
    this.#forget = new ForgetRecords(context)
  }

  restore(entries: readonly StoreEntry[], now: Millis): void {
    this.#forget.restore()
    this.#dialler.configure(decodeContacts(entries.find(([key]) => key === CONTACTS_KEY)?.[1]), now)
  }

  /** Adds contacts, or makes the given ones the whole list. Returns the list; undefined when it would be too long. */
  connect(contacts: readonly string[], isReplacing: boolean, now: Millis): string[] | undefined {
    const dialler = this.#dialler
    if (isReplacing) dialler.unconfigure(dialler.configured.filter(known => !contacts.includes(known)))
    const isTaken = dialler.configure(contacts, now)
    this.#persist()
    return isTaken ? dialler.configured : undefined
  }

  /** Removes contacts here, and by a record of the ledger at every peer. Returns what is left here. */
  forget(contacts: readonly string[]): string[] {
    this.#dialler.unconfigure(contacts)
    this.#forget.publish(contacts)
    this.#persist()
    return this.#dialler.configured
  }

  handleRecord({ owner, record }: RecordChange, now: Millis): void {
    const contact = owner === this.#context.config.identity.peerId ? undefined : this.#forget.contactOf(record)
    if (contact === undefined || this.#dialler.unconfigure([contact]).length === 0) return
    this.#context.log('info', 'contact-forgotten', { contact, by: owner }, now)
    this.#persist()
  }

  /** It has acted in an earlier run. */
  handleRemembered({ record }: RecordChange): void {
    this.#forget.note(record)
  }

  #persist(): void {
    const value = encodeContacts(this.#dialler.configured)
    this.#context.emit({ type: 'persist', puts: [[CONTACTS_KEY, value]], deletes: [] })
  }
}
