import { INTAKE_BYTES_MAX, PEER_INTAKE_BYTES_MAX } from '../../lib/overlay/constants.ts'
import { BUNDLE_PREFIX_BYTES, bundled } from '../../lib/wire/datagram-bundle.ts'

/** What came over links and waits for the in-memory engine's lane; each neighbour has its turn. */
export class MemoryIntake {
  readonly #waiting = new Map<number, Uint8Array[]>()

  get size(): number {
    return [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** False when there is no room. */
  add(peerIndex: number, bundle: Uint8Array): boolean {
    const all = [...this.#waiting.values()].reduce((sum, queue) => sum + bytesOf(queue), 0)
    const own = this.#waiting.get(peerIndex) ?? []
    if (all + bundle.length > INTAKE_BYTES_MAX || bytesOf(own) + bundle.length > PEER_INTAKE_BYTES_MAX) return false
    own.push(...bundled(bundle))
    this.#waiting.set(peerIndex, own)
    return true
  }

  /** The oldest datagram of whose turn it is, who is the last from then on. */
  shift(): Uint8Array | undefined {
    const [turn] = this.#waiting
    if (turn === undefined) return undefined
    const [peerIndex, queue] = turn
    const datagram = queue.shift()
    this.#waiting.delete(peerIndex)
    if (queue.length > 0) this.#waiting.set(peerIndex, queue)
    return datagram
  }
}

/** As in their bundles. */
function bytesOf(datagrams: readonly Uint8Array[]): number {
  return datagrams.reduce((sum, { length }) => sum + BUNDLE_PREFIX_BYTES + length, 0)
}
