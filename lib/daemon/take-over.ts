import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { API_SOCKET, ApiClient } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { networkNamespaceOf, prefixInto } from '../host/mod.ts'
import { stateLockHolder } from '../io/mod.ts'

const TAKE_OVER_TIMEOUT_MS = 10_000
const TAKE_OVER_LOOK_MS = 5

/**
 * A daemon is replaced where it is: one in another network namespace would begin with nothing there, and leave behind all
 * that is attached. `namespaceOf`: for tests.
 * @throws WeaveError OTHER_NAMESPACE
 */
export function checkNamespace(stateDir: string, namespaceOf = networkNamespaceOf): void {
  const holder = stateLockHolder(stateDir)
  const theirs = holder === undefined ? undefined : namespaceOf(holder.pid)
  const ours = namespaceOf('self')
  if (holder === undefined || theirs === undefined || ours === undefined || theirs === ours) return
  throw new WeaveError(
    'OTHER_NAMESPACE',
    `the daemon with pid ${holder.pid} is in the network namespace ${theirs}, and this command in ${ours}`,
    `run it there: ${prefixInto(theirs) ?? `nsenter --net=/proc/${holder.pid}/ns/net`} weave-ts …`,
  )
}

/**
 * Asks the daemon that has a state directory to stop, and returns when it has let go of it; at once where none has. One
 * that does not listen is not asked: it would end when it listens again, and nobody would take its place.
 * @throws WeaveError DAEMON_BUSY when it does not listen or does not end
 */
export async function takeOver(stateDir: string): Promise<void> {
  const holder = stateLockHolder(stateDir)
  if (holder === undefined) return
  const client = new ApiClient(join(stateDir, API_SOCKET))
  try {
    await requireListening(client)
    await client.call('stop')
  } catch (error) {
    // It may end by itself just now.
    if (!(error instanceof WeaveError) || error.code !== 'DAEMON_DOWN') throw error
  }
  const until = performance.now() + TAKE_OVER_TIMEOUT_MS
  while (stateLockHolder(stateDir) !== undefined) {
    if (performance.now() > until)
      throw new WeaveError(
        'DAEMON_BUSY',
        `the daemon with pid ${holder.pid} was told to stop, and has not ended within ${TAKE_OVER_TIMEOUT_MS / 1000} s`,
        'look at its log, and end it if it hangs; then run `weave-ts launch`',
      )
    await delay(TAKE_OVER_LOOK_MS)
  }
}

/** Any answer will do: a daemon of another version may say what this one cannot read. */
async function requireListening(client: ApiClient): Promise<void> {
  try {
    await client.call('status')
  } catch (error) {
    if (!(error instanceof WeaveError) || !['DAEMON_BUSY', 'DAEMON_DOWN'].includes(error.code)) return
    if (error.code === 'DAEMON_DOWN') throw error
    throw new WeaveError(error.code, `${error.message}, so it was not told to stop`, error.remedy)
  }
}
