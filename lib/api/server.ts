import { chmod, chown, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { z } from 'zod'
import { WeaveError, errorText, type ErrorCode } from '../base/mod.ts'
import { BODIES } from './bodies.ts'
import { BUILD_HEADER, BUILD_NAME } from './build-name.ts'
import { CALLS, CALL_NAMES, deadlineOf, isChange, type Call, type CallName } from './calls.ts'
import { EVENT_STREAM_PATH } from './constants.ts'
import { EventStreams, type EventSource } from './event-stream.ts'
import type { CallContext, CallHandlers } from './handlers.ts'
import { BadRequest, LocalServer, bodyOf, pathOf, sendAnswer } from './local-server.ts'
import { PageFiles } from './page-files.ts'

const BODY_BYTES_MAX = 64 * 1024
const SOCKET_MODE = 0o660
/** Of those who may only look, so that there is less that they can keep the daemon from. */
const READER_CONNECTIONS_MAX = 16
/** What one client can ask at once, and how many there can be: each answer takes the main thread for milliseconds. */
const REQUESTS_PER_SOCKET_MAX = 16
const CONNECTIONS_MAX = 64
const JSON_TYPE = 'application/json; charset=utf-8'

/** A call's handler as the server sees it: the table has tied its request to its answer. */
type AnyHandler = (request: unknown, context: CallContext) => unknown

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Who is told of what the server is asked. */
export interface ApiObservers {
  /** A failure that is no WeaveError: a fault of ours. */
  onFault(text: string): void
  /**
   * Somebody asks for a change. What is returned is called with the outcome: the code of the error, or undefined where
   * it was done.
   */
  onAsked?(call: CallName, request: unknown, socket: Socket): (code: ErrorCode | undefined) => void
  readonly events?: EventSource
  /** Of the operator's page; where the build leaves them when undefined. */
  readonly page?: Pick<PageFiles, 'answer'>
}

/** Of a socket for those who may only look: their group, by number and as the operator named it. */
export interface Readers {
  readonly gid: number
  readonly group: string
}

/**
 * The local HTTP API on a Unix socket (mode 0660). Every failure is answered with `{code, message, remedy}`; a request
 * that bears an Origin comes from a web page and is refused.
 */
export class ApiServer {
  readonly #server: LocalServer
  readonly #path: string

  private constructor(server: LocalServer, path: string) {
    this.#server = server
    this.#path = path
  }

  /** Serves the handlers, and the events if there are any, at `path`; to `readers` only what is for readers. */
  static async listen(
    path: string,
    handlers: CallHandlers,
    observers: ApiObservers,
    readers?: Readers,
  ): Promise<ApiServer> {
    const routes = routesOf(handlers, observers, readers)
    const page = observers.page ?? new PageFiles()
    const server = new LocalServer(
      {
        connectionsMax: readers === undefined ? CONNECTIONS_MAX : READER_CONNECTIONS_MAX,
        requestsMax: REQUESTS_PER_SOCKET_MAX,
      },
      async (request, response) => {
        response.setHeader(BUILD_HEADER, BUILD_NAME)
        try {
          refuseWebPages(request)
          const route = routes.get(`${methodOf(request)} ${pathOf(request)}`)
          if (route !== undefined) await route(request, response)
          else if (!(await servePage(page, request, response))) throw notFound(request)
        } catch (thrown) {
          answerFailure(thrown, request, response, observers.onFault)
        }
      },
      observers.onFault,
    )
    // Who holds the lock of the state directory owns the socket: what is there is left over.
    await rm(path, { force: true })
    await server.listen(path)
    // Who may connect is who may write: the group first, since until now it was another one.
    if (readers !== undefined) await chown(path, process.geteuid?.() ?? 0, readers.gid)
    await chmod(path, SOCKET_MODE)
    return new ApiServer(server, path)
  }

  async close(): Promise<void> {
    await this.#server.close()
    await rm(this.#path, { force: true })
  }
}

/** By method and path. */
function routesOf(
  handlers: CallHandlers,
  observers: ApiObservers,
  readers: Readers | undefined,
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>()
  const sent = new WeakMap<object, string>()
  for (const name of CALL_NAMES) {
    const { method, path, isForReaders }: Call = CALLS[name]
    const isServed = readers === undefined || isForReaders === true
    routes.set(
      `${method} ${path}`,
      isServed ? callRoute(sent, name, handlers[name] as AnyHandler, observers) : refusal(name, readers.group),
    )
  }
  if (observers.events !== undefined) {
    const streams = new EventStreams(observers.events)
    routes.set(`GET ${EVENT_STREAM_PATH}`, async (request, response) => streams.begin(request, response))
  }
  return routes
}

/** HEAD is GET of which the body is left out, which the runtime does. */
function methodOf({ method = '' }: IncomingMessage): string {
  return method === 'HEAD' ? 'GET' : method
}

/** A call that is not for those who may only look. */
function refusal(name: CallName, group: string): Route {
  return async () => {
    throw new WeaveError(
      'NO_PERMISSION',
      `the group ${group} may look and no more, and ${name} is for root`,
      'run the command as root',
    )
  }
}

/** `sent`: the text of answers that were given before, and may be given again. */
function callRoute(sent: WeakMap<object, string>, name: CallName, handler: AnyHandler, observers: ApiObservers): Route {
  const call: Call = CALLS[name]
  return async (request, response) => {
    const over = new AbortController()
    const after: ((isSent: boolean) => void)[] = []
    let deadline: NodeJS.Timeout | undefined
    let isAnswered = false
    let isClosed = false
    const { socket } = request
    response.on('close', () => {
      clearTimeout(deadline)
      isClosed = true
      // The answer counts as finished also where the socket did not take it.
      if (isAnswered) for (const run of after) run(response.writableFinished && socket.errored === null)
      else over.abort()
    })
    const input = parse(BODIES[name].request, call.method === 'GET' ? {} : await jsonOf(request))
    if (!isClosed) deadline = setTimeout(() => over.abort(), deadlineOf(call, input))
    const tell = isChange(name) ? observers.onAsked?.(name, input, socket) : undefined
    const answer = await told(tell, () => handler(input, { signal: over.signal, afterAnswer: run => after.push(run) }))
    isAnswered = true
    // Whoever has hung up meanwhile is not waited for.
    if (isClosed) for (const run of after) run(false)
    const body = call.textType === undefined ? textOf(answer as object, sent) : (answer as string | Buffer)
    sendAnswer(request, response, { status: 200, contentType: call.textType ?? JSON_TYPE, body })
  }
}

/** What a request brings as JSON; undefined when it brings nothing. */
async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const text = await bodyOf(request, BODY_BYTES_MAX)
  if (text === '') return undefined
  const [type = ''] = (request.headers['content-type'] ?? '').split(';', 1)
  if (type.trim().toLowerCase() !== 'application/json')
    throw new BadRequest(415, `the body is ${type === '' ? 'of no type' : JSON.stringify(type)}, not application/json`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new BadRequest(400, `the body is not JSON: ${errorText(error)}`)
  }
}

/** `/` and the files beside it: what is there when it is asked for. False: there is no such file. */
async function servePage(
  page: Pick<PageFiles, 'answer'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (methodOf(request) !== 'GET') return false
  const answer = await page.answer(pathOf(request), request.headers['if-none-match'])
  if (answer === undefined) return false
  response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length }).end(answer.body)
  return true
}

async function told(
  tell: ((code: ErrorCode | undefined) => void) | undefined,
  handle: () => unknown,
): Promise<unknown> {
  try {
    const answer = await handle()
    tell?.(undefined)
    return answer
  } catch (thrown) {
    tell?.(thrown instanceof WeaveError ? thrown.code : 'INTERNAL')
    throw thrown
  }
}

function textOf(answer: object, sent: WeakMap<object, string>): string {
  const text = sent.get(answer) ?? JSON.stringify(answer)
  sent.set(answer, text)
  return text
}

function refuseWebPages({ headers }: IncomingMessage): void {
  if (headers.origin !== undefined)
    throw new WeaveError('USAGE', 'requests from web pages are refused', 'use the command line or a local program')
}

function notFound({ method, url }: IncomingMessage): BadRequest {
  return new BadRequest(404, `no such call: ${method} ${url}`)
}

function answerFailure(
  thrown: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  onFault: (text: string) => void,
): void {
  const known = thrown instanceof WeaveError ? thrown : undefined
  const mistake = thrown instanceof BadRequest ? thrown : undefined
  if (known === undefined && mistake === undefined)
    onFault(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
  const body = JSON.stringify({
    code: known?.code ?? (mistake === undefined ? 'INTERNAL' : 'USAGE'),
    message: errorText(thrown),
    remedy:
      known?.remedy ??
      (mistake === undefined
        ? 'look for the details in the log of the daemon: this is a fault of weave-ts'
        : 'see docs/api.md'),
  })
  const status = known?.httpStatus ?? mistake?.status ?? 500
  sendAnswer(request, response, { status, contentType: JSON_TYPE, body })
}

function parse(type: z.ZodType, body: unknown): unknown {
  const result = type.safeParse(body ?? {})
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  const why = (issue?.message ?? 'it is not valid').replace(/^[A-Z]/, letter => letter.toLowerCase())
  throw new WeaveError('USAGE', `bad request: ${field === '' ? why : `${field}: ${why}`}`, 'see docs/api.md')
}
