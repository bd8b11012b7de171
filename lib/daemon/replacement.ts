import type { HostNames } from '../host/mod.ts'
import type { LinkSecret } from '../peer/mod.ts'
import type { AssemblySeams } from './assembly-seams.ts'
import type { DaemonConfig } from './config.ts'
import { readRememberedLaunch } from './remembered-launch.ts'
import { judgeTrust } from './trust.ts'

/** What a daemon has done before it took the place of another. */
export interface MadeReady {
  readonly secrets: readonly LinkSecret[]
}

/**
 * Does what can be done while the daemon that is to be replaced still forwards: all that takes long, and all that may
 * refuse. Only then that one is asked to stop. When this fails it goes on, and nothing was changed.
 */
export async function makeReady(
  config: DaemonConfig,
  names: HostNames,
  {
    seams,
    onStep,
    onTakingOver,
  }: { readonly seams: AssemblySeams; onStep(step: string): void; onTakingOver(): Promise<void> },
): Promise<MadeReady> {
  onStep('looking at the host')
  await seams.preflight(names)
  judgeTrust(config, readRememberedLaunch(config.stateDir), false)
  if (config.secret !== null) onStep('stretching the mesh secret')
  const secrets = await seams.secrets(config)
  onStep('verifying the state store')
  seams.verifyStore(config.stateDir)
  onStep('waiting for the other daemon to end')
  await onTakingOver()
  await seams.takeOver(config.stateDir)
  return { secrets }
}
