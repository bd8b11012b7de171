import { connect, type Socket } from 'node:net'
import { AnswerReader, type AnswerHead } from './answer-reader.ts'

/** `payload`: JSON. */
export interface ExchangeRequest {
  readonly method: string
  readonly path: string
  readonly payload?: string
}

/** One request over a Unix socket, and its answer as it comes. */
export class Exchange {
  /** The head, once the body has been handed on to its end; rejected when the answer breaks off, or with what `destroy` was given. */
  readonly done: Promise<AnswerHead>
  readonly #socket: Socket

  constructor(socketPath: string, asked: ExchangeRequest, onBody: (bytes: Buffer, head: AnswerHead) => void) {
    const reader = new AnswerReader()
    const socket = connect(socketPath)
    this.#socket = socket
    this.done = new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('data', bytes => {
        try {
          const body = reader.push(bytes)
          if (reader.head !== undefined && body.length > 0) onBody(body, reader.head)
        } catch (error) {
          socket.destroy(error as Error)
        }
      })
      socket.on('end', () => {
        if (reader.head !== undefined && reader.isComplete) resolve(reader.head)
        else reject(new Error(reader.head === undefined ? 'it hung up' : 'it broke off'))
      })
    })
    socket.write(requestText(asked))
  }

  /** Hangs up. */
  destroy(error: Error): void {
    this.#socket.destroy(error)
  }
}

/** HTTP/1.0: the connection ends with the answer, which comes in one piece. */
function requestText({ method, path, payload }: ExchangeRequest): string {
  const lines = [`${method} ${path} HTTP/1.0`, 'connection: close']
  if (payload !== undefined)
    lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(payload)}`)
  return `${lines.join('\r\n')}\r\n\r\n${payload ?? ''}`
}
