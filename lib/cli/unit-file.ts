export const UNIT_MARK = '# Written by `weave-ts service install`, which replaces it.'

/** The least that works, and what for; tried by running under no more. */
const CAPABILITIES: readonly (readonly [string, string])[] = [
  ['CAP_CHOWN', 'giving the socket of --group to that group'],
  ['CAP_NET_ADMIN', 'the TAP device, bridge, veth pairs, addresses, routes and the firewall'],
  ['CAP_NET_BIND_SERVICE', 'answering DNS on port 53'],
  ['CAP_SYS_ADMIN', 'entering the network namespaces of containers'],
  ['CAP_SYS_PTRACE', 'finding the network namespace of a process that has capabilities which the daemon has not'],
]

const WATCHDOG_S = 30

export interface UnitOptions {
  /** The program and its first arguments, up to `launch`. */
  readonly command: readonly string[]
  readonly stateDir: string
}

/** A unit that resumes the last launch of a state directory. */
export function unitText({ command, stateDir }: UnitOptions): string {
  const words = (...options: string[]) =>
    [...command, 'launch', ...options, '--state-dir', stateDir].map(unitWord).join(' ')
  return `${UNIT_MARK}
[Unit]
Description=weave-ts overlay mesh (${pathWord(stateDir)})
After=network-online.target
Wants=network-online.target
# Docker may start before or after it; but before it, dockerd would wait for its networks that have our driver.
Before=docker.service
StartLimitIntervalSec=0

[Service]
Type=notify
# That which replaces the daemon, too.
NotifyAccess=all
ExecStart=${words('--foreground', '--resume')}
ExecReload=/usr/bin/env WATCHDOG_USEC=${WATCHDOG_S * 1_000_000} ${words('--replace', '--resume')}
Restart=on-failure
RestartSec=1
# What a restart does not mend: wrong usage, damaged state, no root, configuration.
RestartPreventExitStatus=2 65 77 78
WatchdogSec=${WATCHDOG_S}
TimeoutStartSec=60
TimeoutStopSec=15

${CAPABILITIES.map(([name, why]) => `# ${name}: ${why}`).join('\n')}
CapabilityBoundingSet=${CAPABILITIES.map(([name]) => name).join(' ')}
NoNewPrivileges=yes
# Threads that carry frames go before whatever has no priority of its own.
LimitNICE=-5
ProtectSystem=strict
# /run: the lock of iptables, sockets of plugins, namespaces.
ReadWritePaths=${pathWord(stateDir)} /run -/etc/netns
ProtectHome=read-only
PrivateTmp=yes
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
# Not ProtectKernelTunables: it sets sysctls of its interfaces.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET
RestrictNamespaces=net mnt
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077

[Install]
WantedBy=multi-user.target
`
}

/** A word of a command line, quoted as systemd reads it; `%` and `$` stand for themselves. */
export function unitWord(text: string): string {
  return quoted(text.replaceAll('$', '$$$$'))
}

/** As `unitWord`, elsewhere than in a command line: no variables are filled in there. */
export function pathWord(text: string): string {
  return quoted(text)
}

function quoted(text: string): string {
  const escaped = text.replaceAll('%', '%%')
  return /^[\w./:@%$+,=-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, character => `\\${character}`)}"`
}
