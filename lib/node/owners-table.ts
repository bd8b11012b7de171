import type { PeerId } from '../address/mod.ts'
import type { Ipam } from '../ipam/mod.ts'
import type { BlockOwners } from '../overlay/mod.ts'
import type { MeshView } from './mesh-view.ts'

type Source = Pick<Ipam, 'isReady' | 'version' | 'ownership'>

/** Whose blocks and lent addresses they are, in peer indices; made anew only when something of it changed. */
export class OwnersTable {
  readonly #ipam: Source
  #made: { version: number; viewVersion: number; owners: BlockOwners } | undefined

  constructor(ipam: Source) {
    this.#ipam = ipam
  }

  /** Undefined while nobody is known to own anything. */
  of(view: Pick<MeshView, 'indexVersion' | 'indexOf'>): BlockOwners | undefined {
    if (!this.#ipam.isReady) return undefined
    const { version } = this.#ipam
    const { indexVersion: viewVersion } = view
    if (this.#made?.version === version && this.#made.viewVersion === viewVersion) return this.#made.owners
    const { first, blockSize, blockCount, ownerOf, lent } = this.#ipam.ownership()
    const indexOf = (peer: PeerId | undefined) => (peer === undefined ? -1 : (view.indexOf(peer) ?? -1))
    const byAddress = [...lent].sort((a, b) => a.address - b.address)
    const owners = {
      first,
      blockSize,
      ownerOf: filled(this.#made?.owners.ownerOf, blockCount, block => indexOf(ownerOf(block))),
      lentAddresses: Uint32Array.from(byAddress, loan => loan.address),
      lentTo: Int32Array.from(byAddress, loan => indexOf(loan.peer)),
    }
    this.#made = { version, viewVersion, owners }
    return owners
  }
}

/** The array that was before, where it is the same: it has tens of kilobytes, and most of what changes is not in it. */
function filled(before: Int32Array | undefined, length: number, valueAt: (at: number) => number): Int32Array {
  let made = before?.length === length ? undefined : new Int32Array(length)
  for (let at = 0; at < length; at++) {
    const value = valueAt(at)
    if (made === undefined && before![at] !== value) made = before!.slice()
    if (made !== undefined) made[at] = value
  }
  return made ?? before!
}
