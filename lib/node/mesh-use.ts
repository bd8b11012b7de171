import { RECORD_KIND } from '../wire/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import type { NodeContext } from './context.ts'
import type { Membership } from './membership.ts'
import type { NodePart } from './part.ts'

const KEY = new Uint8Array(0)

/**
 * Whether an address was ever given in the mesh: whoever gives its first one says so by a record, and from then on no
 * member gives the mesh up for another one.
 */
export class MeshUse implements NodePart {
  readonly name = 'use'
  readonly recordKinds = [RECORD_KIND.used]
  readonly #context: NodeContext
  readonly #mesh: Membership
  readonly #hasLeases: () => boolean
  #hasSaid = false

  constructor(context: NodeContext, mesh: Membership, hasLeases: () => boolean) {
    this.#context = context
    this.#mesh = mesh
    this.#hasLeases = hasLeases
  }

  restore(): void {
    const self = this.#context.config.identity.peerId
    for (const { owner } of this.#context.ledger.records(RECORD_KIND.used)) {
      this.#mesh.markUsed()
      this.#hasSaid ||= owner === self
    }
  }

  /** To be called when an address may have been given here. */
  look(): void {
    if (this.#hasSaid || !this.#mesh.isMember || !this.#hasLeases()) return
    this.#hasSaid = true
    this.#mesh.markUsed()
    this.#context.ledger.put(RECORD_KIND.used, KEY, KEY)
  }

  handleRecord({ record }: RecordChange): void {
    if (record !== undefined && !record.isTombstone) this.#mesh.markUsed()
  }

  meshChanged(): void {
    if (this.#hasSaid) this.#context.ledger.remove(RECORD_KIND.used, KEY)
    this.#hasSaid = false
  }
}
