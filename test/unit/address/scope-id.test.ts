import t from 'tap'
import fc from 'fast-check'
import {
  endpointHost,
  endpointOf,
  endpointParts,
  isDialable,
  isScoped,
  parseEndpoint,
  parseIpv6,
  splitScope,
  withScopeId,
  withoutScopeId,
  scopeIdOf,
} from '../../../lib/address/mod.ts'

t.test('a link-local endpoint keeps its scope id through text and parts', t => {
  const endpoint = parseEndpoint('[fe80::1%7]:6783')!
  t.equal(endpoint, '[fe80::1%7]:6783')
  const { ip, port } = endpointParts(endpoint)
  t.same([scopeIdOf(ip), port], [7, 6783])
  t.same(withoutScopeId(ip), parseIpv6('fe80::1'))
  t.equal(endpointOf(ip, port), endpoint)
  t.equal(endpointHost(endpoint), 'fe80::1')
  t.ok(isScoped(endpoint))
  t.notOk(isDialable(endpoint), 'and is of this host only')
  t.equal(parseEndpoint('fe80::1%65535', 1), '[fe80::1%65535]:1')
  t.end()
})

t.test('a scope id is an index, and only link-local addresses have one', t => {
  for (const text of [
    '[fe80::1%eth0]:1',
    '[fe80::1%]:1',
    '[fe80::1%0]:1',
    '[fe80::1%65536]:1',
    '[2001:db8::1%3]:1',
    '192.0.2.1%3:1',
  ])
    t.equal(parseEndpoint(text), undefined, text)
  t.equal(scopeIdOf(parseIpv6('2001:db8:3::1')!), 0)
  t.equal(withScopeId(parseIpv6('2001:db8::1')!, 3), undefined)
  t.equal(withScopeId(parseIpv6('fe80::1')!, 1.5), undefined)
  t.equal(parseEndpoint('[fe80::1]:1'), '[fe80::1]:1')
  t.same(splitScope('fe80::1%eth0'), { address: 'fe80::1', scope: 'eth0' })
  t.same(splitScope('fe80::1'), { address: 'fe80::1', scope: undefined })
  t.end()
})

t.test('whatever 16 bytes records hold, their text leads back to them', t => {
  const links = fc
    .uint8Array({ minLength: 14, maxLength: 14 })
    .map(rest => Uint8Array.of(0xfe, 0x80 | (rest[0]! & 0x3f), ...rest))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ minLength: 16, maxLength: 16 }), links), ip => {
      const endpoint = endpointOf(ip, 6783)
      return parseEndpoint(endpoint) === endpoint && endpointOf(endpointParts(endpoint).ip, 6783) === endpoint
    }),
  )
  t.end()
})
