import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { errorText } from '../base/mod.ts'
import type { DockerEndpoint } from './docker-api.ts'
import { EVENT_FILTERS, parseEvent, type DockerEvent, type EventFilters } from './docker-event.ts'
import {
  EVENT_LINE_BYTES_MAX,
  RECONNECT_FIRST_MS,
  RECONNECT_LATE_MAX_MS,
  RECONNECT_SOON_FOR_MS,
  RECONNECT_SOON_MAX_MS,
  REQUEST_TIMEOUT_MS,
} from './limits.ts'

const NEWLINE = 10

export interface EventListener {
  /** Events are told from now on; what came before was missed. */
  onUp(): void
  onEvent(event: DockerEvent): void
  /** None is told any more, until `onUp`. `isAbsent`: nobody listens there. */
  onDown(why: string, isAbsent: boolean): void
}

/**
 * The events of a Docker Engine, for as long as it takes: what hangs, ends or speaks nonsense is left, and tried again
 * after a while. Never throws, and holds at most one line.
 */
export class EventStream {
  readonly #endpoint: DockerEndpoint
  readonly #listener: EventListener
  readonly #timeoutMs: number
  readonly #filters: EventFilters
  #call: ClientRequest | undefined
  #timer: NodeJS.Timeout | undefined
  #attempts = 0
  #lostAt = performance.now()
  #isUp = false
  #isStopped = true

  constructor(
    endpoint: DockerEndpoint,
    listener: EventListener,
    options: { readonly timeoutMs?: number; readonly filters?: EventFilters } = {},
  ) {
    this.#endpoint = endpoint
    this.#listener = listener
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS
    this.#filters = options.filters ?? EVENT_FILTERS
  }

  get isUp(): boolean {
    return this.#isUp
  }

  start(): void {
    if (!this.#isStopped) return
    this.#isStopped = false
    this.#open()
  }

  stop(): void {
    this.#isStopped = true
    this.#close()
  }

  /** Somebody saw that the engine does not answer: what it told meanwhile may be lost. */
  giveUp(why: string): void {
    if (!this.#isStopped && this.#isUp) this.#fail(why, false)
  }

  #open(): void {
    const query = new URLSearchParams({ filters: JSON.stringify(this.#filters) })
    const call = request({
      ...this.#endpoint.connection,
      path: `/events?${query.toString()}`,
      method: 'GET',
      agent: false,
      headers: { host: 'docker', accept: 'application/json' },
    })
    this.#call = call
    const fail = (why: string, isAbsent = false) => {
      if (this.#call === call) this.#fail(why, isAbsent)
    }
    call.on('error', (error: NodeJS.ErrnoException) =>
      fail(errorText(error), error.code === 'ENOENT' || error.code === 'ECONNREFUSED'),
    )
    call.on('response', response => {
      if (this.#call === call) this.#read(response, fail)
    })
    this.#timer = setTimeout(() => fail(`no answer within ${this.#timeoutMs} ms`), this.#timeoutMs)
    call.end()
  }

  #read(response: IncomingMessage, fail: (why: string) => void): void {
    if (response.statusCode !== 200) return fail(`it answered ${response.statusCode ?? 0} when asked for its events`)
    clearTimeout(this.#timer)
    this.#isUp = true
    this.#listener.onUp()
    let rest: Buffer = Buffer.alloc(0)
    response.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (let end = rest.indexOf(NEWLINE); end >= 0 && this.#isUp; end = rest.indexOf(NEWLINE)) {
        const line = rest.subarray(0, end).toString('utf8').trim()
        rest = rest.subarray(end + 1)
        if (line === '') continue
        const event = parseEvent(line)
        if (event === 'nonsense') return fail('it does not tell events as a Docker Engine does')
        // An engine that speaks is a sound one: the next gap is closed quickly again.
        this.#attempts = 0
        if (event !== undefined) this.#listener.onEvent(event)
      }
      if (rest.length > EVENT_LINE_BYTES_MAX) fail(`it told an event of more than ${EVENT_LINE_BYTES_MAX} bytes`)
    })
    response.on('error', error => fail(errorText(error)))
    response.on('close', () => fail('it ended the stream of its events'))
  }

  #fail(why: string, isAbsent: boolean): void {
    if (this.#isUp) this.#lostAt = performance.now()
    this.#close()
    if (this.#isStopped) return
    const isSoon = performance.now() - this.#lostAt < RECONNECT_SOON_FOR_MS
    const max = isSoon ? RECONNECT_SOON_MAX_MS : RECONNECT_LATE_MAX_MS
    const delay = Math.min(max, RECONNECT_FIRST_MS * 2 ** Math.min(this.#attempts++, 10))
    this.#timer = setTimeout(() => this.#open(), delay)
    this.#listener.onDown(why, isAbsent)
  }

  #close(): void {
    clearTimeout(this.#timer)
    this.#isUp = false
    const call = this.#call
    this.#call = undefined
    call?.destroy()
  }
}
