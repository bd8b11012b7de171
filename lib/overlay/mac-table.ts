import { macOfHalves, type Mac } from '../address/mod.ts'
import { assert } from '../base/mod.ts'
import {
  BUCKET_LOCAL_MAX,
  BUCKET_SLOTS,
  MAC_AGE_SECONDS,
  MAC_FORGET_SPIN_MAX,
  MAC_KEPT_SECONDS,
  MAC_MOVES_MAX,
  MAC_RETURN_SECONDS,
  MAC_SETTLED_SECONDS,
  MAC_SPIN_MAX,
  MAC_TABLE_CAPACITY,
} from './constants.ts'
import { KeyedHash } from './keyed-hash.ts'

/** The address was last seen on this host's own bridge. */
export const MAC_LOCAL = -2
/** The address is not known, or was not seen for `MAC_AGE_SECONDS`. */
export const MAC_UNKNOWN = -1
/** What `learn` says of an observation that does not count: the address is in use elsewhere. */
export const MAC_CONTESTED = -3

export interface MacEntry {
  readonly mac: Mac
  /** A peer index, or MAC_LOCAL. */
  readonly peer: number
  readonly lastSeenSeconds: number
}

// A slot: | used << 16 | upper 16 bits | lower 32 bits | peer | last seen, seconds | moves in a row | last move, seconds |
// where it was before it began to move |. A bucket: sequence, then its slots. The table: the key of the hash, then its buckets.
const MAC_KEY_WORDS = 2
const MAC_SLOT_WORDS = 7
const MAC_BUCKET_WORDS = 1 + BUCKET_SLOTS * MAC_SLOT_WORDS
const USED = 1 << 16
/** The upper 24 of the lower 32 bits of the addresses of virtual routers (RFC 9568 §7.3), for IPv4 and IPv6. */
const VIRTUAL_ROUTERS = [0x5e_0001, 0x5e_0002]

/**
 * Where each MAC address was last seen; the newest observation wins, so moves of VMs and of VRRP addresses work.
 *
 * An address that moves MAC_MOVES_MAX times in a row, each time within MAC_RETURN_SECONDS, is in use at two places at
 * once (RFC 7432 §15.1 counts so). From then on it is kept where it was first or, while that is silent, where it is:
 * what is seen of it elsewhere does not count, until it was not seen where it is for MAC_KEPT_SECONDS. Where it was
 * first has it back at once. That is over when it was seen at one place only for MAC_SETTLED_SECONDS. So long after a
 * move `former` tells where the address was, so that who still has it can be asked.
 *
 * An address that is local stays so until it is forgotten: this host knows whether it is still plugged in, and its
 * bridge must not learn otherwise. Addresses of virtual routers are not kept so: those agree among themselves which of them
 * has it, however often that changes.
 *
 * A fixed number of slots over a buffer that lanes on several threads may share (SharedArrayBuffer). An address belongs
 * to one bucket of eight slots; a full bucket evicts its oldest entry. Which bucket depends on a secret key, and what is
 * local gives way only to what is local: others must not be able to make this host forget what is plugged into it. So
 * that they can be learned all the same, no more than BUCKET_LOCAL_MAX of a bucket are local. Each bucket is a sequence lock: odd while
 * somebody writes. The lock is per bucket rather than per slot so that two lanes which learn one address at once cannot
 * make two entries of it. Who cannot get a bucket within MAC_SPIN_MAX looks gives up: learning is skipped and a lookup
 * says MAC_UNKNOWN, which costs a flood and no more. `learn` and `lookup` do not allocate.
 */
export class MacTable {
  readonly capacity: number
  readonly #words: Int32Array
  readonly #bucketMask: number
  readonly #hash: KeyedHash
  #former = MAC_UNKNOWN
  #witnessed = 0

  /** The bytes that a table of so many slots (a power of two, at least 8) needs. */
  static bytesFor(capacity = MAC_TABLE_CAPACITY): number {
    assert(capacity >= BUCKET_SLOTS && (capacity & (capacity - 1)) === 0, `MAC table of ${capacity} slots`)
    return (MAC_KEY_WORDS + (capacity / BUCKET_SLOTS) * MAC_BUCKET_WORDS) * Int32Array.BYTES_PER_ELEMENT
  }

  /**
   * A table over `buffer`, whose length is one of `bytesFor` and whose bytes are zero or another lane's table. `key`:
   * two random u32 that nobody else knows; who makes the table gives it, and the other lanes find it in the buffer.
   */
  constructor(
    buffer: ArrayBuffer | SharedArrayBuffer = new ArrayBuffer(MacTable.bytesFor()),
    key?: readonly [number, number],
  ) {
    this.#words = new Int32Array(buffer)
    this.capacity = ((this.#words.length - MAC_KEY_WORDS) / MAC_BUCKET_WORDS) * BUCKET_SLOTS
    assert(buffer.byteLength === MacTable.bytesFor(this.capacity), `MAC table over ${buffer.byteLength} bytes`)
    this.#bucketMask = this.capacity / BUCKET_SLOTS - 1
    if (key !== undefined) this.#words.set(key)
    this.#hash = new KeyedHash(this.#words[0]!, this.#words[1]!)
  }

  /** The peer at which the address of the last `lookup` was before, if it moved of late; else MAC_UNKNOWN. */
  get former(): number {
    return this.#former
  }

  /**
   * Notes that the address (upper 16, lower 32 bits) was seen at `peer` (an index or MAC_LOCAL). Returns where it was
   * known to be before: a peer index, MAC_LOCAL or MAC_UNKNOWN; or MAC_CONTESTED, then it stays there.
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
    if (slot >= 0 && nowSeconds - words[slot + 3]! <= MAC_AGE_SECONDS) {
      before = words[slot + 2]!
      if (before !== peer && !isOfVirtualRouter(high, lower) && !this.#move(slot, peer, nowSeconds)) {
        this.#unlock(at)
        return MAC_CONTESTED
      }
    } else {
      if (slot < 0) slot = this.#victim(at, nowSeconds)
      Atomics.store(words, slot + 4, 0)
    }
    if (peer === MAC_LOCAL && before !== MAC_LOCAL) this.#boundLocals(at, slot)
    Atomics.store(words, slot, tag)
    Atomics.store(words, slot + 1, lower)
    Atomics.store(words, slot + 2, peer)
    Atomics.store(words, slot + 3, nowSeconds)
    this.#unlock(at)
    return before
  }

  /** Where the address is: a peer index, MAC_LOCAL or MAC_UNKNOWN. See `former` for where it may be, too. */
  lookup(high: number, low: number, nowSeconds: number): number {
    const words = this.#words
    this.#former = MAC_UNKNOWN
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
      let former = MAC_UNKNOWN
      if (peer >= 0 && Atomics.load(words, slot + 4) !== 0) {
        if (nowSeconds - Atomics.load(words, slot + 5) <= MAC_SETTLED_SECONDS) former = Atomics.load(words, slot + 6)
      }
      if (Atomics.load(words, at) !== sequence) continue
      if (former >= 0 && former !== peer) this.#former = former
      return peer
    }
    return MAC_UNKNOWN
  }

  /**
   * Which word of the buffer stays as it is (`witnessed`) as long as nobody learns or forgets anything that may concern the
   * address; -1 when it is not at `peer`, or was not seen there since.
   */
  witness(high: number, low: number, peer: number, sinceSeconds: number): number {
    const words = this.#words
    const at = this.#bucketOf(high, low)
    const sequence = Atomics.load(words, at)
    const slot = this.#find(at, USED | high, low | 0)
    if ((sequence & 1) !== 0 || slot < 0 || Atomics.load(words, slot + 2) !== peer) return -1
    this.#witnessed = sequence
    return Atomics.load(words, slot + 3) >= sinceSeconds ? at : -1
  }

  /** What the word of the last `witness` is. */
  get witnessed(): number {
    return this.#witnessed
  }

  /** Forgets where the address is. */
  forget(mac: Mac): void {
    const words = this.#words
    const high = Math.floor(mac / 0x1_0000_0000)
    const low = mac | 0
    const at = this.#bucketOf(high, low)
    if (!this.#lock(at, MAC_FORGET_SPIN_MAX)) return
    const slot = this.#find(at, USED | high, low)
    if (slot >= 0) Atomics.store(words, slot, 0)
    this.#unlock(at)
  }

  /**
   * Forgets every address that was last seen at `peer`; returns how many. Waits for buckets that are being written. A
   * lane that is amid a batch of the peer's may learn one of them anew after this: it has to forget in its turn.
   */
  forgetPeer(peer: number): number {
    const words = this.#words
    let forgotten = 0
    for (let at = MAC_KEY_WORDS; at < words.length; at += MAC_BUCKET_WORDS) {
      if (!this.#holds(at, peer) || !this.#lock(at, MAC_FORGET_SPIN_MAX)) continue
      for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
        if (words[slot] === 0) continue
        // The index is soon another's.
        if (words[slot + 6] === peer) Atomics.store(words, slot + 4, 0)
        if (words[slot + 2] !== peer) continue
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
    for (let at = MAC_KEY_WORDS; at < words.length; at += MAC_BUCKET_WORDS) {
      if (!this.#copyBucket(at, bucket)) continue
      for (let slot = 1; slot < MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
        const lastSeenSeconds = bucket[slot + 3]!
        if (bucket[slot] === 0 || nowSeconds - lastSeenSeconds > MAC_AGE_SECONDS) continue
        const mac = macOfHalves(bucket[slot]! & 0xffff, bucket[slot + 1]!)
        entries.push({ mac, peer: bucket[slot + 2]!, lastSeenSeconds })
      }
    }
    return entries
  }

  #bucketOf(high: number, low: number): number {
    return MAC_KEY_WORDS + (this.#hash.of(high, low) & this.#bucketMask) * MAC_BUCKET_WORDS
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

  /** Counts a move to `peer` of the address in the slot of a locked bucket; false when it stays where it is. */
  #move(slot: number, peer: number, nowSeconds: number): boolean {
    const words = this.#words
    const before = words[slot + 2]!
    if (before === MAC_LOCAL) return false
    let moves = words[slot + 4]!
    const restedSeconds = nowSeconds - words[slot + 5]!
    if (moves === 0 || restedSeconds > MAC_SETTLED_SECONDS) {
      moves = 0
      Atomics.store(words, slot + 6, before)
    } else if (moves < MAC_MOVES_MAX && restedSeconds > MAC_RETURN_SECONDS) {
      moves = 0
    }
    Atomics.store(words, slot + 4, Math.min(moves + 1, MAC_MOVES_MAX))
    Atomics.store(words, slot + 5, nowSeconds)
    if (moves + 1 < MAC_MOVES_MAX) return true
    return words[slot + 6] === peer || nowSeconds - words[slot + 3]! > MAC_KEPT_SECONDS
  }

  /** A free slot of the bucket, else the one not seen for longest of those that are not local, or that aged. */
  #victim(at: number, nowSeconds: number): number {
    const words = this.#words
    let oldest = -1
    let age = -Infinity
    for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
      if (words[slot] === 0) return slot
      const slotAge = nowSeconds - words[slot + 3]!
      if (words[slot + 2] === MAC_LOCAL && slotAge <= MAC_AGE_SECONDS) continue
      if (slotAge > age) {
        oldest = slot
        age = slotAge
      }
    }
    assert(oldest >= 0, 'a bucket is full of local addresses')
    return oldest
  }

  /** The slot of the locked bucket becomes local: when there are too many then, the oldest of the others is forgotten. */
  #boundLocals(at: number, becoming: number): void {
    const words = this.#words
    let oldest = -1
    let locals = 1
    for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
      if (slot === becoming || words[slot] === 0 || words[slot + 2] !== MAC_LOCAL) continue
      locals++
      if (oldest < 0 || words[slot + 3]! < words[oldest + 3]!) oldest = slot
    }
    if (locals > BUCKET_LOCAL_MAX) Atomics.store(words, oldest, 0)
  }

  #holds(at: number, peer: number): boolean {
    const words = this.#words
    for (let slot = at + 1; slot < at + MAC_BUCKET_WORDS; slot += MAC_SLOT_WORDS) {
      if (Atomics.load(words, slot) === 0) continue
      if (Atomics.load(words, slot + 2) === peer || Atomics.load(words, slot + 6) === peer) return true
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

function isOfVirtualRouter(high: number, low: number): boolean {
  return high === 0 && VIRTUAL_ROUTERS.includes(low >>> 8)
}
