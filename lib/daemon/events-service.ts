import type { CallHandlers } from '../api/mod.ts'
import type { EventBook } from './event-book.ts'
import type { Service } from './service.ts'

/** Tells what happened. */
export class EventsService implements Service {
  readonly name = 'events'
  readonly calls: Pick<CallHandlers, 'events'>

  constructor(book: EventBook) {
    this.calls = {
      events: ({ after, since, limit }) => ({
        events: book.list({
          ...(after !== undefined && { after }),
          ...(since !== undefined && { since }),
          ...(limit !== undefined && { limit }),
        }),
      }),
    }
  }
}
