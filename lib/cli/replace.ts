import { spawnSync } from 'node:child_process'
import { WeaveError } from '../base/mod.ts'
import type { DaemonConfig } from '../daemon/mod.ts'
import { stateLockHolder } from '../io/mod.ts'
import { COMMAND, isManaged, launchDetached } from './launch.ts'

const REASON_BYTES_MAX = 64 * 1024

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
    const { status, stderr } = spawnSync(process.execPath, argv, {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      maxBuffer: REASON_BYTES_MAX,
    })
    const [why = ''] = stderr.replace(/^weave-ts: /, '').split('\n')
    const what =
      status === 0 ? 'one was launched as before' : `NONE RUNS NOW, for the launch as before failed too: ${why}`
    throw new WeaveError(
      error.code,
      `${error.message}; the old daemon had stopped, and ${what}`,
      status === 0 ? error.remedy : `mend that, then run \`weave-ts launch\`: ${error.remedy}`,
    )
  }
}
