import { compareBytes } from '../base/mod.ts'
import { peerIdBytes } from '../address/mod.ts'
import {
  listBytes,
  OWNER_SUM_BYTES,
  sumBytes,
  SYNC_FIXED_BYTES,
  SYNC_LISTS_MAX,
  SYNC_OWNERS_MAX,
  SYNC_SUMS_MAX,
  SYNC_WANTS_MAX,
  wantBytes,
  type LedgerSync,
  type LedgerWant,
  type OwnerList,
  type PrefixSum,
} from '../wire/mod.ts'

/** Gathers a sync that fits into one message. What does not fit is left out: a later round finds it again. */
export class SyncDraft {
  readonly #sums: PrefixSum[] = []
  readonly #lists: OwnerList[] = []
  readonly #wants: LedgerWant[] = []
  #bytesLeft: number
  #ownersLeft = SYNC_OWNERS_MAX

  constructor(bytesMax: number) {
    this.#bytesLeft = bytesMax - SYNC_FIXED_BYTES
  }

  /** How many owners a list of this prefix may still name. */
  ownersLeft(prefix: string): number {
    if (this.#lists.length >= SYNC_LISTS_MAX) return 0
    const bytes = this.#bytesLeft - listBytes({ prefix, isPartial: false, isAnswer: false, owners: [] })
    return Math.max(0, Math.min(this.#ownersLeft, Math.floor(bytes / OWNER_SUM_BYTES)))
  }

  /** All of them, or none. */
  addSums(sums: readonly PrefixSum[]): void {
    const bytes = sums.reduce((total, sum) => total + sumBytes(sum), 0)
    if (this.#sums.length + sums.length <= SYNC_SUMS_MAX && this.#spend(bytes)) this.#sums.push(...sums)
  }

  addList(list: OwnerList): void {
    if (list.owners.length > this.#ownersLeft || this.#lists.length >= SYNC_LISTS_MAX) return
    if (!this.#spend(listBytes(list))) return
    this.#ownersLeft -= list.owners.length
    this.#lists.push(list)
  }

  addWant(want: LedgerWant): void {
    if (this.#wants.length < SYNC_WANTS_MAX && this.#spend(wantBytes(want))) this.#wants.push(want)
  }

  /** In the order that the codec asks for; undefined when there is nothing to say. */
  finish(): LedgerSync | undefined {
    if (this.#sums.length + this.#lists.length + this.#wants.length === 0) return undefined
    return {
      sums: this.#sums.sort(byPrefix),
      lists: this.#lists.sort(byPrefix),
      wants: this.#wants
        .map(want => ({ want, id: peerIdBytes(want.owner) }))
        .sort((a, b) => compareBytes(a.id, b.id) || a.want.above - b.want.above)
        .map(({ want }) => want),
    }
  }

  #spend(bytes: number): boolean {
    if (bytes > this.#bytesLeft) return false
    this.#bytesLeft -= bytes
    return true
  }
}

function byPrefix(a: { prefix: string }, b: { prefix: string }): number {
  return a.prefix < b.prefix ? -1 : a.prefix > b.prefix ? 1 : 0
}
