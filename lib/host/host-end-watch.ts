import { LINKS_CHECK_INTERVAL_MS, LINKS_QUIET_MS, MONITOR_RESTART_MS, VETH_PREFIX } from './limits.ts'
import { Monitor } from './monitor.ts'
import type { CommandWatcher } from './seams.ts'

/** A line of `ip -o monitor link` that tells of the end of one of our host ends. */
const HOST_END_DELETED = new RegExp(`^Deleted [0-9]+: ${VETH_PREFIX}`, 'm')

/** Hears of host ends that vanish: with them goes the namespace where the other end was. */
export function hostEndMonitor(watcher: CommandWatcher, check: () => Promise<void>): Monitor {
  return new Monitor(watcher, check, {
    argv: ['ip', '-o', 'monitor', 'link'],
    concerns: output => HOST_END_DELETED.test(output),
    quietMs: LINKS_QUIET_MS,
    intervalMs: LINKS_CHECK_INTERVAL_MS,
    restartMs: MONITOR_RESTART_MS,
  })
}
