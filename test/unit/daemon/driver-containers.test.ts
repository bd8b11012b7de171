import t from 'tap'
import { DriverContainers } from '../../../lib/daemon/driver-containers.ts'
import { DriverRecords } from '../../../lib/daemon/driver-records.ts'
import type { DockerNetwork } from '../../../lib/docker/mod.ts'
import { mapStore } from '../../support/map-store.ts'

const BAD: DockerNetwork = {
  ...{ id: 'b'.repeat(64), name: 'bad', driver: 'bridge', ipamDriver: 'weave-ts', subnets: ['10.43.0.0/24'] },
  ...{ reserved: [], options: {}, endpoints: [] },
}
const PLAIN: DockerNetwork = { ...BAD, id: 'c'.repeat(64), name: 'plain', ipamDriver: 'default' }

t.test('a network of another driver with addresses of the mesh is warned of while it is there', async t => {
  let networks = [BAD, PLAIN]
  const records = new Map<string, Uint8Array>()
  const containers = new DriverContainers({
    engine: {
      networks: async () => networks,
      network: async (id: string) => networks.find(one => one.id === id),
      events: () => ({ isUp: true, start: () => undefined, stop: () => undefined }),
    },
    records: new DriverRecords({ ...mapStore(records), range: () => [] }),
    host: { list: async () => [] },
    runner: { node: { leases: () => [] } },
    now: () => 0,
    log: console,
  } as never)
  t.strictSame(containers.warnings(), [])
  await containers.look()
  t.match(containers.warnings(), [/network bad .*driver bridge .*10\.43\.0\.0\/24.*docker network rm bbbbbbbbbbbb`/])
  t.equal(containers.warnings().length, 1)
  networks = [PLAIN]
  await containers.look()
  t.strictSame(containers.warnings(), [])
  await containers.stop()
})
