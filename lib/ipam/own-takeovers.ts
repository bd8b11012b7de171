import { fromHex } from '../base/mod.ts'
import { TAKEOVERS_PER_PEER_MAX } from './constants.ts'

/** A change of this peer's own records; undefined removes it. */
export interface TakeoverPublish {
  readonly kind: 'takeover' | 'acks'
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Which takeovers this peer publishes, its own and those that own blocks rest on; and what of that changed. */
export class OwnTakeovers {
  readonly #ids = new Set<string>()
  readonly #changes = new Map<string, TakeoverPublish>()

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** True when others would not listen to one more. */
  get isFull(): boolean {
    return this.#ids.size >= TAKEOVERS_PER_PEER_MAX
  }

  /** The ledger holds a record of this peer of it. */
  note(id: string): void {
    this.#ids.add(id)
  }

  /** The ledger holds none any more. False when there was none. */
  forget(id: string): boolean {
    return this.#ids.delete(id)
  }

  publish(id: string, value: Uint8Array): void {
    this.#ids.add(id)
    this.#changes.set(id, { kind: 'takeover', key: fromHex(id)!, value })
  }

  /** False when it was not published. */
  remove(id: string): boolean {
    if (!this.#ids.delete(id)) return false
    this.#changes.set(id, { kind: 'takeover', key: fromHex(id)!, value: undefined })
    return true
  }

  clear(): void {
    for (const id of [...this.#ids]) this.remove(id)
  }

  /** Own records that changed since the last call. */
  takeChanges(): TakeoverPublish[] {
    const changes = [...this.#changes.values()]
    this.#changes.clear()
    return changes
  }
}
