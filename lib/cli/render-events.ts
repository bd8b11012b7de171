import { eventText, type EventView } from '../api/mod.ts'

/** One line: local time, what it is, who it is about, what is said of it; what is no `info` is marked. */
export function renderEvent(event: EventView): string {
  return eventText(event, { mark: event.level === 'info' ? '' : `${event.level.toUpperCase()} ` })
}
