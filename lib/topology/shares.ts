import type { PeerId } from '../address/mod.ts'
import { SHARED_NAMES_MAX } from './constants.ts'
import { shortIdKey, shortIdOf } from './links-record.ts'
import type { WorkMeter } from './shortest-paths.ts'
import type { Claimant, Claimants, Reach } from './survey.ts'

/**
 * How the places that one peer has for others are shared when there are too few.
 *
 * The peer at the centre has all of them. What a peer is given it divides equally: one part it keeps, one part goes to
 * each peer that is linked to it (both claim the link) and one link farther away. So all shares together are 1, and all
 * peers that a member makes up, however many, however they are linked to each other, have together no more than that
 * member was given: with every one that it makes up their shares shrink, and nobody else's. And nobody has less than
 * one that only it leads to.
 *
 * A peer that is named by one that is linked, and is not linked itself, counts behind those: a newcomer whose own
 * records are not here yet, for want of a place. It has the part that it would get if all who are named so were linked.
 */
export class Shares {
  readonly #linked: ReadonlyMap<PeerId, number>
  /** By `shortIdKey`. */
  readonly #named: ReadonlyMap<number, number>

  private constructor(linked: ReadonlyMap<PeerId, number>, named: ReadonlyMap<number, number>) {
    this.#linked = linked
    this.#named = named
  }

  /** It pauses when the meter says so. */
  static *of(claimants: Claimants, reach: Reach, meter: WorkMeter): Generator<undefined, Shares, undefined> {
    const { nearest } = reach
    const linked = new Map<PeerId, number>()
    const vouchers: Voucher[] = []
    const hopsOf = new Int32Array(claimants.size).fill(-1)
    for (const [place, { index }] of nearest.entries()) hopsOf[index] = reach.hops[place]!
    const given = new Float64Array(claimants.size)
    if (nearest[0] !== undefined) given[nearest[0].index] = 1
    for (const claimant of nearest) {
      if (meter.work >= meter.pauseAt) yield
      const { index, peer, partners } = claimant
      meter.work += 2 * partners.length
      const hops = hopsOf[index]!
      let farther = 0
      let unlinked = 0
      for (const partner of partners) {
        if (partner < 0) unlinked++
        else if (hopsOf[partner] === hops + 1) farther++
      }
      const part = given[index]! / (farther + 1)
      for (const partner of partners) if (partner >= 0 && hopsOf[partner] === hops + 1) given[partner]! += part
      linked.set(peer, part)
      if (unlinked > 0) vouchers.push({ claimant, part: given[index]! / (farther + unlinked + 1) })
    }
    return new Shares(linked, yield* namedBy(vouchers, meter))
  }

  /** 0 … 1; 0: nobody knows it. */
  of(peer: PeerId): number {
    return this.#linked.get(peer) ?? this.#named.get(shortIdKey(shortIdOf(peer))) ?? 0
  }

  /** Of a peer that is linked. */
  ofLinked(peer: PeerId): number {
    return this.#linked.get(peer) ?? 0
  }
}

/** One that names peers which are not linked to it, and what each of them has from it. */
interface Voucher {
  readonly claimant: Claimant
  readonly part: number
}

/** The largest parts first, until there are too many: what is left out has a share below 1 / SHARED_NAMES_MAX. */
function* namedBy(
  vouchers: readonly Voucher[],
  meter: WorkMeter,
): Generator<undefined, ReadonlyMap<number, number>, undefined> {
  const named = new Map<number, number>()
  for (const { claimant, part } of [...vouchers].sort((a, b) => b.part - a.part)) {
    if (meter.work >= meter.pauseAt) yield
    const { links, partners } = claimant
    meter.work += partners.length
    for (let row = 0; row < links.count && named.size < SHARED_NAMES_MAX; row++) {
      if ((partners[row] ?? -1) >= 0) continue
      const key = shortIdKey({ high: links.highs[row]!, low: links.lows[row]! })
      named.set(key, (named.get(key) ?? 0) + part)
    }
  }
  return named
}
