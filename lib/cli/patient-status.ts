import type { ApiClient, Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'

const PATIENCE_MS = 30_000

/**
 * The status, also of a daemon whose answer takes longer than a call waits, as on a machine that launches many.
 * @throws WeaveError DAEMON_BUSY when it has not answered by then, at the latest after `limitMs`
 */
export async function patientStatus(client: Pick<ApiClient, 'call'>, limitMs = PATIENCE_MS): Promise<Status> {
  const deadline = performance.now() + Math.min(limitMs, PATIENCE_MS)
  for (;;)
    try {
      return await client.call('status')
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
    }
}

/**
 * Undefined when nobody tells it; a daemon that is merely busy is not taken for one that is gone.
 * @throws WeaveError DAEMON_BUSY
 */
export async function statusIfAny(client: Pick<ApiClient, 'call'>): Promise<Status | undefined> {
  try {
    return await patientStatus(client)
  } catch (error) {
    if (isBusy(error)) throw error
    return undefined
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof WeaveError && error.code === 'DAEMON_BUSY'
}
