import { FIREWALL_CHECK_INTERVAL_MS, FIREWALL_QUIET_MS, MONITOR_RESTART_MS } from './limits.ts'
import { Monitor } from './monitor.ts'
import type { CommandWatcher } from './seams.ts'

/** Hears of every change of nftables, ours and those of iptables-nft included. */
export function firewallMonitor(watcher: CommandWatcher, check: () => Promise<void>): Monitor {
  return new Monitor(watcher, check, {
    argv: ['nft', 'monitor'],
    concerns: () => true,
    quietMs: FIREWALL_QUIET_MS,
    intervalMs: FIREWALL_CHECK_INTERVAL_MS,
    restartMs: MONITOR_RESTART_MS,
  })
}
