import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ApiClient,
  ApiServer,
  type ApiObservers,
  CALL_NAMES,
  type CallContext,
  type CallHandlers,
  type CallName,
  type Readers,
} from '../../../lib/api/mod.ts'

interface Teardown {
  teardown(fn: () => Promise<void>): unknown
}

/** A server on a socket of its own, whose calls all answer with what `answer` gives; and a client of it. */
export async function served(
  t: Teardown,
  answer: (name: CallName, input: unknown, context: CallContext) => unknown,
  observers: Omit<ApiObservers, 'onFault'> = {},
  readers?: Readers,
) {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-api-'))
  const socketPath = join(directory, 'api.sock')
  const faults: string[] = []
  const handlers = Object.fromEntries(
    CALL_NAMES.map(name => [name, (input: unknown, context: CallContext) => answer(name, input, context)]),
  ) as unknown as CallHandlers
  const told = { ...observers, onFault: (text: string) => void faults.push(text) }
  const server = await ApiServer.listen(socketPath, handlers, told, readers)
  t.teardown(async () => {
    await server.close()
    rmSync(directory, { recursive: true })
  })
  return { server, socketPath, client: new ApiClient(socketPath), faults }
}

export interface RawAnswer {
  readonly status: number | undefined
  readonly body: { readonly code: string; readonly message: string; readonly remedy: string }
}

/** A request as any program may make it. */
export function raw(
  socketPath: string,
  method: string,
  path: string,
  options: {
    readonly body?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly signal?: AbortSignal
  } = {},
): Promise<RawAnswer> {
  const { body, headers = {}, signal } = options
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method,
        path,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(signal && { signal }),
      },
      response => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) as RawAnswer['body'] }))
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** A promise that is settled from outside. */
export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>(settle => (resolve = settle))
  return { promise, resolve }
}
