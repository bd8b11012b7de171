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
      const isBusy = error instanceof WeaveError && error.code === 'DAEMON_BUSY'
      if (!isBusy || performance.now() >= deadline) throw error
    }
}
