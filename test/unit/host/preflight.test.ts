import t from 'tap'
import { parseCidr } from '../../../lib/address/mod.ts'
import type { InterfaceView, RouteView } from '../../../lib/host/ip-json.ts'
import {
  checkBridgeName,
  checkPrivileges,
  checkRange,
  checkTools,
  checkTun,
  overlappingRoute,
} from '../../../lib/host/preflight.ts'
import { missingTool } from '../../../lib/io/command-runner.ts'

const range = parseCidr('10.32.0.0/12')!
const check = (route: RouteView) => () => checkRange(range, [route], 'weave')

t.test('a range that overlaps a route is refused with both named', async t => {
  for (const dst of ['10.32.0.0/12', '10.0.0.0/8', '10.40.1.0/24', '10.47.255.255']) {
    t.throws(check({ dst, dev: 'eth0' }), { code: 'RANGE_OVERLAP', message: '10.32.0.0/12' }, dst)
  }
  t.throws(check({ dst: '10.40.1.0/24', dev: 'eth7' }), {
    message: /10\.40\.1\.0\/24.*eth7/,
    remedy: /--ipalloc-range/,
  })
})

t.test("a bridge of Docker's own driver is told as such, with the way to be rid of it", async t => {
  t.throws(check({ dst: '10.43.0.0/24', dev: 'br-0123456789ab' }), {
    ...{ code: 'RANGE_OVERLAP', message: /br-0123456789ab, of Docker/, remedy: /docker network rm 0123456789ab.*45 s/ },
  })
  t.throws(check({ dst: '10.43.0.0/24', dev: 'docker0' }), { message: /Docker/, remedy: /bip/ })
  for (const dev of ['br-lan', 'br-0123456789', 'docker01'])
    t.throws(check({ dst: '10.43.0.0/24', dev }), { code: 'RANGE_OVERLAP', remedy: /--ipalloc-range/ }, dev)
})

t.test('routes that lead into a subnet, our own too', async t => {
  const found = (dst: string) =>
    overlappingRoute(range, [
      { dst: 'default', dev: 'eth0' },
      { dst, dev: 'weave' },
    ])
  t.match(found('10.40.0.0/16'), { dev: 'weave' })
  t.equal(found('10.48.0.0/12'), undefined)
})

t.test('routes that are no obstacle', async t => {
  t.doesNotThrow(check({ dst: 'default', dev: 'eth0' }), 'the default route')
  t.doesNotThrow(check({ dst: '0.0.0.0/0', dev: 'eth0' }), 'a default route in numbers')
  t.doesNotThrow(check({ dst: '10.32.0.0/12', dev: 'weave' }), 'our own bridge')
  t.doesNotThrow(check({ dst: '10.48.0.0/12', dev: 'eth0' }), 'the range next door')
  t.doesNotThrow(check({ dst: '10.0.0.0/8', type: 'blackhole' }), 'a route that only refuses')
})

t.test('a bridge name that something else has is refused', async t => {
  const link = (kind?: string): InterfaceView => ({
    ifindex: 1,
    ifname: 'weave',
    mtu: 1,
    flags: [],
    ...(kind === undefined ? {} : { linkinfo: { info_kind: kind } }),
  })
  t.throws(() => checkBridgeName(link('dummy'), 'weave'), { code: 'BRIDGE_FOREIGN', message: /dummy/ })
  t.throws(() => checkBridgeName(link(), 'weave'), { code: 'BRIDGE_FOREIGN' })
  t.doesNotThrow(() => checkBridgeName(link('bridge'), 'weave'))
  t.doesNotThrow(() => checkBridgeName(undefined, 'weave'))
})

t.test('privileges are read from the capabilities, not from the user id', async t => {
  t.doesNotThrow(() => checkPrivileges('Name:\tx\nCapEff:\t000001ffffffffff\n'))
  t.throws(() => checkPrivileges('CapEff:\t0000000000000000\n'), {
    code: 'NOT_ROOT',
    message: /CAP_NET_ADMIN and CAP_SYS_ADMIN/,
  })
  t.throws(() => checkPrivileges('CapEff:\t0000000000001000\n'), { code: 'NOT_ROOT', message: /needs CAP_SYS_ADMIN,/ })
  t.throws(() => checkPrivileges(''), { code: 'NOT_ROOT' })
})

t.test('a TUN device that cannot be opened is told with the remedy', async t => {
  await t.rejects(checkTun('/dev/net/there-is-none'), { code: 'NO_TUN', remedy: /modprobe tun/ })
})

t.test('a tool that is missing is told with its package', async t => {
  const asked: string[] = []
  const runner = {
    run: async (argv: readonly string[]) => {
      asked.push(argv[0]!)
      if (argv[0] === 'nsenter') throw missingTool('nsenter')
      return { stdout: '', stderr: '', status: 0 }
    },
  }
  await t.rejects(checkTools(runner), { code: 'MISSING_TOOL', remedy: /apt-get install util-linux/ })
  t.strictSame(asked, ['ip', 'nsenter'], 'the first one ends the check')
})
