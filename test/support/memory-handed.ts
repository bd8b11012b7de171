import { HANDED_BYTES_MAX, PEER_HANDED_BYTES_MAX } from '../../lib/overlay/constants.ts'
import type { HandedDatagrams } from '../../lib/overlay/packet-engine.ts'

/** What the in-memory engine has sealed for links, until it is taken. */
export class MemoryHanded {
  #waiting: HandedDatagrams[] = []

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** False when it is too much. */
  add(handed: HandedDatagrams): boolean {
    const own = this.#waiting.filter(({ peerIndex }) => peerIndex === handed.peerIndex)
    if (bytesOf([...own, handed]) > PEER_HANDED_BYTES_MAX) return false
    if (bytesOf([...this.#waiting, handed]) > HANDED_BYTES_MAX) return false
    this.#waiting.push(handed)
    return true
  }

  /** The peer is gone. */
  forget(peerIndex: number): void {
    this.#waiting = this.#waiting.filter(handed => handed.peerIndex !== peerIndex)
  }

  take(): HandedDatagrams[] {
    return this.#waiting.splice(0)
  }
}

function bytesOf(handed: readonly HandedDatagrams[]): number {
  return handed.reduce((sum, { bundle }) => sum + bundle.length, 0)
}
