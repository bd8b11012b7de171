import { request } from 'node:http'
import { WeaveError, errorText, isErrorCode } from '../base/mod.ts'
import { CALLS, deadlineOf, type Call, type CallAnswer, type CallInput, type CallName } from './calls.ts'
import { EVENT_STREAM_PATH } from './event-stream.ts'
import { ErrorAnswer, EventView } from './schema.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** The request may be left out where every field of it has a default. */
type CallArguments<N extends CallName> =
  Record<never, never> extends CallInput<N> ? [input?: CallInput<N>] : [input: CallInput<N>]

/** Speaks to a daemon over its Unix socket. Failures are WeaveErrors: the daemon's own, or DAEMON_DOWN, DAEMON_BUSY, NO_PERMISSION. */
export class ApiClient {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /** Makes a call of the table, and waits for its answer for as long as the table says. */
  async call<N extends CallName>(name: N, ...[input]: CallArguments<N>): Promise<CallAnswer<N>> {
    const row: Call = CALLS[name]
    const { status, body } = await this.#exchange(
      row,
      deadlineOf(row, input),
      row.method === 'GET' ? undefined : JSON.stringify(input ?? {}),
    )
    const value = status === 200 && row.textType !== undefined ? body : parsed(body)
    if (status !== 200) throw remoteError(value)
    const answer = row.answer.safeParse(value)
    if (!answer.success) throw unreadable(answer.error.issues[0]?.message ?? 'it does not follow the schema')
    return answer.data as CallAnswer<N>
  }

  /**
   * Hands on events, those behind a number or not before a time first, until the daemon ends.
   * @throws WeaveError DAEMON_DOWN when it ends, and what a call throws
   */
  follow(
    given: { readonly after?: number; readonly since?: string },
    onEvent: (event: EventView) => void,
  ): Promise<never> {
    const query = new URLSearchParams(
      Object.entries(given).map(([key, value]): [string, string] => [key, String(value)]),
    )
    return new Promise((_resolve, reject) => {
      const outgoing = request({ socketPath: this.#socketPath, path: `${EVENT_STREAM_PATH}?${query.toString()}` })
      outgoing.on('error', error => reject(this.#unreachable(error)))
      outgoing.on('response', response => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          if (text.length > ANSWER_BYTES_MAX) outgoing.destroy(new Error('a line without an end'))
          if (response.statusCode !== 200) return
          const lines = text.split('\n')
          text = lines.pop()!
          try {
            for (const line of lines)
              if (line.startsWith('data: ')) onEvent(EventView.parse(JSON.parse(line.slice('data: '.length))))
          } catch (error) {
            outgoing.destroy(new Error(errorText(error)))
          }
        })
        response.on('error', error => reject(this.#unreachable(error)))
        response.on('end', () =>
          reject(
            response.statusCode === 200 ? this.#unreachable(new Error('it has ended')) : remoteError(parsed(text)),
          ),
        )
      })
      outgoing.end()
    })
  }

  #exchange(
    call: Call,
    deadlineMs: number,
    payload: string | undefined,
  ): Promise<{ status: number | undefined; body: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        socketPath: this.#socketPath,
        method: call.method,
        path: call.path,
        headers:
          payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
      })
      const fail = (error: NodeJS.ErrnoException) => {
        clearTimeout(deadline)
        reject(error instanceof WeaveError ? error : this.#unreachable(error))
        outgoing.destroy()
      }
      const deadline = setTimeout(() => fail(this.#silent(deadlineMs)), deadlineMs)
      outgoing.on('error', fail)
      outgoing.on('response', response => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > ANSWER_BYTES_MAX) fail(unreadable(`it has more than ${ANSWER_BYTES_MAX} bytes`))
          else chunks.push(chunk)
        })
        response.on('error', fail)
        response.on('end', () => {
          clearTimeout(deadline)
          resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString('utf8') })
        })
      })
      outgoing.end(payload)
    })
  }

  #silent(deadlineMs: number): WeaveError {
    return new WeaveError(
      'DAEMON_BUSY',
      `the daemon at ${this.#socketPath} did not answer within ${deadlineMs / 1000} s`,
      'look at its log; if it hangs, end it and launch it again: addresses and attachments are kept',
    )
  }

  #unreachable(error: NodeJS.ErrnoException): WeaveError {
    if (error.code === 'EACCES')
      return new WeaveError(
        'NO_PERMISSION',
        `this user may not use ${this.#socketPath} (${error.code}); whether a daemon runs there is not known`,
        'run the command as root',
      )
    return new WeaveError(
      'DAEMON_DOWN',
      `no daemon answers at ${this.#socketPath} (${error.code ?? error.message})`,
      'start it with `weave-ts launch`; for another instance give its --state-dir',
    )
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw unreadable(errorText(error))
  }
}

function unreadable(reason: string): WeaveError {
  return new WeaveError(
    'INTERNAL',
    `the daemon's answer cannot be read: ${reason}`,
    'stop the daemon and launch it with this version, if it is of another one',
  )
}

function remoteError(value: unknown): WeaveError {
  const told = ErrorAnswer.safeParse(value)
  if (!told.success) return new WeaveError('INTERNAL', 'the daemon gave an error without a text', 'look at its log')
  const { code, message, remedy } = told.data
  return new WeaveError(isErrorCode(code) ? code : 'INTERNAL', message, remedy)
}
