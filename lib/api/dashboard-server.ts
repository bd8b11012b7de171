import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WeaveError } from '../base/mod.ts'
import { BUILD_HEADER } from './build-name.ts'
import { CALLS, type Call } from './calls.ts'
import type { ApiClient } from './client.ts'
import { DashboardDoor, type DoorVerdict } from './dashboard-door.ts'
import { PAGE_HEADERS, type PageFiles } from './page-files.ts'
import { bound, ended } from './tcp-server.ts'

/** Loopback only. */
const DASHBOARD_HOST = '127.0.0.1'
const DASHBOARD_CONNECTIONS_MAX = 32
const DASHBOARD_HEADER_BYTES_MAX = 16 * 1024
const DASHBOARD_HEADER_LINES_MAX = 64
/** For a whole request; for one that neither sends nor takes anything, longer than any answer takes to begin; between two. */
const DASHBOARD_REQUEST_MS_MAX = 5_000
const DASHBOARD_SILENCE_MS_MAX = 60_000
const DASHBOARD_REST_MS_MAX = 120_000
/** How often it is looked at these. */
const DASHBOARD_LOOK_MS = 1_000
/** An answer that the browser does not take is held up to this. */
const DASHBOARD_WAITING_BYTES_MAX = 64 * 1024 * 1024
/** The daemon itself said nothing: 403 would be of the door, or of the daemon. */
const STATUS_UNAVAILABLE = 503
const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
/** What of the daemon's head the browser is told. */
const PASSED_HEADERS = ['content-type', 'content-length', BUILD_HEADER]
/** A redirection would count as asked for by whatever page had the link, and would come without the cookie. */
const ENTERED =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>weave-ts</title><link rel="icon" href="data:,"><meta http-equiv="refresh" content="0; url=/"><p><a href="/">The page</a></p></html>\n'

interface Given {
  readonly client: Pick<ApiClient, 'pass'>
  readonly files: Pick<PageFiles, 'answer'>
  /** Random texts, each of its own, of letters, digits, `-` and `_`. */
  readonly token: string
  readonly badge: string
  /** Told of failures that are ours. */
  onFault(text: string): void
}

/**
 * The page over TCP, for a browser of this host: its files, and what it asks of the daemon, which is asked over its own socket.
 * It changes nothing, and goes on while there is no daemon.
 */
export class DashboardServer {
  readonly #server: Server
  readonly #token: string

  private constructor(server: Server, token: string) {
    this.#server = server
    this.#token = token
  }

  /** `port` 0: a free one. @throws WeaveError PORT_IN_USE, NOT_ROOT (a privileged port) */
  static async listen(port: number, given: Given): Promise<DashboardServer> {
    const server = createServer({
      maxHeaderSize: DASHBOARD_HEADER_BYTES_MAX,
      headersTimeout: DASHBOARD_REQUEST_MS_MAX,
      requestTimeout: DASHBOARD_REQUEST_MS_MAX,
      keepAliveTimeout: DASHBOARD_REST_MS_MAX,
      connectionsCheckingInterval: DASHBOARD_LOOK_MS,
    })
    server.maxConnections = DASHBOARD_CONNECTIONS_MAX
    server.maxHeadersCount = DASHBOARD_HEADER_LINES_MAX
    server.timeout = DASHBOARD_SILENCE_MS_MAX
    await bound(server, { host: DASHBOARD_HOST, port }, error => listenFailure(error, port))
    const door = new DashboardDoor({ port: portOf(server), token: given.token, badge: given.badge })
    server.on('request', (request, response) => {
      answer(request, response, { ...given, door }).catch((error: unknown) => {
        given.onFault(error instanceof Error ? (error.stack ?? error.message) : String(error))
        response.destroy()
      })
    })
    return new DashboardServer(server, given.token)
  }

  get port(): number {
    return portOf(this.#server)
  }

  /** Good for one browser, once. */
  get url(): string {
    return `http://${DASHBOARD_HOST}:${this.port}/enter?token=${this.#token}`
  }

  close(): Promise<void> {
    return ended(this.#server)
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { door, files, client }: Given & { readonly door: DashboardDoor },
): Promise<void> {
  const { method, url: target, headers } = request
  const verdict = door.judge({ method, target, headers, hosts: request.headersDistinct['host']?.length ?? 0 })
  switch (verdict.kind) {
    case 'refused':
      return refuse(request, response, verdict)
    case 'enter':
      return finish(
        response,
        200,
        { 'content-type': 'text/html; charset=utf-8', 'set-cookie': verdict.cookie },
        ENTERED,
      )
    case 'file':
      return answerFile(request, response, files, verdict.path)
    case 'call': {
      const { path, deadlineMs }: Call = CALLS[verdict.name]
      return passOn(response, client, path, deadlineMs)
    }
    case 'events':
      return passOn(response, client, verdict.path, undefined)
  }
}

async function answerFile(
  request: IncomingMessage,
  response: ServerResponse,
  files: Given['files'],
  path: string,
): Promise<void> {
  try {
    const made = await files.answer(path, request.headers['if-none-match'])
    if (made === undefined)
      return refuse(request, response, { status: 404, message: 'there is no such file', remedy: 'ask for /' })
    response.writeHead(made.status, { ...made.headers, 'content-length': made.body.length })
    response.end(made.body)
  } catch (error) {
    if (!(error instanceof WeaveError)) throw error
    refuse(request, response, { status: error.httpStatus, message: error.message, remedy: error.remedy })
  }
}

/** What the daemon answers, as it comes; where it does not, why, in the form of its own failures. */
async function passOn(
  response: ServerResponse,
  client: Given['client'],
  path: string,
  deadlineMs: number | undefined,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const begin = ({ status, headers }: Awaited<ReturnType<ApiClient['pass']>>) => {
    if (response.headersSent) return
    const passed = PASSED_HEADERS.flatMap(name => (headers.has(name) ? [[name, headers.get(name)!]] : []))
    response.writeHead(status, { ...PAGE_HEADERS, 'cache-control': 'no-store', ...Object.fromEntries(passed) })
  }
  try {
    const head = await client.pass(path, { signal: gone.signal, deadlineMs }, (bytes, head) => {
      begin(head)
      response.write(bytes)
      if (response.writableLength > DASHBOARD_WAITING_BYTES_MAX) response.destroy()
    })
    begin(head)
    response.end()
  } catch (error) {
    if (response.headersSent || gone.signal.aborted) return void response.destroy()
    if (!(error instanceof WeaveError)) throw error
    const { code, message, remedy } = error
    finish(response, STATUS_UNAVAILABLE, { 'content-type': JSON_TYPE }, JSON.stringify({ code, message, remedy }))
  }
}

/** As JSON where a program asks, as text where somebody looks. */
function refuse(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  { status, message, remedy }: Omit<Extract<DoorVerdict, { kind: 'refused' }>, 'kind'>,
): void {
  const isCall = url.startsWith('/v1/')
  const body = { code: status === 403 ? 'NO_PERMISSION' : 'USAGE', message, remedy }
  const headers = { 'content-type': isCall ? JSON_TYPE : TEXT, connection: 'close' }
  finish(response, status, headers, isCall ? JSON.stringify(body) : `${message}\n${remedy}\n`)
}

function finish(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.writeHead(status, {
    ...PAGE_HEADERS,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function listenFailure(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new WeaveError(
      'PORT_IN_USE',
      `--port ${port}: TCP port ${port} of ${DASHBOARD_HOST} is in use by another program`,
      'give another one, or none: then a free one is taken',
    )
  if (error.code === 'EACCES')
    return new WeaveError('NOT_ROOT', `--port ${port} needs root`, 'run as root, or name a port above 1023')
  return error
}
