import type { PeerId } from '../address/mod.ts'
import { isDrop, toHex, utf8 } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import { TOLD_CONTAINERS_MAX, Zone } from '../names/mod.ts'
import {
  CONTAINER_ID_BYTES_MAX,
  NAME_KEY_BYTES,
  RECORD_KIND,
  decodeNameRecord,
  encodeNameRecord,
  type NameRecord,
} from '../wire/mod.ts'
import type { NodeContext } from './context.ts'
import type { NodePart } from './part.ts'

export interface NamesReport {
  /** Containers that have names, in the whole mesh; of peers that can be reached. */
  readonly containers: number
  readonly names: number
}

/**
 * The containers of the mesh and their names. Each peer publishes its own, a record for each container, also for one
 * without names; the names that others publish count while they can be reached. The ledger keeps them over a restart.
 */
export class NameRecords implements NodePart {
  readonly name = 'names'
  readonly recordKinds = [RECORD_KIND.name]
  readonly zone: Zone
  readonly #context: NodeContext
  /** What this peer publishes, by the record's key in hex. */
  readonly #own = new Map<string, NameRecord>()

  constructor(context: NodeContext) {
    this.#context = context
    this.zone = new Zone(owner => owner === this.#self || context.view.reachable.has(owner))
  }

  get #self(): PeerId {
    return this.#context.config.identity.peerId
  }

  restore(): void {
    for (const { owner, key, value } of this.#context.ledger.records(RECORD_KIND.name)) this.#note(owner, key, value)
  }

  handleRecord({ owner, key, record }: RecordChange): void {
    this.#note(owner, key, record === undefined || record.isTombstone ? undefined : record.value)
  }

  /**
   * Publishes where a container of this host is found, and under which names: in the place of what was published of it.
   * Without addresses nothing is. False when there is no room: then nothing was changed, or, without names, nothing is
   * published of it.
   */
  set({ container, addresses, names }: NameRecord): boolean {
    const id = utf8(container)
    if (id.length > CONTAINER_ID_BYTES_MAX) return false
    const { ledger, config } = this.#context
    const key = config.suite.hash(id, NAME_KEY_BYTES)
    if (addresses.length === 0) {
      ledger.remove(RECORD_KIND.name, key)
      return true
    }
    const isRoom = this.#own.has(toHex(key)) || this.#own.size < TOLD_CONTAINERS_MAX
    const value = encodeNameRecord({ container, addresses, names })
    if (isRoom && ledger.put(RECORD_KIND.name, key, value) !== 'full') return true
    // The names that it had are not its own any more.
    if (names.length === 0) ledger.remove(RECORD_KIND.name, key)
    return false
  }

  /** What this peer publishes of a container. */
  of(container: string): NameRecord | undefined {
    return this.#own.get(toHex(this.#context.config.suite.hash(utf8(container), NAME_KEY_BYTES)))
  }

  /** All that this peer publishes. */
  own(): readonly NameRecord[] {
    return [...this.#own.values()]
  }

  /** Takes back all that this peer published. */
  withdraw(): void {
    for (const { container } of this.own()) this.set({ container, addresses: [], names: [] })
  }

  report(): NamesReport {
    const live = this.zone.live().filter(entry => entry.names.length > 0)
    return { containers: live.length, names: new Set(live.flatMap(entry => entry.names)).size }
  }

  #note(owner: PeerId, key: Uint8Array, value: Uint8Array | undefined): void {
    const hex = toHex(key)
    const record = value === undefined ? undefined : decodeNameRecord(value)
    if (isDrop(record)) this.#context.drop(record.reason)
    const entry = isDrop(record) ? undefined : record
    this.zone.set(`${owner}/${hex}`, entry && { owner, ...entry })
    if (owner !== this.#self) return
    if (entry === undefined) this.#own.delete(hex)
    else this.#own.set(hex, entry)
  }
}
