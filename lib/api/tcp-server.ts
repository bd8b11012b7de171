import type { IncomingHttpHeaders, Server } from 'node:http'

/** Listens. Rejects with what `failureOf` makes of an error. */
export function bound(
  server: Server,
  at: { readonly host: string; readonly port: number } | { readonly path: string },
  failureOf: (error: NodeJS.ErrnoException) => Error,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(failureOf(error))
    server.once('error', onError)
    server.listen(at, () => {
      server.off('error', onError)
      // Running out of descriptors must not end the process: the connection waits in the backlog.
      server.on('error', () => undefined)
      resolve()
    })
  })
}

/** Closes it, and all its connections. */
export function ended(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** Whether a request brings a body, which nobody reads who only answers GET. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || !['0', undefined].includes(headers['content-length'])
}
