import { LINKS_CHECK_INTERVAL_MS, LINKS_QUIET_MS, MONITOR_RESTART_MS } from './limits.ts'
import { Monitor } from './monitor.ts'
import type { CommandWatcher } from './seams.ts'

/** Hears of the end of interfaces by their names, as `ip -o monitor link` tells it. */
export function bridgeMonitor(watcher: CommandWatcher, names: readonly string[], check: () => Promise<void>): Monitor {
  const ours = new Set(names)
  return new Monitor(watcher, check, {
    argv: ['ip', '-o', 'monitor', 'link'],
    concerns: output =>
      output.split('\n').some(line => {
        const name = /^Deleted [0-9]+: ([^:@]+)/.exec(line)?.[1]
        return name !== undefined && ours.has(name)
      }),
    quietMs: LINKS_QUIET_MS,
    intervalMs: LINKS_CHECK_INTERVAL_MS,
    restartMs: MONITOR_RESTART_MS,
  })
}
