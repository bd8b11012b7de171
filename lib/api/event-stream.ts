import type { IncomingMessage, ServerResponse } from 'node:http'
import { WeaveError } from '../base/mod.ts'
import type { EventView } from './schema.ts'

const STREAMS_MAX = 16
/** Who reads so slowly that so many events came meanwhile is cut off, and may come back for the rest. */
const STREAM_WAITING_MAX = 1_000
/** So often something is sent, so that a reader that is gone is noticed. */
const STREAM_BEAT_MS = 15_000

/** Where events come from. */
export interface EventSource {
  list(given: { readonly after?: number; readonly since?: string }): readonly EventView[]
  /** Told of each new one until the returned function is called. */
  watch(watcher: (event: EventView) => void): () => void
}

/**
 * Events as they come, after those that are there already: server-sent events (WHATWG HTML §9.2). `?after=SEQ` or
 * `Last-Event-ID`: only those behind; `?since=TIME`: not those before.
 */
export class EventStreams {
  readonly #source: EventSource
  #open = 0

  constructor(source: EventSource) {
    this.#source = source
  }

  /** Answers a request with a stream. @throws WeaveError USAGE, DAEMON_BUSY */
  begin(request: IncomingMessage, response: ServerResponse): void {
    const query = new URLSearchParams((request.url ?? '').split('?')[1])
    const given = givenOf(query, request.headers['last-event-id'])
    if (this.#open >= STREAMS_MAX)
      throw new WeaveError(
        'DAEMON_BUSY',
        `${STREAMS_MAX} event streams are open, and no more can be`,
        'end one of them',
      )
    this.#open++
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
    // What there is may be more than the socket takes at once; what comes meanwhile follows it.
    const waiting = [...this.#source.list(given)]
    let waitingMax = waiting.length + STREAM_WAITING_MAX
    let isFull = false
    const send = () => {
      while (!isFull && waiting.length > 0) isFull = !response.write(textOf(waiting.shift()!))
      waitingMax = Math.min(waitingMax, waiting.length + STREAM_WAITING_MAX)
    }
    const unwatch = this.#source.watch(event => {
      waiting.push(event)
      if (waiting.length > waitingMax) return void response.destroy()
      send()
    })
    const beat = setInterval(() => isFull || response.write(': beat\n\n'), STREAM_BEAT_MS)
    response.on('drain', () => {
      isFull = false
      send()
    })
    response.on('close', () => {
      clearInterval(beat)
      unwatch()
      this.#open--
    })
    response.write(': now\n\n')
    send()
  }
}

function textOf(event: EventView): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`
}

function givenOf(
  query: URLSearchParams,
  lastId: string | string[] | undefined,
): { readonly after?: number; readonly since?: string } {
  const after = query.get('after') ?? lastId
  const since = query.get('since') ?? undefined
  if (after !== undefined && !/^\d{1,15}$/.test(String(after)))
    throw new WeaveError(
      'USAGE',
      `after must be the number of an event, not ${String(after).slice(0, 40)}`,
      'see docs/api.md',
    )
  if (since !== undefined && !(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(String(since)) && Date.parse(String(since)) >= 0))
    throw new WeaveError(
      'USAGE',
      `since must be a time such as 2026-01-31T12:00:00Z, not ${String(since).slice(0, 40)}`,
      'see docs/api.md',
    )
  return {
    ...(after !== undefined && { after: Number(after) }),
    ...(since !== undefined && { since: String(since) }),
  }
}
