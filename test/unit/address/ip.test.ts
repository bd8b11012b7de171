import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { formatIp, formatIpv4, formatIpv6, ipv4Bytes, parseIp, parseIpv4, parseIpv6 } from '../../../lib/address/mod.ts'

const hexGroup = fc.oneof(
  fc.constant('0'),
  fc.nat(0xffff).map(value => value.toString(16)),
)
/** Text that is nearly an address. */
const nearIpv6 = fc.oneof(
  fc.array(hexGroup, { minLength: 1, maxLength: 9 }).map(groups => groups.join(':')),
  fc
    .tuple(fc.array(hexGroup, { maxLength: 7 }), fc.array(hexGroup, { maxLength: 7 }))
    .map(([a, b]) => `${a.join(':')}::${b.join(':')}`),
  fc.tuple(fc.array(hexGroup, { maxLength: 7 }), fc.ipV4()).map(([a, v4]) => `${[...a, v4].join(':')}`),
  fc.tuple(fc.array(hexGroup, { maxLength: 6 }), fc.ipV4()).map(([a, v4]) => `::${[...a, v4].join(':')}`),
  fc.string({ unit: fc.constantFrom(...':0123456789abcdefABCDEFg.'), maxLength: 45 }),
)

t.test('IPv4 accepts what the runtime accepts', async () => {
  const near = fc.oneof(
    fc.ipV4(),
    fc.array(fc.nat(300), { minLength: 3, maxLength: 5 }).map(parts => parts.join('.')),
    fc.string({ unit: fc.constantFrom(...'0123456789. -x'), maxLength: 16 }),
  )
  fc.assert(
    fc.property(near, text => (parseIpv4(text) !== undefined) === isIPv4(text)),
    { numRuns: 2000 },
  )
})

t.test('IPv4 reads back every address', async () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), value => {
      const text = formatIpv4(value)
      return parseIpv4(text) === value && ipv4Bytes(value).join('.') === text
    }),
  )
})

t.test('IPv6 accepts what the runtime accepts', async () => {
  fc.assert(
    fc.property(nearIpv6, text => (parseIpv6(text) !== undefined) === isIPv6(text)),
    { numRuns: 5000 },
  )
})

t.test('IPv6 is read as URL of the runtime reads it', async () => {
  fc.assert(
    fc.property(nearIpv6, text => {
      const bytes = parseIpv6(text)
      return bytes === undefined || `[${formatIpv6(bytes)}]` === new URL(`http://[${text}]/`).hostname
    }),
    { numRuns: 5000 },
  )
})

t.test('IPv6 is written as URL of the runtime writes it (RFC 5952)', async () => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), groups => {
      const long = groups.map(value => value.toString(16)).join(':')
      const bytes = parseIpv6(long)!
      return `[${formatIpv6(bytes)}]` === new URL(`http://[${long}]/`).hostname
    }),
    { numRuns: 2000 },
  )
})

/** RFC 5952 §4 and §5, and corners of RFC 4291. */
for (const [text, canonical] of [
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0DB8::0001', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['1::', '1::'],
  ['fe80::1:0:0:0:0', 'fe80:0:0:1::'],
  ['::10.1.2.3', '::a01:203'],
] as const) {
  t.test(`reads ${text} and writes ${canonical}`, t => {
    t.equal(formatIpv6(parseIpv6(text)!), canonical)
    t.end()
  })
}

t.test('an IPv4 address within IPv6 is the IPv4 address', t => {
  t.strictSame(parseIp('::ffff:10.1.2.3'), Uint8Array.of(10, 1, 2, 3))
  t.equal(formatIp(parseIpv6('::ffff:255.0.0.1')!), '255.0.0.1')
  t.equal(formatIp(parseIpv6('::fffe:10.1.2.3')!), '::fffe:a01:203')
  for (const text of ['', 'host', '1.2.3', 'fe80::1%eth0', '1:2', '[::1]', '::ffff:010.1.2.3', '::0x0a.1.2.3'])
    t.equal(parseIp(text), undefined, text)
  t.end()
})
