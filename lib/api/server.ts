import { chmod, rm } from 'node:fs/promises'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { WeaveError, errorText } from '../base/mod.ts'
import type { ApiHandlers } from './handlers.ts'
import * as schema from './schema.ts'

const BODY_BYTES_MAX = 64 * 1024
const SOCKET_MODE = 0o660

/**
 * The local HTTP API on a Unix socket (mode 0660). Every failure is answered with `{code, message, remedy}`; a request
 * that bears an Origin comes from a web page and is refused.
 */
export class ApiServer {
  readonly #app: FastifyInstance
  readonly #path: string

  constructor(path: string, handlers: ApiHandlers, onFault: (text: string) => void) {
    this.#path = path
    this.#app = fastify({ bodyLimit: BODY_BYTES_MAX, logger: false, forceCloseConnections: true })
    this.#app.addHook('onRequest', async request => {
      if (request.headers.origin !== undefined)
        throw new WeaveError('USAGE', 'requests from web pages are refused', 'use the command line or a local program')
    })
    this.#app.setErrorHandler(async (error, _request, reply) => {
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
          (isClients ? 'see docs/api.md' : 'this is a fault of weave-ts; the daemon log has the details'),
      })
    })
    this.#app.setNotFoundHandler(async (request, reply) => {
      await reply
        .status(404)
        .send({ code: 'USAGE', message: `no such call: ${request.method} ${request.url}`, remedy: 'see docs/api.md' })
    })
    this.#routes(handlers)
  }

  async listen(): Promise<void> {
    // Who holds the lock of the state directory owns the socket: what is there is left over.
    await rm(this.#path, { force: true })
    await this.#app.listen({ path: this.#path })
    await chmod(this.#path, SOCKET_MODE)
  }

  async close(): Promise<void> {
    await this.#app.close()
    await rm(this.#path, { force: true })
  }

  #routes(handlers: ApiHandlers): void {
    const app = this.#app
    app.get('/v1/status', async () => handlers.status())
    app.get('/v1/report', async () => handlers.report())
    app.get('/v1/ps', async () => ({ attachments: await handlers.ps() }))
    app.post('/v1/connect', async request => {
      const body = parse(schema.ConnectRequest, request)
      return { targets: handlers.connect(body.targets, body.replace) }
    })
    app.post('/v1/forget', async request => ({
      targets: handlers.forget(parse(schema.ForgetRequest, request).targets),
    }))
    app.post('/v1/attach', async (request, reply) => {
      const gone = new AbortController()
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) gone.abort()
      })
      return { cidrs: await handlers.attach(parse(schema.AttachRequest, request), gone.signal) }
    })
    app.post('/v1/detach', async request => {
      const body = parse(schema.DetachRequest, request)
      return { cidrs: await handlers.detach(body.target, body.addresses) }
    })
    app.post('/v1/stop', async (_request, reply) => {
      reply.raw.once('close', () => handlers.finish())
      return { ok: true }
    })
    app.post('/v1/reset', async (_request, reply) => {
      const notes = await handlers.leave()
      reply.raw.once('close', () => handlers.finish())
      return { ok: true, notes }
    })
  }
}

function parse<T extends z.ZodType>(type: T, request: FastifyRequest): z.infer<T> {
  const result = type.safeParse(request.body ?? {})
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new WeaveError(
    'USAGE',
    `bad request: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
    'see docs/api.md',
  )
}
