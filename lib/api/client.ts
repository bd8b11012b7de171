import { StringDecoder } from 'node:string_decoder'
import { WeaveError, errorText, isErrorCode } from '../base/mod.ts'
import type { AnswerHead } from './answer-reader.ts'
import { BUILD_HEADER, BUILD_NAME, isSameBuild } from './build-name.ts'
import { CALLS, deadlineOf, type Call, type CallAnswer, type CallInput, type CallName } from './calls.ts'
import { EVENT_STREAM_PATH } from './constants.ts'
import { Exchange, type ExchangeRequest } from './exchange.ts'
import type { EventView } from './schema.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** The request may be left out where every field of it has a default. */
type CallArguments<N extends CallName> =
  Record<never, never> extends CallInput<N> ? [input?: CallInput<N>] : [input: CallInput<N>]

/**
 * Speaks to a daemon over its Unix socket. Failures are WeaveErrors: the daemon's own, or DAEMON_DOWN, DAEMON_BUSY,
 * NO_PERMISSION. An answer is checked unless the daemon is of the same build.
 */
export class ApiClient {
  readonly #socketPath: string
  readonly #ownBuild: string
  readonly #readSocketPath: (() => string) | undefined

  /**
   * `readSocketPath`: of a socket for those who may only look, asked where the other one is not for this user.
   * `ownBuild`: as daemons name theirs; for tests.
   */
  constructor(
    socketPath: string,
    {
      readSocketPath,
      ownBuild = BUILD_NAME,
    }: { readonly readSocketPath?: () => string; readonly ownBuild?: string } = {},
  ) {
    this.#socketPath = socketPath
    this.#readSocketPath = readSocketPath
    this.#ownBuild = ownBuild
  }

  /** Makes a call of the table, and waits for its answer for as long as the table says. */
  async call<N extends CallName>(name: N, ...[input]: CallArguments<N>): Promise<CallAnswer<N>> {
    const row: Call = CALLS[name]
    const { method, path } = row
    const asked = method === 'GET' ? { method, path } : { method, path, payload: JSON.stringify(input ?? {}) }
    const { status, build, body } = await this.#reached(socketPath =>
      this.#exchange(socketPath, asked, deadlineOf(row, input)),
    )
    const value = status === 200 && row.textType !== undefined ? body : parsed(body)
    if (status !== 200) throw remoteError(value)
    if (isSameBuild(build, this.#ownBuild)) return value as CallAnswer<N>
    const { checkedAnswer } = await import('./answer-check.ts')
    try {
      return checkedAnswer(name, value)
    } catch (error) {
      throw unreadable(errorText(error), build, this.#ownBuild)
    }
  }

  /**
   * Hands on events, those behind a number or not before a time first, until the daemon ends.
   * @throws WeaveError DAEMON_DOWN when it ends, and what a call throws
   */
  async follow(
    given: { readonly after?: number; readonly since?: string },
    onEvent: (event: EventView) => void,
  ): Promise<never> {
    const query = new URLSearchParams(
      Object.entries(given).map(([key, value]): [string, string] => [key, String(value)]),
    )
    const path = `${EVENT_STREAM_PATH}?${query.toString()}`
    return this.#reached(socketPath => this.#follow(socketPath, { method: 'GET', path }, onEvent))
  }

  /**
   * Hands on the body of the answer to a GET as it comes, unread, and then its head; until the signal says that nobody waits.
   * Without a deadline it may take for ever.
   * @throws WeaveError where no daemon answers, and when it breaks off
   */
  async pass(
    path: string,
    { signal, deadlineMs }: { readonly signal: AbortSignal; readonly deadlineMs?: number | undefined },
    onBody: (bytes: Buffer, head: AnswerHead) => void,
  ): Promise<AnswerHead> {
    return this.#reached(async socketPath => {
      const exchange = new Exchange(socketPath, { method: 'GET', path }, onBody)
      const hangUp = () => exchange.destroy(new Error('nobody waits for it'))
      signal.addEventListener('abort', hangUp)
      const deadline = deadlineMs && setTimeout(() => exchange.destroy(silent(socketPath, deadlineMs)), deadlineMs)
      try {
        return await exchange.done
      } finally {
        clearTimeout(deadline)
        signal.removeEventListener('abort', hangUp)
      }
    })
  }

  async #follow(socketPath: string, asked: ExchangeRequest, onEvent: (event: EventView) => void): Promise<never> {
    const decoder = new StringDecoder()
    let text = ''
    let read = Promise.resolve()
    const readLines = async ({ status, headers }: AnswerHead, more: string) => {
      const eventOf = await eventReader(headers.get(BUILD_HEADER), this.#ownBuild)
      text += more
      if (text.length > ANSWER_BYTES_MAX) throw new Error('a line without an end')
      if (status !== 200) return
      const lines = text.split('\n')
      text = lines.pop()!
      for (const line of lines) if (line.startsWith('data: ')) onEvent(eventOf(JSON.parse(line.slice('data: '.length))))
    }
    const exchange = new Exchange(socketPath, asked, (bytes, head) => {
      const more = decoder.write(bytes)
      read = read.then(() => readLines(head, more))
      read.catch((error: unknown) => exchange.destroy(error as Error))
    })
    const { status } = await exchange.done
    await read
    if (status !== 200) throw remoteError(parsed(text))
    throw new Error('it has ended')
  }

  async #exchange(
    socketPath: string,
    asked: ExchangeRequest,
    deadlineMs: number,
  ): Promise<{ readonly status: number; readonly build: string | undefined; readonly body: string }> {
    const chunks: Buffer[] = []
    let bytes = 0
    const exchange = new Exchange(socketPath, asked, chunk => {
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX) exchange.destroy(unreadable(`it has more than ${ANSWER_BYTES_MAX} bytes`))
      else chunks.push(chunk)
    })
    const deadline = setTimeout(() => exchange.destroy(silent(socketPath, deadlineMs)), deadlineMs)
    try {
      const { status, headers } = await exchange.done
      return { status, build: headers.get(BUILD_HEADER), body: Buffer.concat(chunks).toString('utf8') }
    } finally {
      clearTimeout(deadline)
    }
  }

  /** Where the socket is not for this user, that for readers is asked, if it is there. */
  async #reached<T>(ask: (socketPath: string) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#socketPath)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES' || this.#readSocketPath === undefined)
        throw unreachable(this.#socketPath, error)
      const path = this.#readSocketPath()
      return ask(path).catch((second: unknown) => {
        const isThere = !['EACCES', 'ENOENT', 'ECONNREFUSED'].includes((second as NodeJS.ErrnoException).code ?? '')
        throw isThere ? unreachable(path, second) : unreachable(this.#socketPath, error)
      })
    }
  }
}

function silent(socketPath: string, deadlineMs: number): WeaveError {
  return new WeaveError(
    'DAEMON_BUSY',
    `the daemon at ${socketPath} did not answer within ${deadlineMs / 1000} s`,
    'look at its log; if it hangs, end it and launch it again: addresses and attachments are kept',
  )
}

/** What it is to the operator that a socket does not answer; an error of the daemon stays what it is. */
function unreachable(socketPath: string, error: unknown): WeaveError {
  if (error instanceof WeaveError) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EACCES')
    return new WeaveError(
      'NO_PERMISSION',
      `this user may not use ${socketPath} (${code}); whether a daemon runs there is not known`,
      'run the command as root; `weave-ts launch --group` lets a group look',
    )
  return new WeaveError(
    'DAEMON_DOWN',
    `no daemon answers at ${socketPath} (${code ?? errorText(error)})`,
    'start it with `weave-ts launch` (`weave-ts doctor` sees what is in its way); for another instance give its --state-dir',
  )
}

/** What makes an event of what a daemon of some build sends. */
async function eventReader(build: string | undefined, ownBuild: string): Promise<(value: unknown) => EventView> {
  if (isSameBuild(build, ownBuild)) return value => value as EventView
  const { checkedEvent } = await import('./answer-check.ts')
  return checkedEvent
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw unreadable(errorText(error))
  }
}

/** `build`: what the daemon says that it is of, if anything. */
function unreadable(reason: string, build?: string, ownBuild = BUILD_NAME): WeaveError {
  const whose = build !== undefined && build !== ownBuild ? `, which is of ${build} and not of ${ownBuild},` : ''
  return new WeaveError(
    'INTERNAL',
    `the answer of the daemon${whose} cannot be read: ${reason}`,
    'run `weave-ts restart`, so that it is of the version of this program, if it is of another one',
  )
}

function remoteError(value: unknown): WeaveError {
  const { code, message, remedy } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof code !== 'string' || typeof message !== 'string' || typeof remedy !== 'string')
    return new WeaveError('INTERNAL', 'the daemon gave an error without a text', 'look at its log')
  return new WeaveError(isErrorCode(code) ? code : 'INTERNAL', message, remedy)
}
