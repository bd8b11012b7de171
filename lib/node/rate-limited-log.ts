import type { LogLevel, LogLine, Millis } from '../base/mod.ts'
import { LOG_INTERVAL_MS, LOG_KEYS_MAX } from './constants.ts'

/**
 * Lets one warning of an event and level through per interval, whoever caused it, and tells with the next how many were
 * held back; lines of level info and below for different peers pass separately.
 */
export class RateLimitedLog {
  readonly #write: (line: LogLine) => void
  readonly #last = new Map<string, { at: Millis; suppressed: number }>()

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
    if (last === undefined && this.#last.size >= LOG_KEYS_MAX) this.#last.delete(this.#last.keys().next().value!)
    this.#last.set(key, { at: now, suppressed: 0 })
    const suppressed = last?.suppressed ?? 0
    this.#write({ level, event, fields: suppressed === 0 ? fields : { ...fields, suppressed } })
  }
}
