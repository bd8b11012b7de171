import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { TCP_RTT_CLASS, rttClass } from '../topology/mod.ts'
import {
  PUBLISH_FIRST_WAIT_MS,
  PUBLISH_GAP_FIRST_MS,
  PUBLISH_GAP_LAST_MS,
  PUBLISH_GAP_PER_PEER_MS,
  PUBLISH_PATH_WAIT_MS,
  PUBLISH_QUIET_MS,
  PUBLISH_TOLD_GAP_LAST_MS,
  PUBLISH_RETIRED_WAIT_MS,
  PUBLISH_RTT_INTERVAL_MS,
} from './constants.ts'
import type { NodeContext } from './context.ts'
import type { DataPaths } from './data-paths.ts'
import { withPort, type MeshView } from './mesh-view.ts'
import type { Neighbour } from './neighbour.ts'
import type { NodePart } from './part.ts'

/**
 * A round-trip time must leave the class it was published in by this factor before it is published anew, and by more
 * than what the clock's whole milliseconds make of it.
 */
const RTT_HYSTERESIS = 2
const CLOCK_STEP_MS = 1

/** What was last told of one link. */
interface Published {
  readonly isOutbound: boolean
  readonly rttClass: number
  readonly isDataUp: boolean
}

/**
 * Publishes this peer's own links. The whole mesh hears each publication, so they are damped: the more there were of
 * late, and the more peers hear them, the longer the next one waits; a new link waits for its data path, unless one end has no other
 * link yet. What became of a link that was told of waits less long than a new one.
 */
export class OwnLinks implements NodePart {
  readonly name = 'links'
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #paths: DataPaths
  #published: ReadonlyMap<PeerId, Published> = new Map()
  #publishedAt: Millis = -Infinity
  #gapMs = PUBLISH_GAP_FIRST_MS
  #lookAt: Millis | undefined
  /** Published links that the far side gave up. */
  readonly #retired = new Set<PeerId>()

  constructor(context: NodeContext, view: MeshView, paths: DataPaths) {
    this.#context = context
    this.#view = view
    this.#paths = paths
  }

  /** A link or its data path came or went. */
  changed(now: Millis): void {
    this.#lookAt = Math.min(now, this.#lookAt ?? now)
  }

  /** The far side gave the link up, and says so: an edge needs the claims of both ends. */
  retired(peer: PeerId, now: Millis): void {
    if (this.#published.has(peer)) this.#retired.add(peer)
    this.changed(now)
  }

  handleTimeout(now: Millis): void {
    if (this.#lookAt === undefined || now < this.#lookAt) return
    const { neighbours } = this.#context.neighbours
    const waitMs = this.#waitMs(neighbours, now)
    if (waitMs > 0) this.#lookAt = waitMs === Infinity ? undefined : now + waitMs
    else this.#publish(neighbours, now)
    // Round-trip times change without a word.
    if (neighbours.length > 0) this.#lookAt = Math.min(this.#lookAt ?? Infinity, now + PUBLISH_RTT_INTERVAL_MS)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#lookAt === undefined ? undefined : { at: this.#lookAt, reason: 'publish links' }
  }

  /** How long what is to be told has to wait; Infinity when there is nothing. */
  #waitMs(neighbours: readonly Neighbour[], now: Millis): number {
    let waitMs = Infinity
    const quietMs = now - this.#publishedAt
    const gapMs = quietMs >= PUBLISH_QUIET_MS ? 0 : Math.max(0, this.#gapMs - quietMs)
    const firstGapMs = Math.max(0, Math.min(gapMs, PUBLISH_GAP_FIRST_MS - quietMs))
    const toldGapMs = Math.max(0, Math.min(gapMs, PUBLISH_TOLD_GAP_LAST_MS - quietMs))
    const hasPath = [...this.#published.values()].some(one => one.isDataUp)
    let gone = this.#published.size - this.#retired.size
    for (const neighbour of neighbours) {
      const { peerId } = neighbour
      const told = this.#published.get(peerId)
      if (this.#retired.delete(peerId)) gone++
      if (told !== undefined) gone--
      const isUp = this.#paths.isEdge(peerId)
      const wasTcp = told?.rttClass === TCP_RTT_CLASS
      if (told === undefined) {
        const isFirst = this.#isFirst(peerId)
        const ripeMs = isUp ? 0 : this.#patienceMs(peerId) - (now - neighbour.upAt)
        waitMs = Math.min(waitMs, Math.max(ripeMs, isFirst ? firstGapMs : gapMs))
      } else if (told.isDataUp !== isUp || wasTcp !== this.#paths.isTcp(peerId)) {
        // Until the first path is told of, this peer is cut off from all containers.
        waitMs = Math.min(waitMs, isUp && !hasPath ? 0 : toldGapMs)
      } else if (told.rttClass !== this.#classOf(neighbour) || told.isOutbound !== neighbour.isOutbound) {
        waitMs = Math.min(waitMs, Math.max(gapMs, PUBLISH_RTT_INTERVAL_MS - quietMs))
      }
    }
    if (gone > 0) return Math.min(waitMs, toldGapMs)
    return this.#retired.size === 0 ? waitMs : Math.min(waitMs, Math.max(gapMs, PUBLISH_RETIRED_WAIT_MS - quietMs))
  }

  #publish(neighbours: readonly Neighbour[], now: Millis): void {
    const isQuiet = now - this.#publishedAt >= PUBLISH_QUIET_MS
    const lastMs = Math.min(this.#view.reachable.size * PUBLISH_GAP_PER_PEER_MS, PUBLISH_GAP_LAST_MS)
    this.#gapMs = isQuiet ? PUBLISH_GAP_FIRST_MS : Math.max(PUBLISH_GAP_FIRST_MS, Math.min(2 * this.#gapMs, lastMs))
    this.#publishedAt = now
    this.#retired.clear()
    const ripe = neighbours.filter(neighbour => this.#isRipe(neighbour, now))
    this.#published = new Map(
      ripe.map(neighbour => {
        const { peerId, isOutbound } = neighbour
        const isDataUp = this.#paths.isEdge(peerId)
        return [peerId, { isOutbound, isDataUp, rttClass: this.#classOf(neighbour) }]
      }),
    )
    this.#view.publishLinks(
      ripe.map(({ peerId, endpoint, hello, isOutbound }) => ({
        neighbour: peerId,
        endpoint: withPort(endpoint, hello.port),
        isOutbound,
        rttClass: this.#published.get(peerId)!.rttClass,
        isDataUp: this.#published.get(peerId)!.isDataUp,
      })),
    )
    // Those that are not ripe, and what changes next.
    this.#lookAt = ripe.length < neighbours.length ? now + PUBLISH_GAP_FIRST_MS : undefined
  }

  #isRipe({ peerId, upAt }: Neighbour, now: Millis): boolean {
    return this.#published.has(peerId) || this.#paths.isEdge(peerId) || now - upAt >= this.#patienceMs(peerId)
  }

  /** One end has no other link yet. */
  #isFirst(peerId: PeerId): boolean {
    return this.#published.size === 0 || this.#view.degreeOf(peerId) === 0
  }

  /** How long a link waits for its data path before it is published without. */
  #patienceMs(peerId: PeerId): number {
    return this.#isFirst(peerId) ? PUBLISH_FIRST_WAIT_MS : PUBLISH_PATH_WAIT_MS
  }

  /** The published class stays until the time has left it clearly: else each ping would stir the whole mesh. */
  #classOf({ peerId, rttMs = 0 }: Neighbour): number {
    if (this.#paths.isTcp(peerId)) return TCP_RTT_CLASS
    const published = this.#published.get(peerId)?.rttClass
    const isStable =
      published !== undefined &&
      published !== TCP_RTT_CLASS &&
      published >= rttClass(Math.max(0, rttMs / RTT_HYSTERESIS - CLOCK_STEP_MS)) &&
      published <= rttClass(rttMs * RTT_HYSTERESIS + CLOCK_STEP_MS)
    return isStable ? published : rttClass(rttMs)
  }
}
