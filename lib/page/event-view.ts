import type { EventView } from './answers.ts'
import { element, placed } from './elements.ts'
import { withEvents, type EventRow } from './event-rows.ts'
import { PagedTable } from './paged-table.ts'
import { clockText } from './words.ts'

const LEVEL_CLASSES: Readonly<Record<EventView['level'], string>> = {
  info: '',
  warn: 'tag warning',
  error: 'tag problem',
  fatal: 'tag problem',
}

/** What happened, the newest first. */
export class EventTable {
  readonly #table = new PagedTable<EventRow>(placed('event-list', HTMLElement), {
    caption: 'Events, the newest first',
    noun: 'event',
    empty: 'Nothing has happened yet.',
    columns: [
      {
        head: 'When',
        isNarrow: true,
        cell: ({ time }) => [
          element('time', { text: clockText(time, new Date()), attributes: { datetime: time.toISOString() } }),
        ],
      },
      {
        head: 'Kind',
        isNarrow: true,
        isHead: true,
        cell: ({ kind, level }) => [element('span', { class: LEVEL_CLASSES[level], text: kind })],
      },
      { head: 'What', cell: ({ text }) => text },
    ],
  })
  #rows: readonly EventRow[] = []

  add(events: readonly EventView[]): void {
    this.#rows = withEvents(this.#rows, events)
    this.#table.show(this.#rows)
  }
}
