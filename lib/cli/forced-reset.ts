import { existsSync } from 'node:fs'
import { WeaveError } from '../base/mod.ts'
import { readInstance } from '../daemon/mod.ts'
import { networkPlace, prefixInto, showInterface, type CommandRunner } from '../host/mod.ts'
import { stateLockHolder } from '../io/mod.ts'

type Instance = NonNullable<ReturnType<typeof readInstance>>

interface ForcedReset {
  readonly isForced: boolean
  /** That there is no daemon. */
  readonly down: WeaveError
  readonly runner: CommandRunner
  /** For tests. */
  readonly namespaces?: Namespaces
}

interface Namespaces {
  readonly networkPlace: typeof networkPlace
  readonly prefixInto: typeof prefixInto
}

/**
 * Whether a state directory may be reset without a daemon: by whoever forces it, where
 * nobody uses what would be removed. Returns what is to be removed, if anything is known of, or why it is nothing.
 * @throws WeaveError DAEMON_DOWN, STATE_LOCKED, OTHER_NAMESPACE, INTERFACE_EXISTS
 */
export async function checkForcedReset(stateDir: string, reset: ForcedReset): Promise<Instance | string> {
  const { isForced, down, runner, namespaces = { networkPlace, prefixInto } } = reset
  if (!isForced && !existsSync(stateDir))
    throw new WeaveError(
      'DAEMON_DOWN',
      `there is no directory ${stateDir}, so nothing was launched there, or it was reset`,
      'for another instance give its --state-dir',
    )
  if (!isForced)
    throw new WeaveError(
      'DAEMON_DOWN',
      `${down.message}; without it the addresses of this peer cannot be handed on`,
      'launch it first, or give --force: its address blocks are then lost until `weave-ts rmpeer` on another host takes them over',
    )
  const holder = stateLockHolder(stateDir)
  if (holder !== undefined)
    throw new WeaveError('STATE_LOCKED', `process ${holder.pid} holds ${stateDir} but does not answer`, 'end it first')
  const instance = readInstance(stateDir)
  if (instance === undefined)
    return existsSync(stateDir)
      ? `${stateDir} does not say what its daemon made on the host: no bridge and no interface is removed`
      : `there is no directory ${stateDir}: nothing is removed`
  const { bridge, device } = instance
  if (!isHere(stateDir, instance, namespaces))
    return `the network namespace of the last daemon is gone, and its bridge ${bridge} too: no interface is removed`
  // The device goes with the daemon that made it: while it is there, one is running.
  if ((await showInterface(runner, device)) !== undefined)
    throw new WeaveError(
      'INTERFACE_EXISTS',
      `another daemon in this network namespace uses the device ${device}, and perhaps the bridge ${bridge}`,
      'stop that daemon first, or reset it by its own --state-dir',
    )
  return instance
}

/**
 * Elsewhere a bridge of the same name is another's. False: what was made is gone with its namespace.
 * @throws WeaveError OTHER_NAMESPACE
 */
function isHere(stateDir: string, { network, bridge }: Instance, { networkPlace, prefixInto }: Namespaces): boolean {
  const here = networkPlace()
  if (network === undefined || here?.boot !== network.boot || here.namespace === network.namespace) return true
  const prefix = prefixInto(network.namespace)
  if (prefix === undefined) return false
  throw new WeaveError(
    'OTHER_NAMESPACE',
    `the bridge ${bridge} of ${stateDir} is in the network namespace ${network.namespace}, and this command in ${here.namespace}`,
    `run it there: ${prefix} weave-ts reset …`,
  )
}
