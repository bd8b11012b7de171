import { join } from 'node:path'

/** Not in the state directory: whoever may enter that could reach for what else lies there. */
export const READ_SOCKET_ROOT = '/run/weave-ts'
const READ_SOCKET = 'api-read.sock'
/** A longer path does not fit into an address (unix(7)). */
export const SOCKET_PATH_BYTES_MAX = 107

/** Where the daemon of a state directory answers those who may only look. `stateDir`: an absolute path. */
export function readSocketOf(stateDir: string): string {
  return join(READ_SOCKET_ROOT, stateDir, READ_SOCKET)
}
