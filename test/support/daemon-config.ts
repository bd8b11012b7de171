import type { DaemonConfig } from '../../lib/daemon/config.ts'

/** The configuration of a bare launch, but for what is given. */
export function daemonConfig(changes: Partial<DaemonConfig>): DaemonConfig {
  return {
    stateDir: '/var/lib/weave-ts',
    nickname: 'self',
    host: null,
    port: 6783,
    secret: null,
    isOpenMeant: false,
    otherSecret: null,
    peers: null,
    discovery: true,
    connLimit: 200,
    ipallocRange: '10.32.0.0/12',
    ipallocDefaultSubnet: null,
    bridge: 'weave',
    adoptBridge: false,
    device: 'weave-tap',
    mtu: null,
    advertise: [],
    disableOffload: [],
    docker: true,
    dockerPluginDir: '/run/docker/plugins',
    lanes: 2,
    dns: true,
    dnsDomain: 'weave.local',
    dnsListenAddress: [],
    dnsTtl: 1,
    dnsLocalFirst: false,
    resolvConf: '/etc/resolv.conf',
    isReplacing: false,
    logLevel: 'info',
    remember: {},
    warnings: [],
    ...changes,
  }
}
