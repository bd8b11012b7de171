import fc from 'fast-check'
import t from 'tap'
import { formatIpv4 } from '../../../lib/address/mod.ts'
import { heldAddresses, interfaceAddress, interfaceAddresses } from '../../../lib/host/interface-address.ts'
import { isVethName, vethName } from '../../../lib/host/veth-name.ts'

t.test('addresses', async t => {
  t.strictSame(interfaceAddress('10.32.0.1/12'), { text: '10.32.0.1/12', family: 4, prefix: 12 })
  t.strictSame(interfaceAddress('FD00:0::1/64'), { text: 'fd00::1/64', family: 6, prefix: 64 })
  for (const text of [
    '10.32.0.1',
    '10.32.0.1/33',
    '10.32.0.1/0',
    'fd00::1/129',
    'x/8',
    '10.0.0.1/08',
    '10.0.0.1/8 dev lo',
    '',
  ]) {
    t.throws(() => interfaceAddress(text), { code: 'BAD_ADDRESS' }, text)
  }
  for (const text of [
    '224.0.0.9/24',
    '255.255.255.255/32',
    '127.0.0.1/8',
    '0.0.0.0/8',
    'ff02::1/64',
    '::1/128',
    '::/64',
  ]) {
    t.throws(() => interfaceAddress(text), { code: 'BAD_ADDRESS', message: /no interface/ }, text)
  }
  fc.assert(
    fc.property(
      fc.integer({ min: 0x8000_0000, max: 0xdfff_ffff }),
      fc.integer({ min: 1, max: 32 }),
      (address, prefix) => {
        const text = `${formatIpv4(address)}/${prefix}`
        return interfaceAddress(text).text === text
      },
    ),
  )
})

t.test('equal addresses count once', async t => {
  t.equal(interfaceAddresses(['fd00::1/64', 'fd00:0::1/64', '10.0.0.1/8', '10.0.0.1/8']).length, 2)
  const many = Array.from({ length: 65 }, (_, i) => `10.0.0.${i + 1}/8`)
  t.throws(() => interfaceAddresses(many), { code: 'BAD_ADDRESS', message: /65.*64/ })
})

t.test('the kernel’s own link-local addresses are not counted', async t => {
  const addr_info = [
    { family: 'inet', local: '10.32.0.1', prefixlen: 12, scope: 'global' },
    { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
  ]
  t.strictSame(heldAddresses({ ifindex: 1, ifname: 'ethwe', mtu: 1, flags: [], addr_info }), ['10.32.0.1/12'])
})

t.test('host ends have names that fit, and differ by target and by namespace', async t => {
  const name = vethName('netns:a', 4026531840n)
  t.equal(name.length, 14)
  t.ok(isVethName(name))
  t.not(name, vethName('netns:b', 4026531840n))
  t.not(name, vethName('netns:a', 4026531841n))
  for (const other of ['vethwe', 'vethwe-bridge', 'vethwepl12', 'eth0', 'xvethwe01234567']) t.notOk(isVethName(other))
})
