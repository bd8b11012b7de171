import fc from 'fast-check'
import t from 'tap'
import {
  containsCidr,
  firstAddress,
  formatIpv6Cidr,
  formatMeshPrefix,
  ipv6Of,
  ipv6SubnetOf,
  isOfMesh,
  meshPrefixOf,
  parseCidr,
  parseIpv6,
  subnetOf,
  type Cidr,
  type Ipv6Cidr,
} from '../../../lib/address/mod.ts'
import { fromHex } from '../../../lib/base/mod.ts'
import { stablelibSuite } from '../../../lib/crypto/mod.ts'

const RANGE = parseCidr('10.32.0.0/12')!
const hash = (bytes: Uint8Array, length: number) => stablelibSuite.hash(bytes, length)
const PREFIX = meshPrefixOf(fromHex('000102030405060708090a0b0c0d0e0f')!, hash)

const anyCidr = fc
  .record({ address: fc.nat(0xffff_ffff), prefix: fc.integer({ min: 8, max: 32 }) })
  .map(({ address, prefix }): Cidr => ({ address, prefix }))
const cidrInRange = fc
  .record({ offset: fc.nat(2 ** 20 - 1), prefix: fc.integer({ min: 12, max: 32 }) })
  .map(({ offset, prefix }): Cidr => ({ address: RANGE.address + offset, prefix }))
const cidr = fc.oneof(anyCidr, cidrInRange)

t.test('the prefix of a mesh is that of docs/protocol.md §10.4', async t => {
  t.equal(formatMeshPrefix(PREFIX), 'fdf5:84ae:41ab::/48')
})

for (const [text, ipv6] of [
  ['10.32.0.1/12', ':1::a20:1/64'],
  ['10.40.0.9/24', ':1800::a28:9/64'],
  ['10.47.255.254/27', ':ffff::a2f:fffe/64'],
  ['10.32.0.17/28', ':8000::a20:11/124'],
  ['10.32.0.17/32', ':8000::a20:11/128'],
  ['192.168.7.3/24', '::c0a8:703/120'],
  ['10.0.0.1/8', '::a00:1/104'],
] as const) {
  t.test(`${text} has its IPv6 address`, async t => {
    const start = formatMeshPrefix(PREFIX).replace('::/48', '')
    t.equal(formatIpv6Cidr(ipv6Of(PREFIX, RANGE, parseCidr(text)!)), start + ipv6)
  })
}

t.test('subnets share IPv6 addresses only where they share those of IPv4', async () => {
  fc.assert(
    fc.property(cidr, cidr, (one, other) => {
      const [a, b] = [one, other].map(each => ipv6SubnetOf(ipv6Of(PREFIX, RANGE, each)))
      const isNested = containsCidr(subnetOf(one), subnetOf(other)) || containsCidr(subnetOf(other), subnetOf(one))
      return isNested || !(holds(a!, b!.address) || holds(b!, a!.address))
    }),
    { numRuns: 5000 },
  )
})

t.test('addresses of one subnet are neighbours, whatever their IPv4 address', async () => {
  fc.assert(
    fc.property(cidr, fc.nat(), (one, offset) => {
      const size = 2 ** (32 - one.prefix)
      const other = { address: firstAddress(one) + (offset % size), prefix: one.prefix }
      const subnet = ({ address, prefix }: Cidr) =>
        formatIpv6Cidr(ipv6SubnetOf(ipv6Of(PREFIX, RANGE, { address, prefix })))
      return subnet(one) === subnet(other)
    }),
  )
})

t.test(
  'every address is of the mesh, ends in its IPv4 address, and is no two cidrs of different addresses',
  async () => {
    fc.assert(
      fc.property(cidr, one => {
        const { address } = ipv6Of(PREFIX, RANGE, one)
        const embedded = new DataView(address.buffer).getUint32(12)
        return isOfMesh(PREFIX, address) && embedded === one.address && address.slice(8, 12).every(byte => byte === 0)
      }),
    )
  },
)

t.test('addresses of elsewhere are not of the mesh', async t => {
  for (const text of ['fe80::a20:1', 'fd00:40::a28:9', '2001:db8::a20:1', '::10.32.0.1'])
    t.equal(isOfMesh(PREFIX, parseIpv6(text)!), false, text)
})

t.test('meshes differ in their prefix', async t => {
  const prefixes = Array.from({ length: 500 }, (_, i) => formatMeshPrefix(meshPrefixOf(Uint8Array.of(i >> 8, i), hash)))
  t.equal(new Set(prefixes).size, 500)
  t.ok(prefixes.every(text => text.startsWith('fd')))
})

function holds(subnet: Ipv6Cidr, address: Uint8Array): boolean {
  const { address: first } = ipv6SubnetOf({ address, prefix: subnet.prefix })
  return first.every((byte, i) => byte === subnet.address[i])
}
