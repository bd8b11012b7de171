import t from 'tap'
import { formatIpv4, parseCidr, type Cidr, type Ipv4 } from '../../../lib/address/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { DriverAddresses } from '../../../lib/daemon/driver-addresses.ts'
import { DriverNetworks } from '../../../lib/daemon/driver-networks.ts'
import { DriverRecords } from '../../../lib/daemon/driver-records.ts'
import type { AddressForm } from '../../../lib/ipam/mod.ts'
import { nodeSuite } from '../../../lib/io/mod.ts'
import { ipv6Plan } from '../../support/ipv6-plan.ts'
import { mapStore } from '../../support/map-store.ts'
import { nameList } from '../../support/name-list.ts'

const NET = 'a'.repeat(64)
const OTHER = 'b'.repeat(64)
const E1 = '1'.repeat(64)
const E2 = '2'.repeat(64)
const MAC = '02:42:00:00:00:01'
const MAC2 = '02:42:00:00:00:02'
const POOL = '10.40.0.0/24'
const SIGNAL = new AbortController().signal

/** Both drivers over a node that gives the lowest free address, and a host that notes pairs. */
function world(ipv6 = ipv6Plan(false)) {
  const leases = new Map<Ipv4, Cidr & { container: string; holder: string }>()
  const pairs = new Set<string>()
  const hooks = { pairFails: false, networks: 0, route: undefined as string | undefined }
  const node = {
    leases: (holder: string) => [...leases.values()].filter(lease => lease.holder === holder),
    leasesOf: (container: string) => [...leases.values()].filter(lease => lease.container === container),
    freeAddresses: (container: string, address: Ipv4 | undefined) => {
      for (const lease of node.leasesOf(container))
        if (address === undefined || lease.address === address) leases.delete(lease.address)
    },
  }
  const runner = {
    node,
    requireStore: () => undefined,
    input: (give: (it: typeof node, now: number) => unknown) => give(node, 0),
    requestAddress: async (container: string, form: AddressForm, _signal: AbortSignal, holder: string) => {
      const subnet = form.type === 'claim' ? form.cidr : form.type === 'subnet' ? form.subnet : parseCidr(POOL)!
      const held = node.leasesOf(container)[0]
      if (form.type !== 'claim' && held !== undefined) return [held]
      let { address } = subnet
      if (form.type !== 'claim')
        do address++
        while (leases.has(address))
      const there = leases.get(address)
      if (there !== undefined && there.container !== container)
        throw new WeaveError('ADDRESS_TAKEN', `${formatIpv4(address)} is taken`, 'take another')
      const lease = { address, prefix: subnet.prefix, container, holder }
      leases.set(address, lease)
      return [lease]
    },
  }
  const host = {
    makePair: async (id: string, { mac }: { mac: string }) => {
      if (hooks.pairFails) throw new WeaveError('COMMAND_FAILED', 'no pair', 'try again')
      pairs.add(id)
      return { id, mac, hostInterface: 'vethwe1', guestInterface: 'vethwg1' }
    },
    routeInto: async () => hooks.route,
    removePair: async (id: string) => void pairs.delete(id),
  }
  const records = new DriverRecords(storeOf())
  const { published, book } = nameList()
  const mesh = { range: parseCidr('10.32.0.0/12')!, defaultSubnet: parseCidr('10.32.0.0/12')! }
  const { hash } = nodeSuite()
  const networks = new DriverNetworks(
    { ...{ host, runner, records, book, mesh, hash, ipv6 }, mtu: 1_400 } as never,
    () => hooks.networks++,
  )
  const addresses = new DriverAddresses({ runner, records, mesh, host } as never)
  const net = networks.calls
  const create = (id = NET, more: object = {}) =>
    net['NetworkDriver.CreateNetwork'](
      {
        ...{ NetworkID: id, Options: {}, own: {}, IPv6Data: [] },
        IPv4Data: [{ AddressSpace: 'weave-ts', Pool: POOL }],
        ...more,
      },
      SIGNAL,
    )
  const endpoint = async (id: string, address: string, mac = MAC, more: object = {}) =>
    net['NetworkDriver.CreateEndpoint'](
      {
        ...{ NetworkID: NET, EndpointID: id },
        Interface: { Address: address, AddressIPv6: '', MacAddress: mac, ...more },
      },
      SIGNAL,
    )
  const at = (id: string) => ({ NetworkID: NET, EndpointID: id })
  const join = async (id: string, sandbox = '/run/netns/x') =>
    net['NetworkDriver.Join']({ ...at(id), SandboxKey: sandbox }, SIGNAL)
  const leave = async (id: string) => net['NetworkDriver.Leave'](at(id), SIGNAL)
  const remove = async (id: string) => net['NetworkDriver.DeleteEndpoint'](at(id), SIGNAL)
  const ask = async (mac: string, address = '', pool = POOL, type = '') =>
    (await addresses.calls['IpamDriver.RequestAddress'](
      {
        ...{ PoolID: pool, Address: address },
        Options: {
          ...(mac !== '' && { 'com.docker.network.endpoint.macaddress': mac }),
          ...(type !== '' && { RequestAddressType: type }),
        },
      },
      SIGNAL,
    )) as { Address: string }
  const release = async (address: string) =>
    addresses.calls['IpamDriver.ReleaseAddress']({ PoolID: POOL, Address: address }, SIGNAL)
  const pool = async (Pool: string) =>
    addresses.calls['IpamDriver.RequestPool'](
      { ...{ AddressSpace: '', SubPool: '', Options: {}, V6: false }, Pool },
      SIGNAL,
    )
  const all = { pool, create, endpoint, join, leave, remove, ask, release }
  return { leases, pairs, hooks, records, published, networks, addresses, net, ...all }
}

function storeOf() {
  const records = new Map<string, Uint8Array>()
  const store = mapStore(records)
  return { ...store, range: (prefix: string) => [...records].filter(([key]) => key.startsWith(prefix)) }
}

t.test('the life of an endpoint leaves nothing', async t => {
  const w = world()
  w.create()
  t.equal(w.hooks.networks, 1)
  const { Address } = await w.ask(MAC)
  t.equal(Address, '10.40.0.1/24')
  t.strictSame(await w.endpoint(E1, Address), {}, 'the MAC was given')
  t.strictSame(await w.join(E1), {
    InterfaceName: { SrcName: 'vethwg1', DstPrefix: 'eth' },
    StaticRoutes: ['224.0.0.0/5', '232.0.0.0/5'].map(Destination => ({ Destination, RouteType: 1, NextHop: '' })),
  })
  t.equal(w.pairs.size, 1)
  await w.leave(E1)
  t.equal(w.pairs.size, 0)
  t.equal(w.leases.size, 1)
  await w.remove(E1)
  await w.release('10.40.0.1')
  await w.net['NetworkDriver.DeleteNetwork']({ NetworkID: NET }, SIGNAL)
  t.equal(w.leases.size, 0)
  t.strictSame([w.records.networks(), w.records.endpoints()], [[], []])
})

t.test('what is repeated changes nothing, in whatever order it comes', async t => {
  const w = world()
  for (let i = 0; i < 2; i++) {
    w.create()
    t.equal((await w.ask(MAC)).Address, '10.40.0.1/24')
  }
  for (let i = 0; i < 2; i++) t.strictSame(await w.endpoint(E1, '10.40.0.1/24'), {})
  for (let i = 0; i < 2; i++) await w.join(E1)
  t.equal(w.records.endpoints().length, 1)
  t.equal(w.leases.size, 1)
  for (let i = 0; i < 2; i++) await w.leave(E1)
  for (let i = 0; i < 2; i++) await w.remove(E1)
  for (let i = 0; i < 2; i++) await w.release('10.40.0.1')
  for (let i = 0; i < 2; i++) await w.net['NetworkDriver.DeleteNetwork']({ NetworkID: NET }, SIGNAL)
  await t.rejects(w.join(E1), { code: 'NOT_ATTACHED', message: /does not know the endpoint 111111111111/ })
  t.equal(w.leases.size, 0)
})

t.test('an address that an endpoint has is not given back by the release of somebody else', async t => {
  const w = world()
  w.create()
  await w.endpoint(E1, (await w.ask(MAC)).Address)
  // A gateway of that address, which is leased to nobody, is released with its network.
  t.equal((await w.ask('', '10.40.0.1', POOL, 'com.docker.network.gateway')).Address, '10.40.0.1/24')
  await w.release('10.40.0.1')
  t.equal(w.leases.size, 1)
})

t.test('no two endpoints have one address or one MAC', async t => {
  const w = world()
  w.create()
  await w.endpoint(E1, (await w.ask(MAC)).Address)
  await t.rejects(w.ask(MAC), { code: 'ADDRESS_TAKEN', message: /02:42:00:00:00:01 already/ })
  await t.rejects(w.ask(MAC2, '10.40.0.1'), { code: 'ADDRESS_TAKEN' })
  await t.rejects(w.endpoint(E2, '10.40.0.1/24', MAC2), { code: 'ADDRESS_TAKEN' })
  await t.rejects(w.endpoint(E2, '10.40.0.2/24', MAC), { code: 'ADDRESS_TAKEN' })
  await t.rejects(w.endpoint(E1, '10.40.0.9/24', MAC2), { code: 'ADDRESS_TAKEN' }, 'another one of the same id')
  t.equal(w.leases.size, 1)
})

t.test('who has an address is told as Docker knows it', async t => {
  const w = world()
  w.create()
  w.networks.learn({ id: NET, name: 'net', subnets: [POOL] }, {})
  t.strictSame(w.records.disconnects('f'.repeat(64)), [])
  await w.endpoint(E1, (await w.ask(MAC)).Address)
  await w.join(E1)
  await w.networks.identify(E1, { container: 'f'.repeat(64), description: 'container web on the network net' })
  const refusal = {
    ...{ code: 'ADDRESS_TAKEN', message: /^container web on the network net has 10\.40\.0\.1/ },
    remedy: /docker network disconnect net web/,
  }
  await t.rejects(w.ask(MAC2, '10.40.0.1'), refusal)
  await t.rejects(w.endpoint(E2, '10.40.0.1/24', MAC2), refusal)
  t.strictSame(w.records.disconnects('f'.repeat(64)), ['docker network disconnect net web'])
  await w.ask('', '10.40.0.5')
  await t.rejects(w.ask(MAC2, '10.40.0.5'), { code: 'ADDRESS_TAKEN', message: /--aux-address/ })
})

t.test("addresses of Docker's own choice are claimed, and get a MAC", async t => {
  const w = world()
  w.create(NET, { IPv4Data: [{ AddressSpace: 'LocalDefault', Pool: POOL }] })
  const first = (await w.endpoint(E1, '10.40.0.7/24', '')) as { Interface: { MacAddress: string } }
  t.match(first.Interface.MacAddress, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/)
  t.strictSame(await w.endpoint(E1, '10.40.0.7/24', ''), first)
  t.equal(w.leases.size, 1)
  await w.remove(E1)
  t.equal(w.leases.size, 0)
})

t.test('IPv6 addresses go with those of IPv4', async t => {
  const w = world()
  w.create()
  await t.rejects(w.ask(MAC, '', 'fd00::/64'), { code: 'BAD_ADDRESS', message: /no IPv4 address/ })
  await w.ask(MAC)
  t.equal((await w.ask(MAC, '', 'fd00::/64')).Address, 'fd00::a28:1/64')
  t.equal((await w.ask(MAC, 'fd00::0a28:0001', 'fd00::/64')).Address, 'fd00::a28:1/64')
  await t.rejects(w.ask(MAC, 'fd00::5', 'fd00::/64'), { code: 'BAD_ADDRESS', message: /fd00::5 .*fd00::a28:1/ })
  t.throws(() => w.create(OTHER, { IPv6Data: [{ AddressSpace: 'LocalDefault', Pool: 'fd00::/64' }] }), {
    code: 'BAD_ADDRESS',
  })
})

t.test('an endpoint without an IPv6 address gets the one that goes with its IPv4 address', async t => {
  const plan = ipv6Plan()
  const w = world(plan)
  w.create()
  const [derived = ''] = plan.of(['10.40.0.1/24'])
  const { Address } = await w.ask(MAC)
  for (let i = 0; i < 2; i++)
    t.strictSame(await w.endpoint(E1, Address), { Interface: { AddressIPv6: derived } }, 'repeated as well')
  t.strictSame(w.records.endpoint(E1)?.cidrs, [Address, derived])
  const release = w.addresses.calls['IpamDriver.ReleaseAddress']
  t.strictSame(await release({ PoolID: '', Address: derived }, SIGNAL), {}, 'of no pool')
  t.equal(w.leases.size, 1)
  t.strictSame(await w.endpoint(E2, '10.40.0.2/24', MAC2, { AddressIPv6: 'fd00::2/64' }), {}, 'one that it has stays')
  t.match(await w.endpoint('3'.repeat(64), '10.40.0.3/24', ''), {
    Interface: { MacAddress: /:/, AddressIPv6: /^fd12/ },
  })
})

t.test('an MTU below that of IPv6 leaves an endpoint without an IPv6 address', async t => {
  const w = world(ipv6Plan())
  w.create(NET, { own: { 'com.docker.network.driver.mtu': '1000' } })
  t.strictSame(await w.endpoint(E1, '10.40.0.1/24'), {})
})

t.test('a container on two networks has one route for multicast', async t => {
  const w = world()
  w.create()
  await w.endpoint(E1, '10.40.0.1/24')
  await w.endpoint(E2, '10.40.0.2/24', MAC2)
  const routes = async (id: string, sandbox: string) =>
    ((await w.join(id, sandbox)) as { StaticRoutes: object[] }).StaticRoutes.length
  t.equal(await routes(E1, '/run/netns/x'), 2)
  t.equal(await routes(E2, '/run/netns/x'), 0)
  await w.leave(E2)
  t.equal(await routes(E2, '/run/netns/y'), 2)
})

t.test('options', async t => {
  const w = world()
  w.create(NET, { own: { 'weave-ts.multicast': 'false', 'com.docker.network.driver.mtu': '1300' } })
  t.match(w.records.network(NET), { hasMulticast: false, mtu: 1_300 })
  await w.endpoint(E1, '10.40.0.1/24')
  t.match(await w.join(E1), { StaticRoutes: [] })
  for (const own of [
    { speed: 'high' },
    { 'weave-ts.multicast': 'perhaps' },
    { 'com.docker.network.driver.mtu': '9000' },
    { 'com.docker.network.driver.mtu': 'x' },
  ])
    t.throws(() => w.create(OTHER, { own }), { code: 'USAGE' })
})

t.test('networks that overlap are refused, but for the same subnet and the default one', async t => {
  const w = world()
  const of = (Pool: string) => ({ IPv4Data: [{ AddressSpace: 'weave-ts', Pool }] })
  w.create(NET, of('10.40.0.0/16'))
  t.throws(() => w.create(OTHER, of('10.40.1.0/24')), { code: 'RANGE_OVERLAP', message: /10\.40\.1\.0\/24/ })
  t.throws(() => w.create(OTHER, of('192.0.2.0/24')), { code: 'ADDRESS_OUTSIDE_RANGE' })
  t.throws(() => w.create(OTHER, { IPv4Data: [] }), { code: 'BAD_ADDRESS' })
  w.create(OTHER, of('10.40.0.0/16'))
  w.create('c'.repeat(64), of('10.32.0.0/12'))
})

t.test('a host that is in the default subnet has to name it', async t => {
  const w = world()
  t.match(await w.pool(''), { PoolID: '10.32.0.0/12' })
  w.hooks.route = '10.40.0.0/16'
  await t.rejects(w.pool(''), {
    ...{ code: 'RANGE_OVERLAP', message: /10\.40\.0\.0\/16.*10\.32\.0\.0\/12/, remedy: /--subnet 10\.32\.0\.0\/12/ },
  })
  t.match(await w.pool('10.32.0.0/12'), { PoolID: '10.32.0.0/12' })
})

t.test('requests of addresses that cannot be used', async t => {
  const w = world()
  await t.rejects(w.ask(MAC, '', 'nonsense'), { code: 'BAD_ADDRESS', message: /nonsense/ })
  await t.rejects(w.ask(MAC, '10.41.0.1'), { code: 'BAD_ADDRESS', message: /10\.41\.0\.1 is not in/ })
  await t.rejects(w.ask(''), { code: 'USAGE', message: /without the MAC/ })
  t.equal((await w.ask('', '10.40.0.5')).Address, '10.40.0.5/24', 'reserved for nobody')
  await t.rejects(w.ask(MAC, '10.40.0.5'), { code: 'ADDRESS_TAKEN' })
  await t.rejects(w.endpoint(E1, ''), { code: 'BAD_ADDRESS' })
  await t.rejects(w.endpoint(E1, '10.40.0.6/24', '01:00:00:00:00:01'), { code: 'BAD_ADDRESS' })
  t.equal(w.leases.size, 1)
})

t.test('what names another network than that of the endpoint changes nothing', async t => {
  const w = world()
  w.create()
  await w.endpoint(E1, '10.40.0.1/24')
  await w.join(E1)
  const before = [w.records.endpoints(), w.pairs.size, w.leases.size]
  const at = { NetworkID: OTHER, EndpointID: E1 }
  await w.net['NetworkDriver.Leave'](at, SIGNAL)
  await w.net['NetworkDriver.DeleteEndpoint'](at, SIGNAL)
  await t.rejects(async () => w.net['NetworkDriver.Join']({ ...at, SandboxKey: '/run/netns/y' }, SIGNAL), {
    code: 'NOT_ATTACHED',
  })
  const Interface = { Address: '10.40.0.1/24', AddressIPv6: '', MacAddress: MAC }
  await t.rejects(async () => w.net['NetworkDriver.CreateEndpoint']({ ...at, Interface }, SIGNAL), {
    code: 'ADDRESS_TAKEN',
  })
  t.strictSame([w.records.endpoints(), w.pairs.size, w.leases.size], before)
})

t.test('what is no address of IPv6, or no MAC of one container, is refused in words that can be printed', async t => {
  const w = world()
  const evil = '\u001b]0;x\u0007/64'
  const refusal = { code: 'BAD_ADDRESS', message: /"\\u001b\]0;x/ } as const
  t.throws(() => w.create(NET, { IPv6Data: [{ AddressSpace: 'weave-ts', Pool: evil }] }), refusal)
  w.create(NET, { IPv6Data: [{ AddressSpace: 'weave-ts', Pool: 'FD00:0::/64' }] })
  t.strictSame(w.records.network(NET)?.subnets, [POOL, 'fd00::/64'])
  await t.rejects(w.endpoint(E1, '10.40.0.1/24', MAC, { AddressIPv6: evil }), refusal)
  await t.rejects(w.endpoint(E1, '10.40.0.1/24', MAC, { AddressIPv6: 'fd00::1/129' }), { code: 'BAD_ADDRESS' })
  await w.endpoint(E1, '10.40.0.1/24', MAC, { AddressIPv6: 'FD00:0::1/64' })
  t.strictSame(w.records.endpoint(E1)?.cidrs, ['10.40.0.1/24', 'fd00::1/64'])
  for (const mac of ['01:00:5e:00:00:01', 'nonsense']) await t.rejects(w.ask(mac), { code: 'BAD_ADDRESS' }, mac)
})

t.test('a network that is known is not made again with other subnets', async t => {
  const w = world()
  w.create()
  const other = { IPv4Data: [{ AddressSpace: 'weave-ts', Pool: '10.41.0.0/24' }] }
  t.throws(() => w.create(NET, other), { code: 'BAD_ADDRESS', message: /10\.40\.0\.0\/24.*10\.41\.0\.0\/24/ })
  t.strictSame(w.records.network(NET)?.subnets, [POOL])
})

t.test('a network that Docker has and we do not is learned with its options', async t => {
  const w = world()
  const learn = (id: string, mtu: string) =>
    w.networks.learn({ id, name: 'net', subnets: [POOL, 'nonsense'] }, { 'com.docker.network.driver.mtu': mtu })
  learn(NET, '1300')
  t.match(w.records.network(NET), { mtu: 1_300, hasMulticast: true, subnets: [POOL] })
  for (const mtu of ['9000', 'x']) {
    learn(OTHER, mtu)
    t.equal(w.records.network(OTHER)?.mtu, null, mtu)
  }
})

t.test('a network that Docker has ended is not learned from a list that is older', async t => {
  const w = world()
  w.create()
  await w.net['NetworkDriver.DeleteNetwork']({ NetworkID: NET }, SIGNAL)
  w.networks.learn({ id: NET, name: 'net', subnets: [POOL] }, {})
  t.strictSame(w.records.networks(), [])
  w.networks.learn({ id: OTHER, name: 'other', subnets: [POOL] }, {})
  t.equal(w.records.networks().length, 1, 'another one is')
  await w.networks.forgetNetwork(OTHER)
  w.networks.learn({ id: OTHER, name: 'other', subnets: [POOL] }, {})
  t.equal(w.records.networks().length, 1, 'and so is one that Docker has again, which was only missing for a while')
})

t.test('a pair that cannot be made leaves the endpoint as it was', async t => {
  const w = world()
  w.create()
  await w.endpoint(E1, '10.40.0.1/24')
  w.hooks.pairFails = true
  await t.rejects(w.join(E1), { code: 'COMMAND_FAILED' })
  t.match(w.records.endpoint(E1), { sandbox: '' })
  w.hooks.pairFails = false
  await w.join(E1)
})
