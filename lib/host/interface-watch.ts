import { LINKS_CHECK_INTERVAL_MS, LINKS_QUIET_MS, MONITOR_RESTART_MS, VETH_PREFIX } from './limits.ts'
import { Monitor } from './monitor.ts'
import type { CommandWatcher } from './seams.ts'

/** Hears of the end of these interfaces: of the bridge, and of its TAP. */
export function bridgeMonitor(watcher: CommandWatcher, names: readonly string[], check: () => Promise<void>): Monitor {
  return endMonitor(watcher, name => names.includes(name), check)
}

/** Hears of host ends that vanish: with them goes the namespace where the other end was. */
export function hostEndMonitor(watcher: CommandWatcher, check: () => Promise<void>): Monitor {
  return endMonitor(watcher, name => name.startsWith(VETH_PREFIX), check)
}

/** Hears of the end of interfaces with such names, as `ip -o monitor link` tells it. */
function endMonitor(watcher: CommandWatcher, isOurs: (name: string) => boolean, check: () => Promise<void>): Monitor {
  return new Monitor(watcher, check, {
    argv: ['ip', '-o', 'monitor', 'link'],
    concerns: output =>
      output.split('\n').some(line => {
        const name = /^Deleted [0-9]+: ([^:@]+)/.exec(line)?.[1]
        return name !== undefined && isOurs(name)
      }),
    quietMs: LINKS_QUIET_MS,
    intervalMs: LINKS_CHECK_INTERVAL_MS,
    restartMs: MONITOR_RESTART_MS,
  })
}
