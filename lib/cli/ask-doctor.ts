import type { ApiClient, DoctorAnswer } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'

/** What the daemon finds, or where none answers what can be found without it. */
export async function askDoctor(
  client: Pick<ApiClient, 'call'>,
  diagnoseDown: (down: WeaveError) => Promise<DoctorAnswer>,
): Promise<DoctorAnswer> {
  try {
    return await client.call('doctor')
  } catch (error) {
    if (error instanceof WeaveError && error.code === 'DAEMON_DOWN') return diagnoseDown(error)
    throw error
  }
}
