import fc from 'fast-check'
import t from 'tap'
import { formatMac, isGroupMac, localMac, MAC_BROADCAST, parseMac } from '../../../lib/address/mod.ts'

t.test('reads back every address, in either case', async () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff), (low, high) => {
      const mac = high * 0x1_0000_0000 + low
      const text = formatMac(mac)
      return (
        /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text) && parseMac(text) === mac && parseMac(text.toUpperCase()) === mac
      )
    }),
  )
})

for (const [text, isGroup] of [
  ['ff:ff:ff:ff:ff:ff', true],
  ['01:00:5e:00:00:fb', true],
  ['33:33:00:00:00:01', true],
  ['02:00:00:00:00:01', false],
  ['00:ff:ff:ff:ff:ff', false],
  ['fe:ff:ff:ff:ff:ff', false],
] as const) {
  t.test(`${text} is ${isGroup ? 'a group' : 'one station'}`, t => {
    t.equal(isGroupMac(parseMac(text)!), isGroup)
    t.end()
  })
}

for (const text of [
  '',
  '00:00:00:00:00',
  '00:00:00:00:00:00:00',
  '0:0:0:0:0:0',
  '00-00-00-00-00-00',
  'gg:00:00:00:00:00',
  ' 00:00:00:00:00:00',
]) {
  t.test(`refuses ${JSON.stringify(text)}`, t => {
    t.equal(parseMac(text), undefined)
    t.end()
  })
}

t.test('a local address is unicast, locally administered, and keeps the other bits', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 8 }), bytes => {
      const mac = localMac(bytes)
      const expected = Buffer.from(bytes.subarray(0, 6))
      expected[0] = (expected[0]! & 0xfc) | 2
      return mac === expected.readUIntBE(0, 6) && !isGroupMac(mac) && mac <= MAC_BROADCAST
    }),
  )
})
