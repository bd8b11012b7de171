import fc from 'fast-check'
import t from 'tap'
import { parseCidr, parseIpv4 } from '../../../lib/address/mod.ts'
import { askedPool, formatPool, pooledIpv6, parsePool, subnetText } from '../../../lib/daemon/driver-pools.ts'

const range = parseCidr('10.32.0.0/12')!
const mesh = { range, defaultSubnet: parseCidr('10.33.0.0/16')! }

t.test('what is asked for has a name that means the same again', t => {
  const cases: [string, string, boolean, string, string][] = [
    ['', '', false, '10.33.0.0/16', '10.33.0.0/16'],
    ['10.40.0.0/24', '', false, '10.40.0.0/24', '10.40.0.0/24'],
    ['10.40.0.0/24', '10.40.0.128/25', false, '10.40.0.0/24 10.40.0.128/25', '10.40.0.0/24'],
    ['10.40.0.0/24', '10.40.0.0/24', false, '10.40.0.0/24', '10.40.0.0/24'],
    ['fd00:0040::/64', '', true, 'fd00:40::/64', 'fd00:40::/64'],
  ]
  for (const [subnet, part, isIpv6, name, text] of cases) {
    const pool = askedPool(subnet, part, isIpv6, mesh)
    t.equal(formatPool(pool), name)
    t.equal(subnetText(pool), text)
    t.strictSame(parsePool(name), pool)
  }
  t.end()
})

t.test('what cannot be had is refused', t => {
  const cases: [string, string, boolean, string, RegExp][] = [
    ['192.0.2.0/24', '', false, 'ADDRESS_OUTSIDE_RANGE', /192\.0\.2\.0\/24.*10\.32\.0\.0\/12/],
    ['10.40.0.1/24', '', false, 'BAD_ADDRESS', /host bits/],
    ['10.40.0.0/31', '', false, 'BAD_ADDRESS', /fewer than 4/],
    ['nonsense', '', false, 'BAD_ADDRESS', /nonsense/],
    ['', '10.40.0.0/25', false, 'BAD_ADDRESS', /without a subnet/],
    ['10.40.0.0/24', '10.41.0.0/25', false, 'BAD_ADDRESS', /not inside the subnet/],
    ['', '', true, 'BAD_ADDRESS', /IPv6 .* without a subnet/],
    ['10.40.0.0/24', '', true, 'BAD_ADDRESS', /no subnet|not a subnet of IPv6/],
    ['fd00::/112', '', true, 'BAD_ADDRESS', /not a subnet of IPv6/],
    ['fd00::1/64', '', true, 'BAD_ADDRESS', /not a subnet of IPv6/],
    ['fe80::/64', '', true, 'BAD_ADDRESS', /not a subnet of IPv6/],
    ['ff02::/64', '', true, 'BAD_ADDRESS', /not a subnet of IPv6/],
    ['fd00::/64', 'fd00::/80', true, 'BAD_ADDRESS', /made from the IPv4 address/],
  ]
  for (const [subnet, part, isIpv6, code, message] of cases)
    t.throws(() => askedPool(subnet, part, isIpv6, mesh), { code, message }, `${subnet} ${part}`)
  t.end()
})

t.test('an IPv6 address ends in the IPv4 address', t => {
  const pool = parsePool('fd00:40::/64')
  t.ok(pool?.family === 6 && pooledIpv6(pool, parseIpv4('10.40.0.9')!) === 'fd00:40::a28:9')
  t.end()
})

t.test('foreign names of pools never throw', t => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.ipV4().map(ip => `${ip}/24`),
        fc.ipV6().map(ip => `${ip}/64`),
      ),
      text => {
        const pool = parsePool(text)
        return pool === undefined || parsePool(formatPool(pool)) !== undefined
      },
    ),
  )
  t.end()
})
