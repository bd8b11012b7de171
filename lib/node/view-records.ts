import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { RecordChange } from '../ledger/mod.ts'
import { RECORD_KIND } from '../wire/mod.ts'
import type { MeshView } from './mesh-view.ts'
import type { NodePart, StoreEntry } from './part.ts'

/** Feeds the view of the mesh with the records that it is made of, this peer's own too. */
export class ViewRecords implements NodePart {
  readonly name = 'view'
  readonly recordKinds = [RECORD_KIND.peer, RECORD_KIND.links]
  readonly #view: MeshView
  readonly #onRestarted: (peer: PeerId, now: Millis) => void

  /** `onRestarted`: a peer's record tells of another incarnation than before. */
  constructor(view: MeshView, onRestarted: (peer: PeerId, now: Millis) => void) {
    this.#view = view
    this.#onRestarted = onRestarted
  }

  restore(_entries: readonly StoreEntry[], now: Millis): void {
    this.#view.reload(now)
    this.#view.publishSelf()
    this.#view.publishLinks([])
    this.#view.refresh()
  }

  handleRecord({ owner, kind, record }: RecordChange, now: Millis): void {
    const restarted = this.#view.handleRecord(owner, kind, record, now)
    if (restarted !== undefined) this.#onRestarted(restarted, now)
  }
}
