import { chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BadRequest, LocalServer, bodyOf, pathOf, sendAnswer } from '../api/mod.ts'
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
  readonly #server: LocalServer
  readonly #path: string

  private constructor(server: LocalServer, path: string) {
    this.#server = server
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
    const server = new LocalServer(
      { connectionsMax: DRIVER_CONNECTIONS_MAX },
      async (request, response) => {
        const answer = await answerTo(request, response, handlers, onFault)
        sendAnswer(request, response, { ...answer, contentType: CONTENT_TYPE, body: JSON.stringify(answer.body) })
      },
      onFault,
    )
    // Nobody connects before the mode is right; and what is left over of a killed daemon is replaced in one step.
    let workplace: string | undefined
    try {
      await makeDirectory(dirname(path))
      // Mode 0700.
      workplace = await mkdtemp(join(dirname(path), `.${basename(path)}.`))
      const fresh = join(workplace, 's')
      await server.listen(fresh)
      await chmod(fresh, DRIVER_SOCKET_MODE)
      await rename(fresh, path)
    } catch (error) {
      await server.close()
      throw new WeaveError(
        'PLUGIN_SOCKET',
        `the socket for Docker at ${path} cannot be made: ${errorText(error)}`,
        'mend that directory, or name another with --docker-plugin-dir',
      )
    } finally {
      if (workplace !== undefined) await rm(workplace, { recursive: true, force: true })
    }
    return new DriverServer(server, path)
  }

  /** Removes the socket first, so that Docker finds either a daemon that answers or none. */
  async close(): Promise<void> {
    await rm(this.#path, { force: true })
    await this.#server.close()
  }
}

interface DriverAnswer {
  readonly status: number
  readonly body: object
}

/** Whatever type a body says that it has, it is JSON. */
async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: DriverHandlers,
  onFault: (text: string) => void,
): Promise<DriverAnswer> {
  const called = pathOf(request).slice(1)
  if (!Object.hasOwn(DRIVER_CALLS, called) || request.method !== 'POST')
    return { status: 404, body: failure('there is no such call') }
  const name = called as DriverCallName
  const over = new AbortController()
  let isAnswered = false
  // It closes after each answer, too: nobody listens then, and an abort costs a tenth of a request.
  response.on('close', () => {
    if (!isAnswered) over.abort()
  })
  let text: string
  try {
    text = await bodyOf(request, DRIVER_BODY_BYTES_MAX)
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    return { status: 400, body: failure(error.message) }
  }
  const input = parseDriverRequest(name, text)
  if (input instanceof Error)
    return { status: 400, body: failure(`weave-ts cannot use this ${name}: ${input.message}`) }
  const deadline = setTimeout(() => over.abort(), DRIVER_ANSWER_MS)
  try {
    return { status: 200, body: await (handlers[name] as AnyHandler)(input, over.signal) }
  } catch (error) {
    if (error instanceof WeaveError) return { status: 200, body: failure(`${error.message} (${error.remedy})`) }
    onFault(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return { status: 200, body: failure(`a fault of weave-ts: ${errorText(error)}; see the log of its daemon`) }
  } finally {
    isAnswered = true
    clearTimeout(deadline)
  }
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
