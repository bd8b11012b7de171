import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { bound, ended, hasBody } from './tcp-server.ts'

/** Of a connection that rests between requests: longer than clients that keep them are quiet. */
const IDLE_CONNECTION_MS_MAX = 72_000

export interface LocalServerOptions {
  readonly connectionsMax: number
  /** Requests of one connection; further ones are turned away. Without a limit when undefined. */
  readonly requestsMax?: number
}

/**
 * Answers requests over a Unix socket, by HTTP. `handle` answers each, its failures too: a rejection is a fault that `onFault`
 * is told of, and ends the connection.
 */
export class LocalServer {
  readonly #server: Server

  constructor(
    { connectionsMax, requestsMax = 0 }: LocalServerOptions,
    handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
    onFault: (text: string) => void,
  ) {
    this.#server = createServer({ keepAliveTimeout: IDLE_CONNECTION_MS_MAX }, (request, response) => {
      handle(request, response).catch((error: unknown) => {
        onFault(error instanceof Error ? (error.stack ?? error.message) : String(error))
        response.destroy()
      })
    })
    this.#server.maxConnections = connectionsMax
    this.#server.maxRequestsPerSocket = requestsMax
  }

  /** Rejects with what the system says. */
  listen(path: string): Promise<void> {
    return bound(this.#server, { path }, error => error)
  }

  /** Ends all connections, too. */
  close(): Promise<void> {
    return ended(this.#server)
  }
}

/** A request that is wrong whatever it asks for: `status` is that of its answer, 4xx. */
export class BadRequest extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The path of a request, without its query. */
export function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!
}

/** The body of a request as text; '' without one. Rejects with a BadRequest. */
export async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax)
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytesMax) return void chunks.push(chunk)
      chunks.length = 0
      reject(tooLarge(bytesMax))
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    request.on('error', () => reject(new BadRequest(400, 'the connection ended within the body')))
  })
}

/**
 * Sends an answer as a whole. One to a request of which not all was read ends the connection: what follows there is no
 * request.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly status: number; readonly contentType: string; readonly body: string | Buffer },
): void {
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
    ...(hasBody(request.headers) && !request.complete && { connection: 'close' }),
  })
  response.end(answer.body)
}

function tooLarge(bytesMax: number): BadRequest {
  return new BadRequest(413, `the body is larger than ${bytesMax} bytes`)
}
