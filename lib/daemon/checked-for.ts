import { errorText } from '../base/mod.ts'
import { dial } from '../io/mod.ts'
import type { NeighbourCheck } from '../node/mod.ts'
import type { CheckResult } from '../wire/mod.ts'
import { DIAL_BACK_TIMEOUT_MS } from './constants.ts'

/** What a neighbour asks, looked at: what the clock of this host says, or whether a connection to it comes about. */
export async function checkedFor(check: NeighbourCheck, signal: AbortSignal): Promise<CheckResult> {
  if (check.subject === 'clock') return { subject: 'clock', timeMs: Date.now() }
  const { subject, endpoint } = check
  try {
    const socket = await dial(endpoint, DIAL_BACK_TIMEOUT_MS, signal)
    socket.close('it was only to be seen whether it opens')
    return { subject, endpoint, why: undefined }
  } catch (error) {
    return { subject, endpoint, why: errorText(error) }
  }
}
