import type { Status } from '../../lib/api/mod.ts'

/** The fields of a Status that services report, on a host where nothing happened yet. */
export const SERVICE_FIELDS: Pick<
  Status,
  'overlay' | 'exposed' | 'dns' | 'launchOptions' | 'endpoints' | 'readers' | 'docker' | 'driver'
> = {
  overlay: {
    bridge: 'weave',
    isAdopted: false,
    device: 'weave-tap',
    mtu: 1_376,
    ipv6Off: null,
    mac: '02:00:00:00:00:01',
  },
  exposed: [],
  dns: {
    domain: 'weave.local',
    names: 3,
    containers: 2,
    isOn: true,
    ttlSeconds: 1,
    listening: ['10.32.0.9:53'],
    upstream: [],
    queries: { total: 0, forwarded: 0, failed: 0, dropped: 0 },
  },
  launchOptions: [],
  readers: null,
  endpoints: [],
  docker: {
    state: 'following',
    endpoint: 'unix:///var/run/docker.sock',
    why: null,
    isExpected: false,
    containers: 0,
    stopped: 0,
    waiting: 0,
    vanished: [],
  },
  driver: { state: 'serving', socket: '/run/docker/plugins/weave-ts.sock', why: null, networks: [], endpoints: 0 },
}
