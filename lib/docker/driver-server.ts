import { chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { WeaveError, errorText } from '../base/mod.ts'
import { DRIVER_CALLS, parseDriverRequest, type DriverCallName, type DriverHandlers } from './driver-messages.ts'
import { DRIVER_ANSWER_MS, DRIVER_BODY_BYTES_MAX, DRIVER_CONNECTIONS_MAX, REQUEST_TIMEOUT_MS } from './limits.ts'

const CONTENT_TYPE = 'application/vnd.docker.plugins.v1.1+json'
/** Whoever may speak to it gets interfaces and addresses: root alone. */
const DRIVER_SOCKET_MODE = 0o600

type AnyHandler = (request: unknown, signal: AbortSignal) => object | Promise<object>

/**
 * Serves the calls of libnetwork's remote drivers on a Unix socket in Docker's plugin directory (mode 0600). Every
 * failure is answered in a way that Docker shows it. dockerd waits as long as it takes, with locks held: handlers are
 * told when DRIVER_ANSWER_MS are over.
 */
export class DriverServer {
  readonly #app: FastifyInstance
  readonly #path: string

  private constructor(app: FastifyInstance, path: string) {
    this.#app = app
    this.#path = path
  }

  /**
   * Serves the handlers at `path`. `onFault` is told of failures that are no WeaveErrors. Fails with PLUGIN_SOCKET when
   * somebody else answers there, or the socket cannot be made.
   */
  static async listen(path: string, handlers: DriverHandlers, onFault: (text: string) => void): Promise<DriverServer> {
    if (await isServed(path))
      throw new WeaveError(
        'PLUGIN_SOCKET',
        `another process answers at ${path}`,
        'end it, or give each daemon of this machine a directory of its own with --docker-plugin-dir',
      )
    // Loaded by the daemon alone, as the API's server does.
    const { default: fastify } = await import('fastify')
    const app = fastify({ bodyLimit: DRIVER_BODY_BYTES_MAX, logger: false, forceCloseConnections: true })
    app.server.maxConnections = DRIVER_CONNECTIONS_MAX
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    for (const name of Object.keys(DRIVER_CALLS) as DriverCallName[])
      route(app, name, handlers[name] as AnyHandler, onFault)
    app.setErrorHandler(async (error, _request, reply) => reply.status(400).send(failure(errorText(error))))
    app.setNotFoundHandler(async (_request, reply) => reply.status(404).send(failure('there is no such call')))
    // Nobody connects before the mode is right; and what is left over of a killed daemon is replaced in one step.
    let workplace: string | undefined
    try {
      await makeDirectory(dirname(path))
      // Mode 0700.
      workplace = await mkdtemp(join(dirname(path), `.${basename(path)}.`))
      const fresh = join(workplace, 's')
      await app.listen({ path: fresh })
      await chmod(fresh, DRIVER_SOCKET_MODE)
      await rename(fresh, path)
    } catch (error) {
      await app.close()
      throw new WeaveError(
        'PLUGIN_SOCKET',
        `the socket for Docker at ${path} cannot be made: ${errorText(error)}`,
        'mend that directory, or name another with --docker-plugin-dir',
      )
    } finally {
      if (workplace !== undefined) await rm(workplace, { recursive: true, force: true })
    }
    return new DriverServer(app, path)
  }

  /** Removes the socket first, so that Docker finds either a daemon that answers or none. */
  async close(): Promise<void> {
    await rm(this.#path, { force: true })
    await this.#app.close()
  }
}

function route(app: FastifyInstance, name: DriverCallName, handler: AnyHandler, onFault: (text: string) => void): void {
  app.post(`/${name}`, async (request, reply) => {
    reply.type(CONTENT_TYPE)
    const input = parseDriverRequest(name, typeof request.body === 'string' ? request.body : '')
    if (input instanceof Error) {
      reply.status(400)
      return JSON.stringify(failure(`weave-ts cannot use this ${name}: ${input.message}`))
    }
    const over = new AbortController()
    const deadline = setTimeout(() => over.abort(), DRIVER_ANSWER_MS)
    let isAnswered = false
    // It closes after each answer, too: nobody listens then, and an abort costs a tenth of a request.
    reply.raw.on('close', () => {
      if (!isAnswered) over.abort()
    })
    try {
      return JSON.stringify(await handler(input, over.signal))
    } catch (error) {
      if (error instanceof WeaveError) return JSON.stringify(failure(`${error.message} (${error.remedy})`))
      onFault(error instanceof Error ? (error.stack ?? error.message) : String(error))
      return JSON.stringify(failure(`a fault of weave-ts: ${errorText(error)}; see the log of its daemon`))
    } finally {
      isAnswered = true
      clearTimeout(deadline)
    }
  })
}

/** Docker makes it when it starts, which may be later: it and the one above it. */
async function makeDirectory(path: string): Promise<void> {
  for (const directory of [dirname(path), path])
    await mkdir(directory, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  const { uid, mode } = await stat(path)
  if (uid !== process.geteuid?.() || (mode & 0o022) !== 0)
    throw new Error(
      `others may write into ${path} (owner ${uid}, mode ${(mode & 0o777).toString(8)}), and take the socket's place`,
    )
}

/** libnetwork reads `Err` of a network driver, and `Error` of an IPAM driver. */
function failure(text: string): { readonly Err: string; readonly Error: string } {
  return { Err: text, Error: text }
}

/** Whether a process listens there; one that hangs does, too. */
function isServed(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.setTimeout(REQUEST_TIMEOUT_MS, () => end(true))
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}
