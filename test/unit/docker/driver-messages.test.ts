import fc from 'fast-check'
import t from 'tap'
import { DRIVER_CALLS, parseDriverRequest, type DriverCallName } from '../../../lib/docker/mod.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'

const NETWORK = '1'.repeat(64)
const ENDPOINT = '2'.repeat(64)
const NAMES = Object.keys(DRIVER_CALLS) as DriverCallName[]

/** As Docker 20.10 sends them, shortened. */
const GOOD: Readonly<Partial<Record<DriverCallName, object>>> = {
  'NetworkDriver.CreateNetwork': {
    NetworkID: NETWORK,
    Options: {
      'com.docker.network.enable_ipv6': false,
      'com.docker.network.generic': { 'weave-ts.multicast': 'false' },
    },
    IPv4Data: [{ AddressSpace: 'weave-ts', Gateway: '10.40.0.0/24', Pool: '10.40.0.0/24', AuxAddresses: null }],
    IPv6Data: null,
  },
  'NetworkDriver.CreateEndpoint': {
    NetworkID: NETWORK,
    EndpointID: ENDPOINT,
    Interface: { Address: '10.40.0.1/24', AddressIPv6: '', MacAddress: '02:42:00:00:00:01' },
    Options: { 'com.docker.network.portmap': [{ Proto: 6 }] },
  },
  'NetworkDriver.Join': { NetworkID: NETWORK, EndpointID: ENDPOINT, SandboxKey: '/run/netns/x', Options: null },
  'IpamDriver.RequestPool': { AddressSpace: 'weave-ts', Pool: '', SubPool: '', Options: null, V6: false },
  'IpamDriver.RequestAddress': { PoolID: '10.40.0.0/24', Address: '', Options: { RequestAddressType: 'x' } },
}

t.test('bodies as Docker sends them are read; what Go leaves out is empty', t => {
  for (const [name, body] of Object.entries(GOOD))
    t.notOk(parseDriverRequest(name as DriverCallName, JSON.stringify(body)) instanceof Error, name)
  const network = parseDriverRequest('NetworkDriver.CreateNetwork', JSON.stringify(GOOD['NetworkDriver.CreateNetwork']))
  t.match(network, { own: { 'weave-ts.multicast': 'false' }, IPv4Data: [{ Pool: '10.40.0.0/24' }], IPv6Data: [] })
  t.match(
    parseDriverRequest('NetworkDriver.CreateEndpoint', JSON.stringify({ NetworkID: NETWORK, EndpointID: ENDPOINT })),
    {
      Interface: { Address: '', MacAddress: '' },
    },
  )
  t.strictSame(parseDriverRequest('IpamDriver.RequestPool', '{}'), {
    ...{ AddressSpace: '', Pool: '', SubPool: '', Options: {}, V6: false },
  })
  for (const body of ['', 'null']) t.strictSame(parseDriverRequest('Plugin.Activate', body), {})
  t.end()
})

t.test('what cannot be used is said', t => {
  const cases: [DriverCallName, string, RegExp][] = [
    ['NetworkDriver.Join', '{', /no JSON/],
    ['NetworkDriver.Join', '[]', /expected object/],
    ['NetworkDriver.Join', JSON.stringify({ NetworkID: NETWORK, EndpointID: '../x' }), /^EndpointID: must be 64 hex/],
    ['NetworkDriver.CreateNetwork', JSON.stringify({ NetworkID: NETWORK, IPv4Data: [{}] }), /^IPv4Data\.0\.Pool/],
    ['IpamDriver.RequestAddress', JSON.stringify({ PoolID: 5 }), /^PoolID/],
    ['IpamDriver.RequestAddress', JSON.stringify({ PoolID: 'x'.repeat(2_000) }), /^PoolID/],
  ]
  for (const [name, body, why] of cases) t.match((parseDriverRequest(name, body) as Error).message, why)
  t.end()
})

t.test('foreign bodies never throw', t => {
  for (const name of NAMES) {
    const good = new TextEncoder().encode(JSON.stringify(GOOD[name] ?? {}))
    fc.assert(
      fc.property(
        fc.oneof(
          foreignBytes(good).map(bytes => Buffer.from(bytes).toString()),
          fc.json(),
        ),
        body => {
          parseDriverRequest(name, body)
        },
      ),
      { numRuns: 200 },
    )
  }
  t.end()
})
