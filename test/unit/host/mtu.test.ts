import fc from 'fast-check'
import t from 'tap'
import type { InterfaceView, RouteView } from '../../../lib/host/ip-json.ts'
import { configuredMtu, overlayMtu, underlayMtu } from '../../../lib/host/mtu.ts'
import { OVERHEAD_IPV6_BYTES, OVERHEAD_RELAY_BYTES } from '../../../lib/wire/datagram.ts'

const link = (ifname: string, mtu: number, flags: string[] = ['UP']): InterfaceView => ({
  ifindex: 1,
  ifname,
  mtu,
  flags,
})
const links = [
  link('lo', 65_536, ['LOOPBACK', 'UP']),
  link('eth0', 1_500),
  link('eth1', 1_400),
  link('wg0', 1_420),
  link('weave', 600),
]
const ours = new Set(['weave'])

t.test('underlay MTU', async t => {
  const cases: { readonly name: string; readonly routes: readonly RouteView[]; readonly mtu: number }[] = [
    { name: 'is that of the default route', routes: [{ dst: 'default', dev: 'eth0' }], mtu: 1_500 },
    {
      name: 'ignores other routes where there is a default route',
      routes: [
        { dst: 'default', dev: 'eth0' },
        { dst: '10.0.0.0/8', dev: 'eth1' },
      ],
      mtu: 1_500,
    },
    {
      name: 'is the smallest of several default routes',
      routes: [
        { dst: 'default', dev: 'eth0' },
        { dst: 'default', dev: 'wg0' },
      ],
      mtu: 1_420,
    },
    {
      name: 'is the smallest of all routes without a default route',
      routes: [
        { dst: '10.0.0.0/8', dev: 'eth0' },
        { dst: '10.9.0.0/16', dev: 'eth1' },
      ],
      mtu: 1_400,
    },
    {
      name: 'obeys the MTU of a route',
      routes: [{ dst: 'default', dev: 'eth0', metrics: [{ mtu: 1_300 }] }],
      mtu: 1_300,
    },
    {
      name: 'sees multipath routes',
      routes: [{ dst: 'default', nexthops: [{ dev: 'eth0' }, { dev: 'eth1' }] }],
      mtu: 1_400,
    },
    {
      name: 'ignores our own bridge, the loopback and routes that refuse',
      routes: [
        { dst: '10.32.0.0/12', dev: 'weave' },
        { dst: '127.0.0.0/8', dev: 'lo' },
        { dst: '10.0.0.0/8', type: 'blackhole', dev: 'eth1' },
      ],
      mtu: 1_500,
    },
    { name: 'is 1500 without any route', routes: [], mtu: 1_500 },
  ]
  for (const { name, routes, mtu } of cases) t.equal(underlayMtu(routes, links, ours), mtu, name)
})

t.test('overlay MTU', async t => {
  t.equal(overlayMtu(1_500), 1_330, 'leaves room for IPv6 and one relay')
  t.equal(overlayMtu(9_000), 8_830)
  t.equal(overlayMtu(1_280), 1_280, 'never falls below what IPv6 needs')
  fc.assert(
    fc.property(fc.integer({ min: 68, max: 70_000 }), underlay => {
      const mtu = overlayMtu(underlay)
      const fits = mtu + OVERHEAD_IPV6_BYTES + OVERHEAD_RELAY_BYTES <= underlay
      return mtu >= 1_280 && mtu <= 65_000 && (fits || mtu === 1_280)
    }),
  )
})

t.test('a configured MTU', async t => {
  t.equal(configuredMtu(576), 576)
  t.equal(configuredMtu(65_000), 65_000)
  for (const mtu of [575, 65_001, 1_400.5, Number.NaN]) t.throws(() => configuredMtu(mtu), { code: 'CONFIG_INVALID' })
  t.throws(() => configuredMtu(1_279, { ipv6: true }), { code: 'CONFIG_INVALID' }, 'is at least 1280 with IPv6')
})
