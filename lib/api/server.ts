import { chmod, chown, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { WeaveError, errorText, type ErrorCode } from '../base/mod.ts'
import { BODIES } from './bodies.ts'
import { BUILD_HEADER, BUILD_NAME } from './build-name.ts'
import { CALLS, CALL_NAMES, deadlineOf, isChange, type Call, type CallName } from './calls.ts'
import { streamEvents, type EventSource } from './event-stream.ts'
import type { CallContext, CallHandlers } from './handlers.ts'
import { PageFiles } from './page-files.ts'

const BODY_BYTES_MAX = 64 * 1024
const SOCKET_MODE = 0o660
/** Of those who may only look, so that there is less that they can keep the daemon from. */
const READER_CONNECTIONS_MAX = 16
/** What one client can ask at once, and how many there can be: each answer takes the main thread for milliseconds. */
const REQUESTS_PER_SOCKET_MAX = 16
const CONNECTIONS_MAX = 64

/** A call's handler as the server sees it: the table has tied its request to its answer. */
type AnyHandler = (request: unknown, context: CallContext) => unknown

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
  readonly #app: FastifyInstance
  readonly #path: string

  private constructor(app: FastifyInstance, path: string) {
    this.#app = app
    this.#path = path
  }

  /** Serves the handlers, and the events if there are any, at `path`; to `readers` only what is for readers. */
  static async listen(
    path: string,
    handlers: CallHandlers,
    observers: ApiObservers,
    readers?: Readers,
  ): Promise<ApiServer> {
    // Loaded by the daemon alone: a command that only asks would wait for it at each start.
    const { default: fastify } = await import('fastify')
    const app = fastify({
      bodyLimit: BODY_BYTES_MAX,
      logger: false,
      forceCloseConnections: true,
      maxRequestsPerSocket: REQUESTS_PER_SOCKET_MAX,
    })
    app.server.maxConnections = readers === undefined ? CONNECTIONS_MAX : READER_CONNECTIONS_MAX
    app.addHook('onRequest', async (_request, reply) => void reply.header(BUILD_HEADER, BUILD_NAME))
    refuseWebPages(app)
    answerFailures(app, observers.onFault)
    const sent = new WeakMap<object, string>()
    for (const name of CALL_NAMES)
      if (readers === undefined || (CALLS[name] as Call).isForReaders === true)
        route(app, sent, name, handlers[name] as AnyHandler, observers)
      else refuse(app, name, readers)
    if (observers.events !== undefined) streamEvents(app, observers.events)
    servePage(app, observers.page ?? new PageFiles())
    // Who holds the lock of the state directory owns the socket: what is there is left over.
    await rm(path, { force: true })
    await app.listen({ path })
    // Who may connect is who may write: the group first, since until now it was another one.
    if (readers !== undefined) await chown(path, process.geteuid?.() ?? 0, readers.gid)
    await chmod(path, SOCKET_MODE)
    return new ApiServer(app, path)
  }

  async close(): Promise<void> {
    await this.#app.close()
    await rm(this.#path, { force: true })
  }
}

/** A call that is not for those who may only look. */
function refuse(app: FastifyInstance, name: CallName, { group }: Readers): void {
  const { method, path }: Call = CALLS[name]
  app.route({
    method,
    url: path,
    handler: async () => {
      throw new WeaveError(
        'NO_PERMISSION',
        `the group ${group} may look and no more, and ${name} is for root`,
        'run the command as root',
      )
    },
  })
}

/** `sent`: the text of answers that were given before, and may be given again. */
function route(
  app: FastifyInstance,
  sent: WeakMap<object, string>,
  name: CallName,
  handler: AnyHandler,
  observers: ApiObservers,
): void {
  const call: Call = CALLS[name]
  app.route({
    method: call.method,
    url: call.path,
    handler: async (request, reply) => {
      const input = parse(BODIES[name].request, call.method === 'GET' ? {} : request.body)
      const over = new AbortController()
      const deadline = setTimeout(() => over.abort(), deadlineOf(call, input))
      const after: ((isSent: boolean) => void)[] = []
      let isAnswered = false
      let isClosed = false
      const { socket } = request.raw
      reply.raw.on('close', () => {
        clearTimeout(deadline)
        isClosed = true
        // The answer counts as finished also where the socket did not take it.
        if (isAnswered) for (const run of after) run(reply.raw.writableFinished && socket.errored === null)
        else over.abort()
      })
      const tell = isChange(name) ? observers.onAsked?.(name, input, socket) : undefined
      const answer = await told(tell, () =>
        handler(input, { signal: over.signal, afterAnswer: run => after.push(run) }),
      )
      isAnswered = true
      // Whoever has hung up meanwhile is not waited for.
      if (isClosed) for (const run of after) run(false)
      if (call.textType !== undefined) return reply.type(call.textType).send(answer)
      return reply.type('application/json; charset=utf-8').send(textOf(answer as object, sent))
    },
  })
}

/** `/` and the files beside it: what is there when it is asked for. */
function servePage(app: FastifyInstance, page: Pick<PageFiles, 'answer'>): void {
  for (const url of ['/', '/:file'])
    app.get(url, async (request, reply) => {
      const { file = '' } = request.params as { readonly file?: string }
      const answer = await page.answer(`/${file}`, request.headers['if-none-match'])
      if (answer === undefined) return reply.callNotFound()
      return reply.status(answer.status).headers(answer.headers).send(answer.body)
    })
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

function refuseWebPages(app: FastifyInstance): void {
  app.addHook('onRequest', async request => {
    if (request.headers.origin !== undefined)
      throw new WeaveError('USAGE', 'requests from web pages are refused', 'use the command line or a local program')
  })
}

function answerFailures(app: FastifyInstance, onFault: (text: string) => void): void {
  app.setErrorHandler(async (error, _request, reply) => {
    const known = error instanceof WeaveError ? error : undefined
    const status = (error as { statusCode?: unknown }).statusCode
    const isClients = typeof status === 'number' && status >= 400 && status < 500
    if (known === undefined && !isClients)
      onFault(error instanceof Error ? (error.stack ?? error.message) : String(error))
    await reply.status(known?.httpStatus ?? (isClients ? status : 500)).send({
      code: known?.code ?? (isClients ? 'USAGE' : 'INTERNAL'),
      message: errorText(error),
      remedy:
        known?.remedy ??
        (isClients ? 'see docs/api.md' : 'look for the details in the log of the daemon: this is a fault of weave-ts'),
    })
  })
  app.setNotFoundHandler(async (request, reply) => {
    await reply
      .status(404)
      .send({ code: 'USAGE', message: `no such call: ${request.method} ${request.url}`, remedy: 'see docs/api.md' })
  })
}

function parse(type: z.ZodType, body: unknown): unknown {
  const result = type.safeParse(body ?? {})
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  const why = (issue?.message ?? 'it is not valid').replace(/^[A-Z]/, letter => letter.toLowerCase())
  throw new WeaveError('USAGE', `bad request: ${field === '' ? why : `${field}: ${why}`}`, 'see docs/api.md')
}
