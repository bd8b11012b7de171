import { EventView } from '../api/mod.ts'
import { logEntry } from './log-entry.ts'
import { INFO, levelOf } from './log-level.ts'

/** So many events are kept; the oldest goes first. */
export const EVENTS_KEPT = 4_096
/** What an event says beside its text: of more bytes nothing is kept. */
export const EVENT_DETAILS_BYTES_MAX = 4_096
/** No number of ours: a clock says so in the year 5138, and a damaged file may. From there they would soon stop to ascend. */
const EVENT_SEQ_END = 1e14
const LEVELS: Readonly<Record<number, EventView['level']>> = { 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

/**
 * What happened, in the order in which it did: every line of the log from `info` on, whatever the log itself leaves out.
 * Numbers ascend, over restarts too: milliseconds since 1970 where the clock is not behind them.
 */
export class EventBook {
  readonly #keep: (event: EventView) => void
  readonly #events: EventView[] = []
  readonly #watchers = new Set<(event: EventView) => void>()
  #next = 1

  /** `past`: what was kept before, as it was read. `keep`: keeps what is new. */
  constructor(past: readonly unknown[] = [], keep: (event: EventView) => void = () => undefined) {
    this.#keep = keep
    for (const one of past) {
      const event = EventView.safeParse(one)
      // What was damaged or put there by somebody must not turn time back.
      if (event.success && event.data.seq >= this.#next && event.data.seq < EVENT_SEQ_END) this.#add(event.data)
    }
  }

  /** A line of the log, as pino writes it. */
  takeLine(line: string): void {
    const level = levelOf(line)
    // Most lines of a talkative log are below, and need not be read.
    if (!(level >= INFO)) return
    const entry = logEntry(line)
    if (entry === undefined) return
    const { time, event, text, details } = entry
    const view: EventView = {
      // By the clock: a daemon that is replaced and the one that replaces it do not know each other's numbers.
      seq: Math.max(this.#next, Date.parse(time) || 0),
      time,
      level: LEVELS[level] ?? 'info',
      event,
      text: text.slice(0, EVENT_DETAILS_BYTES_MAX),
      details: JSON.stringify(details).length > EVENT_DETAILS_BYTES_MAX ? {} : details,
    }
    this.#add(view)
    this.#keep(view)
    for (const watcher of this.#watchers) watcher(view)
  }

  /** Those behind a number, the oldest first, and of those not before a time (ISO 8601); of many the newest. */
  list(given: { readonly after?: number; readonly since?: string; readonly limit?: number } = {}): EventView[] {
    const { after = 0, since, limit = EVENTS_KEPT } = given
    const from = since === undefined ? -Infinity : Date.parse(since)
    const found = this.#events.filter(({ seq, time }) => seq > after && Date.parse(time) >= from)
    return found.slice(-limit)
  }

  /** Told of each new event until the returned function is called. */
  watch(watcher: (event: EventView) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #add(event: EventView): void {
    this.#events.push(event)
    this.#next = event.seq + 1
    // Half of it at once: to shift the rest for each event would cost more than the event.
    if (this.#events.length >= 2 * EVENTS_KEPT) this.#events.splice(0, EVENTS_KEPT)
  }
}
