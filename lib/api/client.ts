import { request } from 'node:http'
import { WeaveError, isErrorCode } from '../base/mod.ts'
import type { z } from 'zod'
import * as schema from './schema.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** Speaks to a daemon over its Unix socket. Failures are WeaveErrors: the daemon's own, or DAEMON_DOWN, DAEMON_BUSY. */
export class ApiClient {
  readonly #socketPath: string

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  status(timeoutMs = 2_000): Promise<schema.Status> {
    return this.#call('GET', '/v1/status', undefined, schema.Status, timeoutMs)
  }

  report(): Promise<schema.Report> {
    return this.#call('GET', '/v1/report', undefined, schema.Report, 5_000)
  }

  async connect(targets: readonly string[], replace: boolean): Promise<string[]> {
    return (await this.#call('POST', '/v1/connect', { targets, replace }, schema.TargetsAnswer, 5_000)).targets
  }

  async forget(targets: readonly string[]): Promise<string[]> {
    return (await this.#call('POST', '/v1/forget', { targets }, schema.TargetsAnswer, 5_000)).targets
  }

  async attach(target: string, addresses: readonly string[], multicastRoute: boolean): Promise<string[]> {
    const body = { target, addresses, multicastRoute }
    return (await this.#call('POST', '/v1/attach', body, schema.CidrsAnswer, 60_000)).cidrs
  }

  async detach(target: string, addresses: readonly string[]): Promise<string[]> {
    return (await this.#call('POST', '/v1/detach', { target, addresses }, schema.CidrsAnswer, 30_000)).cidrs
  }

  async ps(): Promise<schema.Attachment[]> {
    return (await this.#call('GET', '/v1/ps', undefined, schema.PsAnswer, 10_000)).attachments
  }

  async stop(): Promise<void> {
    await this.#call('POST', '/v1/stop', {}, schema.OkAnswer, 15_000)
  }

  async reset(): Promise<string[]> {
    return (await this.#call('POST', '/v1/reset', {}, schema.OkAnswer, 30_000)).notes
  }

  #call<T extends z.ZodType>(
    method: string,
    path: string,
    body: unknown,
    answer: T,
    timeoutMs: number,
  ): Promise<z.infer<T>> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body)
      const outgoing = request({
        socketPath: this.#socketPath,
        method,
        path,
        headers:
          payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
      })
      const timer = setTimeout(() => {
        outgoing.destroy()
        reject(
          new WeaveError(
            'DAEMON_BUSY',
            `the daemon at ${this.#socketPath} did not answer within ${timeoutMs / 1000} s`,
            'look at its log; if it hangs, end it and launch it again: addresses and attachments are kept',
          ),
        )
      }, timeoutMs)
      outgoing.on('error', error => {
        clearTimeout(timer)
        reject(this.#unreachable(error))
      })
      outgoing.on('response', response => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > ANSWER_BYTES_MAX) outgoing.destroy(new Error('the answer is too large'))
          else chunks.push(chunk)
        })
        response.on('end', () => {
          clearTimeout(timer)
          try {
            const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
            if (response.statusCode === 200) resolve(answer.parse(value))
            else reject(remoteError(value))
          } catch (error) {
            reject(
              new WeaveError(
                'INTERNAL',
                `the daemon's answer cannot be read: ${error instanceof Error ? error.message : String(error)}`,
                'the daemon may be of another version: stop it and launch it with this one',
              ),
            )
          }
        })
      })
      outgoing.end(payload)
    })
  }

  #unreachable(error: NodeJS.ErrnoException): WeaveError {
    if (error.code === 'EACCES')
      return new WeaveError('DAEMON_DOWN', `no permission to use ${this.#socketPath}`, 'run the command as root')
    return new WeaveError(
      'DAEMON_DOWN',
      `no daemon answers at ${this.#socketPath} (${error.code ?? error.message})`,
      'start it with `weave-ts launch`; for another instance give its --state-dir',
    )
  }
}

function remoteError(value: unknown): WeaveError {
  const parsed = schema.ErrorAnswer.safeParse(value)
  if (!parsed.success) return new WeaveError('INTERNAL', 'the daemon gave an error without a text', 'look at its log')
  const { code, message, remedy } = parsed.data
  return new WeaveError(isErrorCode(code) ? code : 'INTERNAL', message, remedy)
}
