import { assert, type Millis } from '../base/mod.ts'
import { BUCKET_SLOTS, DUPLICATE_EXPIRY_MS, DUPLICATE_WINDOW_CAPACITY } from './constants.ts'

// A slot: | origin + 1 | id | first seen, ms |. A bucket: the slot to write next, then its slots.
const SEEN_SLOT_WORDS = 3
const SEEN_BUCKET_WORDS = 1 + BUCKET_SLOTS * SEEN_SLOT_WORDS

/**
 * The broadcast frames (origin, duplicate id) seen of late. Bounded: a full bucket forgets its oldest. Of one lane
 * only; lanes that share a socket may each pass one copy, which goes no farther than its way. Does not allocate after
 * construction.
 */
export class DuplicateWindow {
  readonly capacity: number
  readonly #words: Int32Array
  readonly #bucketMask: number

  /** `capacity`: a power of two, at least 8. */
  constructor(capacity = DUPLICATE_WINDOW_CAPACITY) {
    assert(capacity >= BUCKET_SLOTS && (capacity & (capacity - 1)) === 0, `duplicate window of ${capacity} slots`)
    this.capacity = capacity
    this.#words = new Int32Array((capacity / BUCKET_SLOTS) * SEEN_BUCKET_WORDS)
    this.#bucketMask = capacity / BUCKET_SLOTS - 1
  }

  /** Whether the frame was admitted within DUPLICATE_EXPIRY_MS. `id`: 32 bits, of either sign. */
  has(origin: number, id: number, now: Millis): boolean {
    const slot = this.#find(this.#bucketOf(origin, id), origin, id)
    return slot >= 0 && this.#isFresh(slot, now)
  }

  /** Remembers the frame; false when it was admitted within DUPLICATE_EXPIRY_MS, which is not made longer. */
  admit(origin: number, id: number, now: Millis): boolean {
    const words = this.#words
    const at = this.#bucketOf(origin, id)
    let slot = this.#find(at, origin, id)
    if (slot >= 0) {
      if (this.#isFresh(slot, now)) return false
      words[slot + 2] = now | 0
      return true
    }
    // Entries are written in turn, so the next in turn is the oldest but for a stale one renewed above.
    const turn = words[at]!
    words[at] = (turn + 1) % BUCKET_SLOTS
    slot = at + 1 + turn * SEEN_SLOT_WORDS
    words[slot] = origin + 1
    words[slot + 1] = id | 0
    words[slot + 2] = now | 0
    return true
  }

  #bucketOf(origin: number, id: number): number {
    let hash = Math.imul(id ^ Math.imul(origin + 1, 0x9e37_79b1), 0x85eb_ca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35)
    return ((hash ^ (hash >>> 13)) & this.#bucketMask) * SEEN_BUCKET_WORDS
  }

  /** The slot of the frame in the bucket, or -1. */
  #find(at: number, origin: number, id: number): number {
    const words = this.#words
    const owner = origin + 1
    const wanted = id | 0
    for (let slot = at + 1; slot < at + SEEN_BUCKET_WORDS; slot += SEEN_SLOT_WORDS)
      if (words[slot] === owner && words[slot + 1] === wanted) return slot
    return -1
  }

  /** Time is kept in 32 bits that wrap: differences stay right. */
  #isFresh(slot: number, now: Millis): boolean {
    return ((now | 0) - this.#words[slot + 2]!) >>> 0 <= DUPLICATE_EXPIRY_MS
  }
}
