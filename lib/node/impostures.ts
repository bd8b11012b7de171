import { formatIpv4, type Ipv4, type PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { IMPOSTURES_MAX, IMPOSTURE_SHOWN_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { namedHost, namedPeer } from './named-peer.ts'
import type { NodePart } from './part.ts'
import { Sightings, type Sighting } from './sightings.ts'

/** A peer that sends frames from an address which the ledger gives to another. */
export interface Imposture {
  readonly peer: PeerId
  readonly address: string
  /** Undefined when that changed meanwhile. */
  readonly owner: PeerId | undefined
}

/** Says whose frames are dropped because their source is another peer's: an operator would look for it in vain. */
export class Impostures implements NodePart {
  readonly name = 'impostures'
  readonly #context: NodeContext
  readonly #ownerOf: (address: Ipv4) => PeerId | undefined
  /** By peer and address. */
  readonly #seen = new Sightings<Imposture>(IMPOSTURES_MAX, IMPOSTURE_SHOWN_MS)

  /** `ownerOf`: to whom the ledger gives an address. */
  constructor(context: NodeContext, ownerOf: (address: Ipv4) => PeerId | undefined) {
    this.#context = context
    this.#ownerOf = ownerOf
  }

  handle(peer: PeerId, source: Ipv4, now: Millis): void {
    const address = formatIpv4(source)
    const owner = this.#ownerOf(source)
    if (!this.#seen.note(`${peer} ${address}`, { peer, address, owner }, now)) return
    const nickname = this.#context.view.nicknameOf(peer)
    const text =
      `frames from ${address} by ${namedPeer(this.#context, peer)} are dropped: ` +
      (owner === undefined ? 'that address is not its' : `that address is of ${namedHost(this.#context, owner)}`)
    this.#context.log('warn', 'spoofed-source', { peer, nickname, address, text }, now)
  }

  /** Those of the last minute. */
  report(now: Millis): readonly Sighting<Imposture>[] {
    return this.#seen.report(now)
  }
}
