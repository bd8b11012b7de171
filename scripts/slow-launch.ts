import type { LaunchOptions } from '../test/support/daemon-process.ts'
import { waitFor, type CommandResult } from '../test/support/testbed-command.ts'
import type { Host } from '../test/support/testbed.ts'

/** How long something may take where the machine is as slow as user-mode Linux. */
export const SLOW_MS = 240_000
/** Longer than all of it takes. */
const RUN_MS = 3_600_000

/** Launches a daemon in the foreground, and waits until it is ready: whoever waits for a detached one gives up on a slow machine. */
export async function launchedSlowly(host: Host, peers: readonly string[], options: LaunchOptions): Promise<void> {
  let ended: CommandResult | undefined
  const args = [...(options.args ?? []), '--foreground']
  void host.daemon.tryLaunch(peers, { ...options, args, limitMs: RUN_MS }).then(result => (ended = result))
  await waitFor(`${host.label} to be ready`, SLOW_MS, async () => {
    if (ended !== undefined) throw new Error(`it ended with status ${ended.status}: ${ended.stderr.slice(-500)}`)
    return (await host.daemon.status()).isReady
  })
}
