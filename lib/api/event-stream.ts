import type { FastifyInstance } from 'fastify'
import { WeaveError } from '../base/mod.ts'
import { BUILD_HEADER, BUILD_NAME } from './build-name.ts'
import { EVENT_STREAM_PATH } from './constants.ts'
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
export function streamEvents(app: FastifyInstance, source: EventSource): void {
  let streams = 0
  app.get(EVENT_STREAM_PATH, async (request, reply) => {
    const given = givenOf(request.query as Readonly<Record<string, unknown>>, request.headers['last-event-id'])
    if (streams >= STREAMS_MAX)
      throw new WeaveError(
        'DAEMON_BUSY',
        `${STREAMS_MAX} event streams are open, and no more can be`,
        'end one of them',
      )
    streams++
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      [BUILD_HEADER]: BUILD_NAME,
    })
    // What there is may be more than the socket takes at once; what comes meanwhile follows it.
    const waiting = [...source.list(given)]
    let waitingMax = waiting.length + STREAM_WAITING_MAX
    let isFull = false
    const send = () => {
      while (!isFull && waiting.length > 0) isFull = !raw.write(textOf(waiting.shift()!))
      waitingMax = Math.min(waitingMax, waiting.length + STREAM_WAITING_MAX)
    }
    const unwatch = source.watch(event => {
      waiting.push(event)
      if (waiting.length > waitingMax) return void raw.destroy()
      send()
    })
    const beat = setInterval(() => isFull || raw.write(': beat\n\n'), STREAM_BEAT_MS)
    raw.on('drain', () => {
      isFull = false
      send()
    })
    raw.on('close', () => {
      clearInterval(beat)
      unwatch()
      streams--
    })
    raw.write(': now\n\n')
    send()
  })
}

function textOf(event: EventView): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`
}

function givenOf(
  query: Readonly<Record<string, unknown>>,
  lastId: string | string[] | undefined,
): { readonly after?: number; readonly since?: string } {
  const after = query['after'] ?? lastId
  const { since } = query
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
