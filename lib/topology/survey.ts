import type { PeerId } from '../address/mod.ts'
import type { LinksRecord } from './links-record.ts'
import { Shares } from './shares.ts'
import type { WorkMeter } from './shortest-paths.ts'

/** A peer, and what it claims. */
export interface Claimant {
  /** A small number, its own. */
  readonly index: number
  readonly peer: PeerId
  readonly links: LinksRecord
  /** Per row of `links` the index of the neighbour, when it claims the link too; else negative. */
  readonly partners: Int32Array
}

/** Where claimants are found. */
export interface Claimants {
  /** Above all indices. */
  readonly size: number
  at(index: number): Claimant | undefined
}

/** Whom a peer reaches over links that both ends claim. */
export interface Reach {
  /** The nearest first, itself included. */
  readonly nearest: readonly Claimant[]
  /** How many links away each of them is. */
  readonly hops: Int32Array
  /** What all of them claim together. */
  readonly claims: number
}

export interface Survey extends Reach {
  readonly shares: Shares | undefined
}

/** What there is room for. */
interface Limits {
  readonly peersMax: number
  readonly claimsMax: number
}

/**
 * Who is how far from a peer and, where not all of them find room or `isShared`, which share of the places each has. It
 * pauses when the meter says so; what changes meanwhile may be in it or not.
 */
export function* survey(
  claimants: Claimants,
  from: number,
  { peersMax, claimsMax, isShared }: Limits & { readonly isShared: boolean },
  meter: WorkMeter,
): Generator<undefined, Survey, undefined> {
  const reach = yield* reachOf(claimants, from, meter)
  const isNeeded = isShared || reach.nearest.length > peersMax || reach.claims > claimsMax
  return { ...reach, shares: isNeeded ? yield* Shares.of(claimants, reach, meter) : undefined }
}

function* reachOf(claimants: Claimants, from: number, meter: WorkMeter): Generator<undefined, Reach, undefined> {
  const start = claimants.at(from)
  const nearest = start === undefined ? [] : [start]
  const hops = [0]
  const isSeen = new Uint8Array(claimants.size)
  isSeen[from] = 1
  let claims = 0
  for (let place = 0; place < nearest.length; place++) {
    if (meter.work >= meter.pauseAt) yield
    const { links, partners } = nearest[place]!
    meter.work += partners.length
    claims += links.count
    for (const partner of partners) {
      // One that came while this paused is for the next survey.
      if (partner < 0 || partner >= isSeen.length || isSeen[partner] === 1) continue
      isSeen[partner] = 1
      nearest.push(claimants.at(partner)!)
      hops.push(hops[place]! + 1)
    }
  }
  return { nearest, hops: Int32Array.from(hops.slice(0, nearest.length)), claims }
}
