import { dirname } from 'node:path'
import {
  ApiServer,
  READ_SOCKET_ROOT,
  SOCKET_PATH_BYTES_MAX,
  readSocketOf,
  type ApiObservers,
  type CallHandlers,
} from '../api/mod.ts'
import { WeaveError, errorText } from '../base/mod.ts'
import { groupId, makePublicDir, removeEmptyDirs } from '../io/mod.ts'

/**
 * Serves a group who may only look, at a socket that is not in the state directory: that one stays closed.
 * @throws WeaveError CONFIG_INVALID, STATE_UNSAFE, STATE_IO
 */
export async function serveReaders(
  stateDir: string,
  group: string,
  handlers: CallHandlers,
  observers: ApiObservers,
): Promise<{ readonly path: string; close(): Promise<void> }> {
  const path = readSocketOf(stateDir)
  const bytes = Buffer.byteLength(path)
  if (bytes > SOCKET_PATH_BYTES_MAX)
    throw new WeaveError(
      'CONFIG_INVALID',
      `the socket of --group would be ${path}, of ${bytes} bytes, and ${SOCKET_PATH_BYTES_MAX} fit`,
      'give a shorter --state-dir, or launch with --forget-option group',
    )
  const gid = groupId(group)
  const directory = dirname(path)
  try {
    makePublicDir(directory, READ_SOCKET_ROOT)
    const server = await ApiServer.listen(path, handlers, observers, { gid, group })
    return {
      path,
      close: async () => {
        await server.close()
        removeEmptyDirs(directory, READ_SOCKET_ROOT)
      },
    }
  } catch (error) {
    if (error instanceof WeaveError) throw error
    const isDenied = (error as NodeJS.ErrnoException).code === 'EPERM'
    throw new WeaveError(
      'STATE_IO',
      `the socket of --group cannot be made: ${errorText(error)}`,
      isDenied
        ? 'run `weave-ts service install`: a unit of an older version lacks CAP_CHOWN'
        : `look at ${READ_SOCKET_ROOT}`,
    )
  }
}
