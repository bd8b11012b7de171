import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { endpointHost, endpointParts, isLoopbackAddress, type Endpoint } from '../address/mod.ts'
import { TokenBucket, WeaveError, errorText } from '../base/mod.ts'
import { bound, ended, hasBody } from './tcp-server.ts'

const HEADER_BYTES_MAX = 8 * 1024
const HEADER_LINES_MAX = 64
/** For a whole request; for a socket that neither sends nor takes anything; for one that rests between requests. */
const REQUEST_MS_MAX = 5_000
const SILENCE_MS_MAX = 10_000
const REST_MS_MAX = 120_000
/** How often it is looked at these. */
const TIMES_LOOK_MS = 1_000
const METRICS_CONNECTIONS_MAX = 32
const METRICS_CONNECTIONS_SOURCE_MAX = 8
const REQUESTS_PER_CONNECTION_MAX = 1_000
/** Requests of all sources together: what is above is turned away for next to nothing. */
const REQUESTS_BURST = 50
const REQUESTS_PER_SECOND = 20

const INDEX = '/metrics, /healthz, /readyz\n'
const PLAIN = 'text/plain; charset=utf-8'
/** That of Prometheus, or OpenMetrics. */
export type MetricsFormat = 'text' | 'openmetrics'

/** What is asked of whoever has a server for metrics. */
export interface MetricsAnswers {
  /** What is measured; undefined while the daemon starts. */
  metrics(format: MetricsFormat): Promise<{ readonly contentType: string; readonly body: Buffer } | undefined>
  isReady(): boolean
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string | Buffer
}

/**
 * `--metrics`: GET of /metrics, /healthz and /readyz over TCP, for anybody who reaches it. It takes nothing from a
 * request but its path and which format it accepts; connections, requests, their size and their time are bounded. Web
 * pages are refused, also those whose name was made to lead here (DNS rebinding) where only this host reaches it.
 */
export class MetricsServer {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /**
   * `onFault` is told of failures that are ours. `requests`: how many there may be of all sources together.
   * @throws WeaveError PORT_IN_USE, NOT_ROOT (a privileged port), CONFIG_INVALID (no such address here)
   */
  static async listen(
    endpoint: Endpoint,
    answers: MetricsAnswers,
    onFault: (text: string) => void,
    requests = new TokenBucket(REQUESTS_BURST, REQUESTS_PER_SECOND),
  ): Promise<MetricsServer> {
    const isLocal = isLoopbackAddress(endpointHost(endpoint))
    const server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        keepAliveTimeout: REST_MS_MAX,
        connectionsCheckingInterval: TIMES_LOOK_MS,
      },
      (request, response) => {
        const isInTime = requests.take(1, Math.floor(performance.now()))
        const refusal = isInTime ? refusalOf(request, isLocal) : refused(429, 'too many requests')
        if (refusal !== undefined) return finish(response, request, refusal, true)
        answerOf(request, answers)
          .catch((error: unknown) => {
            onFault(error instanceof Error ? (error.stack ?? error.message) : String(error))
            return refused(500, 'a fault of weave-ts, see its log')
          })
          .then(answer => finish(response, request, answer, false), onFault)
      },
    )
    server.maxConnections = METRICS_CONNECTIONS_MAX
    server.maxHeadersCount = HEADER_LINES_MAX
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
    server.timeout = SILENCE_MS_MAX
    boundSources(server)
    const at = { host: endpointHost(endpoint), port: endpointParts(endpoint).port }
    await bound(server, at, error => bindFailure(error, endpoint, at.port))
    return new MetricsServer(server)
  }

  close(): Promise<void> {
    return ended(this.#server)
  }
}

/** Why a request is not answered, if so. */
function refusalOf({ method, headers }: IncomingMessage, isLocal: boolean): Answer | undefined {
  if (method !== 'GET' && method !== 'HEAD') return refused(405, 'only GET')
  if (hasBody(headers)) return refused(413, 'no body is taken')
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
    return refused(403, 'requests from web pages are refused')
  if (isLocal && !isLocalName(headers.host)) return refused(403, 'ask by an IP address, or localhost')
  return undefined
}

async function answerOf({ url = '', headers }: IncomingMessage, answers: MetricsAnswers): Promise<Answer> {
  const [path = ''] = url.split('?', 1)
  switch (path) {
    case '/metrics': {
      const isOpen = headers.accept?.includes('application/openmetrics-text') === true
      const made = await answers.metrics(isOpen ? 'openmetrics' : 'text')
      return made === undefined ? refused(503, 'the daemon starts') : { status: 200, ...made }
    }
    // That it is answered is what it says.
    case '/healthz':
      return { status: 200, contentType: PLAIN, body: 'ok\n' }
    case '/readyz':
      return answers.isReady()
        ? { status: 200, contentType: PLAIN, body: 'ready\n' }
        : refused(503, 'not ready: see `weave-ts status`')
    case '/':
      return { status: 200, contentType: PLAIN, body: INDEX }
    default:
      return refused(404, `there are ${INDEX.trim()}`)
  }
}

function finish(response: ServerResponse, { method }: IncomingMessage, answer: Answer, isLast: boolean): void {
  const { status, contentType, body } = answer
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isLast && { connection: 'close' }),
  })
  response.end(method === 'HEAD' ? undefined : body)
}

function refused(status: number, why: string): Answer {
  return { status, contentType: PLAIN, body: `${why}\n` }
}

/** A page whose name leads here says that name. */
function isLocalName(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || isLoopbackAddress(name)
}

function boundSources(server: Server): void {
  const bySource = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const source = socket.remoteAddress ?? ''
    const count = (bySource.get(source) ?? 0) + 1
    bySource.set(source, count)
    socket.on('close', () => {
      const left = (bySource.get(source) ?? 1) - 1
      if (left > 0) bySource.set(source, left)
      else bySource.delete(source)
    })
    if (count > METRICS_CONNECTIONS_SOURCE_MAX) socket.destroy()
  })
}

function bindFailure(error: NodeJS.ErrnoException, endpoint: Endpoint, port: number): Error {
  const where = `--metrics ${endpoint}`
  if (error.code === 'EADDRINUSE')
    return new WeaveError(
      'PORT_IN_USE',
      `${where}: TCP port ${port} is in use by another program`,
      `see which: ss -ltnp 'sport = :${port}'; end it, or launch with another --metrics IP:PORT`,
    )
  if (error.code === 'EACCES')
    return new WeaveError('NOT_ROOT', `${where} needs root`, 'run as root, or name a port above 1023')
  if (['EADDRNOTAVAIL', 'EINVAL', 'EAFNOSUPPORT'].includes(error.code ?? ''))
    return new WeaveError(
      'CONFIG_INVALID',
      `${where} cannot be bound: this host has no such address (${errorText(error)})`,
      'name an address of this host (ip address show), or 0.0.0.0 for all',
    )
  return error
}
