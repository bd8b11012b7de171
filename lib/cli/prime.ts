import type { ApiClient, Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { milliseconds, waitOf } from './waiting.ts'

const STATUS_LOOK_MS = 200
/** What is waited for is said once it takes longer than this, and whenever it changes. */
const PRIME_NOTICE_AFTER_MS = 1_500
/** `launch` waits so long for what becomes of its peers, so that it can say so. */
const LAUNCH_DECIDE_MS = 3_000

type Client = Pick<ApiClient, 'call'>

/**
 * Waits until addresses can be given. `timeout`: seconds, as on the command line; undefined: for ever.
 * @throws WeaveError IPAM_WAITING after the time, USAGE for a time that is none
 */
export async function prime(client: Client, timeout?: string, say = console.error): Promise<Status> {
  const limitMs = timeout === undefined ? Infinity : milliseconds(timeout)
  const begun = performance.now()
  let said = ''
  for (;;) {
    const status = await client.call('status')
    if (status.isReady) return status
    const reason = waitOf(status) ?? 'the daemon is not ready'
    const tookMs = performance.now() - begun
    if (tookMs >= limitMs)
      throw new WeaveError(
        'IPAM_WAITING',
        `no address can be given after ${timeout ?? ''} s: ${reason}`,
        'mend that, or wait longer; `weave-ts status` shows the state',
      )
    if (tookMs >= PRIME_NOTICE_AFTER_MS && reason !== said) {
      say(`weave-ts: prime waits: ${reason}`)
      said = reason
    }
    await pause(Math.min(STATUS_LOOK_MS, limitMs - tookMs))
  }
}

/** The status once it is clear what has become of the first attempts to join, or after a few seconds. */
export async function decidedStatus(client: Client): Promise<Status> {
  const begun = performance.now()
  for (;;) {
    const status = await client.call('status')
    if (status.isReady || status.mesh.founding === 'nobody' || performance.now() - begun >= LAUNCH_DECIDE_MS)
      return status
    await pause(STATUS_LOOK_MS)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
