import type { Mac } from '../address/mod.ts'
import { assert } from '../base/mod.ts'
import { BUCKET_SLOTS, MAC_AGE_SECONDS, MAC_FORGET_SPIN_MAX, MAC_SPIN_MAX, MAC_TABLE_CAPACITY } from './constants.ts'

/** The address was last seen on this host's own bridge. */
export const MAC_LOCAL = -2
/** The address is not known, or was not seen for `MAC_AGE_SECONDS`. */
export const MAC_UNKNOWN = -1

export interface MacEntry {
  readonly mac: Mac
  /** A peer index, or MAC_LOCAL. */
  readonly peer: number
  readonly lastSeenSeconds: number
}

// A slot: | used << 16 | upper 16 bits | lower 32 bits | peer | last seen, seconds |. A bucket: sequence, then its
// slots.
const MAC_SLOT_WORDS = 4
const MAC_BUCKET_WORDS = 1 + BUCKET_SLOTS * MAC_SLOT_WORDS
const USED = 1 << 16

/**
 * Where each MAC address was last seen; the newest observation wins, so moves of VMs and of VRRP addresses work.
 *
 * A fixed number of slots over a buffer that lanes on several threads may share (SharedArrayBuffer). An address belongs
 * to one bucket of eight slots; a full bucket evicts its oldest entry. Each bucket is a sequence lock: odd while
 * somebody writes. The lock is per bucket rather than per slot so that two lanes which learn one address at once cannot
 * make two entries of it. Who cannot get a bucket within MAC_SPIN_MAX looks gives up: learning is skipped and a lookup
 * says MAC_UNKNOWN, which costs a flood and no more. `learn` and `lookup` do not allocate.
 */
export class MacTable {
  readonly capacity: number
  readonly #words: Int32Array
  readonly #bucketMask: number

  /** The bytes that a table of so many slots (a power of two, at least 8) needs. */
  static bytesFor(capacity = MAC_TABLE_CAPACITY): number {
    assert(capacity >= BUCKET_SLOTS && (capacity & (capacity - 1)) === 0, `MAC table of ${capacity} slots`)
    return (capacity / BUCKET_SLOTS) * MAC_BUCKET_WORDS * Int32Array.BYTES_PER_ELEMENT
  }

  /** A table over `buffer`, whose length is one of `bytesFor` and whose bytes are zero or another lane's table. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer = new ArrayBuffer(MacTable.bytesFor())) {
    this.#words = new Int32Array(buffer)
    this.capacity = (this.#words.length / MAC_BUCKET_WORDS) * BUCKET_SLOTS
    assert(buffer.byteLength === MacTable.bytesFor(this.capacity), `MAC table over ${buffer.byteLength} bytes`)
    this.#bucketMask = this.capacity / BUCKET_SLOTS - 1
  }

  /**
   * Notes that the address (upper 16, lower 32 bits) was seen at `peer` (an index or MAC_LOCAL). Returns where it was
   * known to be before: a peer index, MAC_LOCAL or MAC_UNKNOWN.
   */
  learn(high: number, low: number, peer: number, nowSeconds: number): number {
    const words = this.#words
    const at = this.#bucketOf(high, low)
    const tag = USED | high
    const lower = low | 0
    // Most frames come from where the one before came from, within the same second: nothing to write then.
    const seen = this.#find(at, tag, lower)
    if (seen >= 0 && Atomics.load(words, seen + 2) === peer && Atomics.load(words, seen + 3) === nowSeconds) {
      if (Atomics.load(words, seen) === tag && Atomics.load(words, seen + 1) === lower) return peer
    }
    if (!this.#lock(at)) return MAC_UNKNOWN
    let slot = this.#find(at, tag, lower)
    let before = MAC_UNKNOWN
    if (slot >= 0) {
      if (nowSeconds - words[slot + 3]! <= MAC_AGE_SECONDS) before = words[slot + 2]!
    } else {
      slot = this.#victim(at, nowSeconds)
    }
    Atomics.store(words, slot, tag)
    Atomics.store(words, slot + 1, lower)
    Atomics.store(words, slot + 2, peer)
    Atomics.store(words, slot + 3, nowSeconds)
    this.#unlock(at)
    return before
  }

  /** Where the address is: a peer index, MAC_LOCAL or MAC_UNKNOWN. */
  lookup(high: number, low: number, nowSeconds: number): number {
    const words = this.#words
    const at = this.#bucketOf(high, low)
    const tag = USED | high
    const lower = low | 0
    for (let spin = 0; spin < MAC_SPIN_MAX; spin++) {
      const sequence = Atomics.load(words, at)
      if ((sequence & 1) !== 0) continue
      const slot = this.#find(at, tag, lower)
      let peer = MAC_UNKNOWN
      if (slot >= 0 && nowSeconds - Atomics.load(words, slot + 3) <= MAC_AGE_SECONDS)
        peer = Atomics.load(words, slot + 2)
      if (Atomics.load(words, at) === sequence) return peer
    }
    return MAC_UNKNOWN
  }

  /**
   * Forgets every address that was last seen at `peer`; returns how many. Waits for buckets that are being written. A
   * lane that is amid a batch of the peer's may learn one of them anew after this: it has to forget in its turn.
   */
  forgetPeer(peer: number): number {
    const words = this.#words
    let forgotten = 0
    for (let at = 0; at < words.length; at += MAC_BUCKET_WORDS) {
      if (!this.#holds(at, peer) || !this.#lock(at, MAC_FORGET_SPIN_MAX)) continue
      for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
        if (words[slot] === 0 || words[slot + 2] !== peer) continue
        Atomics.store(words, slot, 0)
        forgotten++
      }
      this.#unlock(at)
    }
    return forgotten
  }

  /** What is known at `nowSeconds`, for reports; a bucket that is being written meanwhile may be missing. */
  entries(nowSeconds: number): MacEntry[] {
    const words = this.#words
    const entries: MacEntry[] = []
    const bucket = new Int32Array(MAC_BUCKET_WORDS)
    for (let at = 0; at < words.length; at += MAC_BUCKET_WORDS) {
      if (!this.#copyBucket(at, bucket)) continue
      for (let slot = 1; slot < MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
        const lastSeenSeconds = bucket[slot + 3]!
        if (bucket[slot] === 0 || nowSeconds - lastSeenSeconds > MAC_AGE_SECONDS) continue
        const mac = (bucket[slot]! & 0xffff) * 0x1_0000_0000 + (bucket[slot + 1]! >>> 0)
        entries.push({ mac, peer: bucket[slot + 2]!, lastSeenSeconds })
      }
    }
    return entries
  }

  #bucketOf(high: number, low: number): number {
    let hash = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35)
    return ((hash ^ (hash >>> 13)) & this.#bucketMask) * MAC_BUCKET_WORDS
  }

  /** The slot of the address in the bucket, or -1. */
  #find(at: number, tag: number, lower: number): number {
    const words = this.#words
    for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
      // The lower half first: the upper one is mostly the same for all of a vendor.
      if (Atomics.load(words, slot + 1) === lower && Atomics.load(words, slot) === tag) return slot
    }
    return -1
  }

  /** A free or aged slot of the bucket, else the one not seen for longest. */
  #victim(at: number, nowSeconds: number): number {
    const words = this.#words
    let oldest = at + 1
    let age = -Infinity
    for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
      if (words[slot] === 0) return slot
      const slotAge = nowSeconds - words[slot + 3]!
      if (slotAge > age) {
        oldest = slot
        age = slotAge
      }
    }
    return oldest
  }

  #holds(at: number, peer: number): boolean {
    const words = this.#words
    for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
      if (Atomics.load(words, slot) !== 0 && Atomics.load(words, slot + 2) === peer) return true
    }
    return false
  }

  #copyBucket(at: number, bucket: Int32Array): boolean {
    const words = this.#words
    for (let spin = 0; spin < MAC_SPIN_MAX; spin++) {
      const sequence = Atomics.load(words, at)
      if ((sequence & 1) !== 0) continue
      for (let word = 1; word < MAC_BUCKET_WORDS; word++) bucket[word] = Atomics.load(words, at + word)
      if (Atomics.load(words, at) === sequence) return true
    }
    return false
  }

  #lock(at: number, spinMax = MAC_SPIN_MAX): boolean {
    const words = this.#words
    for (let spin = 0; spin < spinMax; spin++) {
      const sequence = Atomics.load(words, at)
      if ((sequence & 1) === 0 && Atomics.compareExchange(words, at, sequence, (sequence + 1) | 0) === sequence)
        return true
    }
    return false
  }

  #unlock(at: number): void {
    Atomics.add(this.#words, at, 1)
  }
}
