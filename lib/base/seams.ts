/** Milliseconds on a monotonic clock; an integer. */
export type Millis = number

/** Random bytes for keys and identifiers. */
export interface Entropy {
  bytes(count: number): Uint8Array
}

/** Random choice for jitter and sampling; not for keys. Returns a number in [0, 1). */
export type Chance = () => number

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** A structured line for the log. Never holds a key. */
export interface LogLine {
  readonly level: LogLevel
  readonly event: string
  readonly fields: Readonly<Record<string, string | number | boolean | undefined>>
}

/**
 * A sans-IO machine. Drive it with its own handle* methods, then drain pollOutput until undefined, and wake at
 * pollTimeout. Never re-entrant.
 */
export interface Machine<Out> {
  handleTimeout(now: Millis): void
  pollOutput(): Out | undefined
  pollTimeout(): { at: Millis; reason: string } | undefined
}
