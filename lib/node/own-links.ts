import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { rttClass } from '../topology/mod.ts'
import { LINKS_DELAY_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { DataPaths } from './data-paths.ts'
import type { MeshView } from './mesh-view.ts'

/** A round-trip time must leave the class it was published in by this factor before it is published anew. */
const RTT_HYSTERESIS = 1.5

/** Publishes this peer's own links, soon after they change and never more often than LINKS_DELAY_MS. */
export class OwnLinks {
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #paths: DataPaths
  #rttClasses = new Map<PeerId, number>()
  #publishAt: Millis | undefined

  constructor(context: NodeContext, view: MeshView, paths: DataPaths) {
    this.#context = context
    this.#view = view
    this.#paths = paths
  }

  changed(now: Millis): void {
    this.#publishAt ??= now + LINKS_DELAY_MS
  }

  handleTimeout(now: Millis): void {
    if (this.#publishAt === undefined || now < this.#publishAt) return
    this.#publishAt = undefined
    const { neighbours } = this.#context.neighbours
    const classes = new Map(neighbours.map(({ peerId, rttMs }) => [peerId, this.#classOf(peerId, rttMs ?? 0)]))
    this.#rttClasses = classes
    this.#view.publishLinks(
      neighbours.map(({ peerId, endpoint, isOutbound }) => ({
        neighbour: peerId,
        endpoint,
        isOutbound,
        rttClass: classes.get(peerId) ?? 0,
        isDataUp: this.#paths.isDirect(peerId),
      })),
    )
    this.#view.markDirty(now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#publishAt === undefined ? undefined : { at: this.#publishAt, reason: 'publish links' }
  }

  /** The published class stays until the time has left it clearly: else each ping would stir the whole mesh. */
  #classOf(peer: PeerId, rttMs: number): number {
    const published = this.#rttClasses.get(peer)
    const isStable =
      published !== undefined &&
      published >= rttClass(rttMs / RTT_HYSTERESIS) &&
      published <= rttClass(rttMs * RTT_HYSTERESIS)
    return isStable ? published : rttClass(rttMs)
  }
}
