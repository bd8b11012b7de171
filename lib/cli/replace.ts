import { spawnSync } from 'node:child_process'
import { WeaveError } from '../base/mod.ts'
import type { DaemonConfig } from '../daemon/mod.ts'
import { stateLockHolder } from '../io/mod.ts'
import { COMMAND, isManaged, launchDetached } from './launch.ts'

/**
 * Starts a daemon that takes the place of the one that runs. What it refuses before it has taken over leaves that one as
 * it is; when it fails afterwards, one is launched with the options that are remembered, so those of before. A service
 * manager does this by itself.
 */
export async function replaceDaemon(config: DaemonConfig): Promise<readonly string[]> {
  const { stateDir } = config
  try {
    return await launchDetached(config)
  } catch (error) {
    if (!(error instanceof WeaveError) || isManaged(config) || stateLockHolder(stateDir) !== undefined) throw error
    const argv = [COMMAND, 'launch', '--resume', '--state-dir', stateDir]
    const isBack = spawnSync(process.execPath, argv, { stdio: 'ignore' }).status === 0
    const what = isBack ? 'one was launched as before' : 'none could be launched as before'
    throw new WeaveError(error.code, `${error.message}; the old daemon had stopped, and ${what}`, error.remedy)
  }
}
