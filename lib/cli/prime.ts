import type { ApiClient, Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { patientStatus } from './patient-status.ts'
import { milliseconds, waitOf } from './waiting.ts'

const STATUS_LOOK_MS = 200
/** What is waited for is said once it takes longer than this, and whenever it changes. */
const PRIME_NOTICE_AFTER_MS = 1_500
/** `launch` waits so long for what becomes of its peers, so that it can say so. */
const LAUNCH_DECIDE_MS = 3_000
const WAIT_SECONDS_MAX = 1_000_000

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

/**
 * The status once it is clear what has become of the first attempts to join, or after a few seconds; of a member also
 * which way data takes to the peers that are linked, and what has become of those that were named now.
 */
export async function decidedStatus(client: Client, peers: readonly string[]): Promise<Status> {
  const begun = performance.now()
  for (;;) {
    const status = await patientStatus(client)
    const isDecided = status.isReady ? isMemberDecided(status, peers) : status.mesh.founding === 'nobody'
    if (isDecided || performance.now() - begun >= LAUNCH_DECIDE_MS) return status
    await pause(STATUS_LOOK_MS)
  }
}

function isMemberDecided({ connections, targets }: Status, peers: readonly string[]): boolean {
  const isTried = ({ target, state, error }: Status['targets'][number]) =>
    !peers.includes(target) || error !== null || ['connected', 'reached', 'ourself'].includes(state)
  return connections.every(({ state }) => state !== 'pending') && targets.every(isTried)
}

/**
 * The status once this peer is of a mesh and can give addresses, for `launch --wait`.
 * @throws WeaveError MESH_WAITING after the time, with whom it waits for, and why
 */
export async function meshedStatus(client: Client, limitMs: number, peers: readonly string[]): Promise<Status> {
  const begun = performance.now()
  for (;;) {
    const status = await patientStatus(client, limitMs - (performance.now() - begun))
    const tookMs = performance.now() - begun
    if (status.isReady) return isMemberDecided(status, peers) ? status : decidedStatus(client, peers)
    if (tookMs >= limitMs)
      throw new WeaveError(
        'MESH_WAITING',
        `the daemon runs, and ${status.mesh.id === null ? 'is of no mesh' : 'cannot give addresses'} after ${limitMs / 1_000} s: ${waitOf(status) ?? 'it is not ready'}`,
        'mend that: it goes on trying; `weave-ts prime` waits on, and `weave-ts status connections` shows each attempt',
      )
    await pause(Math.min(STATUS_LOOK_MS, limitMs - tookMs))
  }
}

/** Of `--wait`: seconds, with or without the letter, as in 30s. @throws WeaveError USAGE */
export function waitMs(text: string): number {
  const seconds = /^(\d+(?:\.\d+)?)s?$/.exec(text)?.[1]
  if (seconds !== undefined && Number(seconds) <= WAIT_SECONDS_MAX) return Number(seconds) * 1_000
  throw new WeaveError(
    'USAGE',
    `--wait=${text.slice(0, 40)} is no time: it must be seconds, up to ${WAIT_SECONDS_MAX}`,
    'write it as in --wait=30s',
  )
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
