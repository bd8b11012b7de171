import type { Status } from '../../lib/api/mod.ts'

/** The fields of a Status that services report, on a host where nothing happened yet. */
export const SERVICE_FIELDS: Pick<Status, 'overlay' | 'exposed' | 'docker'> = {
  overlay: { bridge: 'weave', isAdopted: false, device: 'weave-tap', mtu: 1_376, mac: '02:00:00:00:00:01' },
  exposed: [],
  docker: {
    state: 'following',
    endpoint: 'unix:///var/run/docker.sock',
    why: null,
    containers: 0,
    stopped: 0,
    waiting: 0,
    vanished: [],
  },
}
