/** What a lane may have reported that the main thread has not taken yet; beyond it the lane drops and counts. */
export const REPORT_BACKLOG_BYTES_MAX = 4 * 1024 * 1024
/** What a report without a body is taken to cost. */
export const REPORT_OVERHEAD_BYTES = 256

/**
 * Bounds the messages from one lane to the main thread: the queue between threads has no limit of its own, and a peer
 * can make a lane report faster than the main thread takes.
 */
export class ReportBacklog {
  readonly buffer: SharedArrayBuffer
  readonly #bytes: Int32Array

  /** Over memory that both threads share: 4 bytes, zero at first. */
  constructor(buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer
    this.#bytes = new Int32Array(buffer)
  }

  /** By the lane, before it posts: false when the report must be dropped. */
  admit(bodyBytes: number): boolean {
    const cost = REPORT_OVERHEAD_BYTES + bodyBytes
    // One thread adds and the other only takes away, so the sum cannot grow in between.
    if (Atomics.load(this.#bytes, 0) + cost > REPORT_BACKLOG_BYTES_MAX) return false
    Atomics.add(this.#bytes, 0, cost)
    return true
  }

  /** By the main thread, for every report it took that was admitted. */
  release(bodyBytes: number): void {
    Atomics.sub(this.#bytes, 0, REPORT_OVERHEAD_BYTES + bodyBytes)
  }
}
