import { assert } from '../base/mod.ts'
import { PASSES_ONLY, WAY_ENTRIES_MAX } from '../wire/mod.ts'
import { WAYS_COLUMNS } from './packet-engine.ts'

/** Part of the tree of this peer, where the engine reads it: [from, end) in `EngineLane.ways`. */
export interface FloodWay {
  readonly from: number
  readonly end: number
}

/**
 * The ways by which this peer's own frames are flooded: to everybody in its tree, or to some of them, with those who have
 * to pass on what is for others. They lie in the lane's `ways`, where each is written once.
 */
export class FloodWays {
  readonly #ways: Int32Array
  readonly #beforeReuse: () => void
  #everybody: FloodWay = { from: 0, end: 0 }
  #used = 0

  /** `ways`: of the lane. `beforeReuse` has to send what is still to go by ways that were given before. */
  constructor(ways: Int32Array, beforeReuse: () => void) {
    this.#ways = ways
    this.#beforeReuse = beforeReuse
  }

  /** The way to everybody. */
  get everybody(): FloodWay {
    return this.#everybody
  }

  /** All ways given before are void. `tree`: as in a ForwardingTable. Of a tree that is too large its end is left out. */
  setTree(tree: Int32Array): void {
    this.#beforeReuse()
    this.#used = 0
    this.#everybody = this.#write(tree, () => true)
  }

  /** The way to those of the peers that are in the tree. It is to be kept: making it costs as much as the tree is long. */
  to(isReceiver: (peer: number) => boolean): FloodWay {
    const { end } = this.#everybody
    if (this.#used + end > this.#ways.length) {
      this.#beforeReuse()
      this.#used = end
    }
    return this.#write(this.#ways.slice(0, end), isReceiver)
  }

  #write(tree: Int32Array, isReceiver: (peer: number) => boolean): FloodWay {
    const from = this.#used
    for (let at = 0; at < tree.length;) at = this.#writePart(tree, at, isReceiver)
    return { from, end: this.#used }
  }

  /** The part of the tree that begins at `at`, as much of it as one copy can name. Returns where it ends. */
  #writePart(tree: Int32Array, at: number, isReceiver: (peer: number) => boolean): number {
    const ways = this.#ways
    const end = behindPart(tree, at)
    const from = this.#used
    const room = Math.min(ways.length, from + WAYS_COLUMNS * (1 + WAY_ENTRIES_MAX))
    // Peers above the entry at hand: where they are in `ways`, and where what is below them ends in the tree.
    const above: { readonly place: number; readonly end: number }[] = []
    const close = (place: number) => {
      while (above.length > 0 && above.at(-1)!.end <= place) this.#closeEntry(above.pop()!.place)
    }
    for (let entry = at; entry < end && this.#used < room; entry += WAYS_COLUMNS) {
      close(entry)
      above.push({ place: this.#used, end: behindPart(tree, entry) })
      ways[this.#used] = tree[entry]!
      ways[this.#used + 1] = isReceiver(tree[entry]!) ? 0 : PASSES_ONLY
      this.#used += WAYS_COLUMNS
    }
    close(Infinity)
    assert(above.length === 0 && this.#used <= ways.length, 'a way ends within its room')
    return end
  }

  /** What is below the entry is written. Who neither receives nor passes on is left out. */
  #closeEntry(place: number): void {
    const below = (this.#used - place) / WAYS_COLUMNS - 1
    if (below === 0 && this.#ways[place + 1] === PASSES_ONLY) this.#used = place
    else this.#ways[place + 1]! |= below
  }
}

/** Where in `ways`, or in a tree of a ForwardingTable, what follows the entry and all below it is. */
export function behindPart(ways: Int32Array, at: number): number {
  return at + WAYS_COLUMNS * (1 + (ways[at + 1]! & ~PASSES_ONLY))
}
