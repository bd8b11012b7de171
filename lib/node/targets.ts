import type { Millis } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import { RECORD_KIND } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'
import type { Dialler } from './dialler.ts'
import { ForgetRecords } from './forget-records.ts'
import type { NodePart, StoreEntry } from './part.ts'
import { decodeTargets, encodeTargets } from './stored.ts'

const TARGETS_KEY = 'targets'

/** The operator's list of whom to connect to: kept in the store, and taken from everywhere by `forget`. */
export class Targets implements NodePart {
  readonly name = 'targets'
  readonly storePrefixes = [TARGETS_KEY]
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
    this.#dialler.configure(decodeTargets(entries.find(([key]) => key === TARGETS_KEY)?.[1]), now)
  }

  /** Adds targets, or makes the given ones the whole list. Returns the list; undefined when it would be too long. */
  connect(targets: readonly string[], isReplacing: boolean, now: Millis): string[] | undefined {
    const dialler = this.#dialler
    if (isReplacing) dialler.unconfigure(dialler.configured.filter(known => !targets.includes(known)))
    const isTaken = dialler.configure(targets, now)
    this.#persist()
    return isTaken ? dialler.configured : undefined
  }

  /** Removes targets here, and by a record of the ledger at every peer. Returns what is left here. */
  forget(targets: readonly string[]): string[] {
    this.#dialler.unconfigure(targets)
    this.#forget.publish(targets)
    this.#persist()
    return this.#dialler.configured
  }

  handleRecord({ owner, record }: RecordChange, now: Millis): void {
    const target = owner === this.#context.config.identity.peerId ? undefined : this.#forget.targetOf(record)
    if (target === undefined || this.#dialler.unconfigure([target]).length === 0) return
    this.#context.log('info', 'target-forgotten', { target, by: owner }, now)
    this.#persist()
  }

  #persist(): void {
    const value = encodeTargets(this.#dialler.configured)
    this.#context.emit({ type: 'persist', puts: [[TARGETS_KEY, value]], deletes: [] })
  }
}
