import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ApiClient, readSocketOf } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { HostNetwork } from '../host/mod.ts'
import { ChildProcessRunner, stateLockHolder } from '../io/mod.ts'
import { checkForcedReset } from './forced-reset.ts'
import { socketPathOf } from './paths.ts'
import { removeState } from './remove-state.ts'

const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 20

/** Stops the daemon of a state directory and returns when it has let go of everything. */
export async function stopDaemon(stateDir: string): Promise<void> {
  const holder = stateLockHolder(stateDir)
  // By the socket of those who may look a member of that group hears that this is for root.
  await new ApiClient(socketPathOf(stateDir), { readSocketPath: () => readSocketOf(stateDir) }).call('stop')
  await ended(stateDir, holder?.pid)
}

/** Leaves the mesh for good and removes what the daemon made, the state included. Returns what to tell the operator. */
export async function resetInstance(stateDir: string, isForced: boolean): Promise<string[]> {
  const holder = stateLockHolder(stateDir)
  let notes: string[] = []
  try {
    notes = (await new ApiClient(socketPathOf(stateDir)).call('reset')).notes
    await ended(stateDir, holder?.pid)
  } catch (error) {
    if (!(error instanceof WeaveError) || error.code !== 'DAEMON_DOWN') throw error
    notes = await removeFromHost(stateDir, isForced, error)
  }
  const stayed = removeState(stateDir)
  if (stayed.length === 0) return notes
  return [...notes, `${stateDir} stays: it holds files that are not weave-ts's (${stayed.slice(0, 3).join(', ')})`]
}

/** What the last daemon of this state directory made; nothing is touched that another one may be using. */
async function removeFromHost(stateDir: string, isForced: boolean, down: WeaveError): Promise<string[]> {
  const runner = new ChildProcessRunner()
  const made = await checkForcedReset(stateDir, { isForced, down, runner })
  if (typeof made === 'string') return [made]
  const { bridge, device, exposed } = made
  await new HostNetwork({ runner, mac: 0, bridge, tap: device }).remove(exposed)
  return ['no daemon was running: its address blocks stay with a peer that is gone']
}

async function ended(stateDir: string, pid: number | undefined): Promise<void> {
  const until = Date.now() + STOP_TIMEOUT_MS
  while (stateLockHolder(stateDir) !== undefined || (pid !== undefined && isRunning(pid))) {
    if (Date.now() > until)
      throw new WeaveError(
        'DAEMON_BUSY',
        `the daemon (pid ${pid ?? '?'}) has not ended within ${STOP_TIMEOUT_MS / 1000} s`,
        'look at its log',
      )
    await delay(POLL_MS)
  }
}

/**
 * False also for a process that has ended but that its parent has not asked after: some containers' init never does.
 */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}
