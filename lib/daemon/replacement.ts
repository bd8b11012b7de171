import { AssertionError } from '../base/mod.ts'
import type { HostNames } from '../host/mod.ts'
import type { LoadedIdentity, StateLock } from '../io/mod.ts'
import { Node } from '../node/mod.ts'
import type { LinkSecret } from '../peer/mod.ts'
import type { Surroundings } from './assembly.ts'
import type { AssemblyHost, CacheSeam } from './assembly-seams.ts'
import { setUpBridge, type BridgeSetUp } from './bridge-set-up.ts'
import type { DaemonConfig } from './config.ts'
import { nodeConfigOf } from './node-config.ts'
import { readRememberedLaunch } from './remembered-launch.ts'
import type { DerivedSettings } from './settings.ts'
import { judgeTrust, marksOf, requireKnownSecret } from './trust.ts'

/** What a daemon has done before it took the place of another. */
export interface MadeReady {
  readonly lock: StateLock
  readonly loaded: LoadedIdentity
  readonly secrets: readonly LinkSecret[]
  readonly setUp: BridgeSetUp
  readonly cache: CacheSeam
}

/**
 * Does what can be done while the daemon that is to be replaced still forwards: all that takes long, and all that may
 * refuse. Only then that one is asked to stop. When this fails it goes on, and a bridge that was made is taken back.
 */
export async function makeReady(
  config: DaemonConfig,
  given: { readonly names: HostNames; readonly settings: DerivedSettings; onNew(host: AssemblyHost): void },
  { seams, onStep, onTakingOver }: Surroundings,
): Promise<MadeReady> {
  const { stateDir } = config
  const { peerAddresses } = given.settings
  seams.checkNamespace(stateDir)
  onStep('looking at the host')
  await seams.preflight(given.names)
  judgeTrust(config, readRememberedLaunch(stateDir), false)
  if (config.secret !== null) onStep('stretching the mesh secret')
  const secrets = await seams.secrets(config)
  if (config.keepsSecret) requireKnownSecret(config, readRememberedLaunch(stateDir), marksOf(secrets))
  // It is read beside all else. What the other daemon still adds the mesh tells again.
  const cache = seams.openCache(stateDir, false)
  let made: AssemblyHost | undefined
  try {
    onStep('verifying the state store')
    const stored = seams.verifyStore(stateDir)
    onStep('setting up the bridge')
    const loaded = seams.loadIdentity(stateDir)
    const onNew = (host: AssemblyHost) => (made = host)
    const setUp = await setUpBridge(config, { ...given, peerAddresses, seams, seed: loaded.identity.seed, onNew })
    const { identity, mtu } = setUp
    const plane = (): never => {
      throw new AssertionError('it moves nothing')
    }
    // It refuses what the state does not fit: another range, say.
    new Node(
      nodeConfigOf(config, given.settings, { seams, identity, secrets, mtu, plane }),
      prefix => stored.filter(([key]) => key.startsWith(prefix)),
      seams.now(),
    )
    onStep('waiting for the other daemon to end')
    await onTakingOver()
    await seams.takeOver(stateDir)
    // Somebody else may have been faster; then nothing of ours stays.
    const lock = seams.lock(stateDir)
    if (made !== undefined) given.onNew(made)
    return { lock, loaded, secrets, setUp, cache }
  } catch (error) {
    await cache.close()
    await made?.remove()
    throw error
  }
}
