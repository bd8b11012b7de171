import type { PeerId } from '../address/mod.ts'
import type { Ipam } from '../ipam/mod.ts'
import type { BlockOwners } from '../overlay/mod.ts'
import type { MeshView } from './mesh-view.ts'

/** Whose blocks and lent addresses they are, in peer indices; made anew only when something of it changed. */
export class OwnersTable {
  readonly #ipam: Ipam
  #made: { version: number; viewVersion: number; owners: BlockOwners } | undefined

  constructor(ipam: Ipam) {
    this.#ipam = ipam
  }

  /** Undefined while nobody is known to own anything. */
  of(view: MeshView): BlockOwners | undefined {
    if (!this.#ipam.isReady) return undefined
    const { version } = this.#ipam
    const { indexVersion: viewVersion } = view
    if (this.#made?.version === version && this.#made.viewVersion === viewVersion) return this.#made.owners
    const { first, blockSize, ownerOf, lent } = this.#ipam.ownership()
    const indexOf = (peer: PeerId | undefined) => (peer === undefined ? -1 : (view.indexOf(peer) ?? -1))
    const byAddress = [...lent].sort((a, b) => a.address - b.address)
    const owners = {
      first,
      blockSize,
      ownerOf: Int32Array.from(ownerOf, indexOf),
      lentAddresses: Uint32Array.from(byAddress, loan => loan.address),
      lentTo: Int32Array.from(byAddress, loan => indexOf(loan.peer)),
    }
    this.#made = { version, viewVersion, owners }
    return owners
  }
}
