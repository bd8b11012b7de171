import { ByteReader, ByteWriter, toHex, utf8 } from '../base/mod.ts'
import { RECORD_KIND, type LedgerRecord } from '../wire/mod.ts'
import { CONTACT_BYTES_MAX, FORGETS_SEEN_MAX } from './constants.ts'
import type { NodeContext } from './context.ts'

const FORGET_KEY_BYTES = 16

/**
 * `forget` for the whole mesh: a record per contact. It acts once, when its count is new to a peer; so the contact can
 * be given to `connect` again afterwards, and stays when the record is published anew (its owner restarts).
 *
 *     key: BLAKE2b-128 of the contact    value: | count of times u32 | contact: 16-bit length, text |
 */
export class ForgetRecords {
  readonly #context: NodeContext
  /** Owner and key → the count that has acted. */
  readonly #seen = new Map<string, number>()

  constructor(context: NodeContext) {
    this.#context = context
  }

  publish(contacts: readonly string[]): void {
    const { ledger, config } = this.#context
    for (const contact of contacts) {
      const key = config.suite.hash(utf8(contact), FORGET_KEY_BYTES)
      const held = ledger.get(config.identity.peerId, RECORD_KIND.forget, key)
      const times = held === undefined ? 0 : new ByteReader(held.value).u32()
      // Another count makes another value: the record is written anew and acts again.
      ledger.put(
        RECORD_KIND.forget,
        key,
        new ByteWriter()
          .u32((times + 1) >>> 0)
          .text(contact)
          .finish(),
      )
    }
  }

  /** Notes what the store held at the start: it has acted in an earlier run. */
  restore(): void {
    for (const entry of this.#context.ledger.records(RECORD_KIND.forget)) this.#isNews(entry)
  }

  /** Notes a record that has acted in an earlier run. */
  note(record: LedgerRecord | undefined): void {
    if (record?.isTombstone === false) this.#isNews(record)
  }

  /** The contact that a record names, when it has not acted yet. */
  contactOf(record: LedgerRecord | undefined): string | undefined {
    if (record === undefined || record.isTombstone) return undefined
    const reader = new ByteReader(record.value)
    reader.u32()
    const contact = reader.text(CONTACT_BYTES_MAX)
    if (reader.ok) return this.#isNews(record) ? contact : undefined
    this.#context.drop('forget-malformed')
    return undefined
  }

  #isNews({ owner, key, value }: Pick<LedgerRecord, 'owner' | 'key' | 'value'>): boolean {
    const id = `${owner}${toHex(key)}`
    const times = new ByteReader(value).u32()
    if (this.#seen.get(id) === times) return false
    if (this.#seen.size >= FORGETS_SEEN_MAX) this.#seen.delete(this.#seen.keys().next().value!)
    this.#seen.set(id, times)
    return true
  }
}
