import { TokenBucket, type LogLevel, type LogLine, type Millis } from '../base/mod.ts'
import { LOG_BURST, LOG_ERRORS_BURST, LOG_INTERVAL_MS, LOG_KEYS_MAX, LOG_LINES_PER_SECOND } from './constants.ts'

/**
 * Bounds what the log is told, whoever causes it. Of warnings one of an event passes per interval; of lines of level
 * info one of an event and peer; and all together are bounded by a bucket, in which errors have their own so that
 * nothing keeps them out. What was held back is counted and told with the next line that passes: `suppressed` of its
 * own kind, `heldBack` of all kinds. Debug and trace are for whoever asked for them, and pass the bucket.
 */
export class RateLimitedLog {
  readonly #write: (line: LogLine) => void
  readonly #last = new Map<string, { at: Millis; suppressed: number }>()
  readonly #lines = new TokenBucket(LOG_BURST, LOG_LINES_PER_SECOND)
  readonly #errors = new TokenBucket(LOG_ERRORS_BURST, LOG_LINES_PER_SECOND)
  #heldBack = 0

  constructor(write: (line: LogLine) => void) {
    this.#write = write
  }

  write(level: LogLevel, event: string, fields: LogLine['fields'], now: Millis): void {
    const key =
      level === 'warn' || level === 'error' ? event : `${event} ${String(fields['peer'] ?? fields['endpoint'] ?? '')}`
    const last = this.#last.get(key)
    if (last !== undefined && now - last.at < LOG_INTERVAL_MS && level !== 'error') {
      last.suppressed++
      return
    }
    if (!this.#hasRoom(level, now)) {
      this.#heldBack++
      return
    }
    if (last === undefined && this.#last.size >= LOG_KEYS_MAX) this.#last.delete(this.#last.keys().next().value!)
    this.#last.set(key, { at: now, suppressed: 0 })
    const counts = { ...(last && last.suppressed > 0 && { suppressed: last.suppressed }), ...this.#takeHeldBack() }
    this.#write({ level, event, fields: { ...fields, ...counts } })
  }

  #hasRoom(level: LogLevel, now: Millis): boolean {
    if (level === 'debug' || level === 'trace') return true
    return (level === 'error' ? this.#errors : this.#lines).take(1, now)
  }

  #takeHeldBack(): { heldBack?: number } {
    if (this.#heldBack === 0) return {}
    const heldBack = this.#heldBack
    this.#heldBack = 0
    return { heldBack }
  }
}
