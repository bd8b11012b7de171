import { GROUP_FRAMES_PER_SECOND, GROUP_FRAME_BYTES_MAX } from './constants.ts'
import { GROUP_MESSAGE, groupMessageAt, type GroupMessage } from './group-message.ts'
import { ROW, type EngineLane } from './packet-engine.ts'

/**
 * Hands on what containers say of groups, so much in a second; of what is more it tells once. Allocates a copy of each
 * frame that is handed on.
 */
export class GroupFrames {
  readonly #onFrame: (frame: Uint8Array | undefined) => boolean
  #second = -1
  #frames = 0
  #isMissed = false

  /** `onFrame`: see `ForwarderHooks.onGroupFrame`. */
  constructor(onFrame: (frame: Uint8Array | undefined) => boolean) {
    this.#onFrame = onFrame
  }

  /** Of the row that begins at `at`. Returns what its frame is. */
  take({ rows, slab }: Pick<EngineLane, 'rows' | 'slab'>, at: number, nowSeconds: number): GroupMessage {
    const offset = rows[at + ROW.offset]!
    const length = rows[at + ROW.length]!
    const message = groupMessageAt(slab, offset, length)
    if (message !== GROUP_MESSAGE.none) this.#handOn(slab, offset, length, nowSeconds)
    return message
  }

  #handOn(slab: Uint8Array, offset: number, length: number, nowSeconds: number): void {
    if (this.#second !== nowSeconds) {
      this.#second = nowSeconds
      this.#frames = 0
      this.#isMissed = false
    }
    const isTaken =
      ++this.#frames <= GROUP_FRAMES_PER_SECOND &&
      length <= GROUP_FRAME_BYTES_MAX &&
      this.#onFrame(slab.slice(offset, offset + length))
    if (!isTaken && !this.#isMissed) this.#isMissed = this.#onFrame(undefined)
  }
}
