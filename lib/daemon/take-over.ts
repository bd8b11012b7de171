import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { API_SOCKET, ApiClient } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { stateLockHolder } from '../io/mod.ts'

const TAKE_OVER_TIMEOUT_MS = 10_000
const TAKE_OVER_LOOK_MS = 5

/**
 * Asks the daemon that has a state directory to stop, and returns when it has let go of it; at once where none has.
 * @throws WeaveError DAEMON_BUSY when it does not end
 */
export async function takeOver(stateDir: string): Promise<void> {
  const holder = stateLockHolder(stateDir)
  if (holder === undefined) return
  try {
    await new ApiClient(join(stateDir, API_SOCKET)).call('stop')
  } catch (error) {
    // It may end by itself just now.
    if (!(error instanceof WeaveError) || error.code !== 'DAEMON_DOWN') throw error
  }
  const until = performance.now() + TAKE_OVER_TIMEOUT_MS
  while (stateLockHolder(stateDir) !== undefined) {
    if (performance.now() > until)
      throw new WeaveError(
        'DAEMON_BUSY',
        `the daemon with pid ${holder.pid} has not ended within ${TAKE_OVER_TIMEOUT_MS / 1000} s`,
        'look at its log, and end it if it hangs',
      )
    await delay(TAKE_OVER_LOOK_MS)
  }
}
