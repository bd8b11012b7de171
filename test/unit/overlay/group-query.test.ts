import t from 'tap'
import { formatMac, parseIp } from '../../../lib/address/mod.ts'
import { toHex } from '../../../lib/base/mod.ts'
import { GROUP_MESSAGE, groupMessageAt } from '../../../lib/overlay/group-message.ts'
import { groupQueries } from '../../../lib/overlay/group-query.ts'

const SETTINGS = { mac: 0x0200_0000_0a0b, responseMs: 1_000, intervalSeconds: 125 }

/** RFC 1071: over good bytes with their checksum it is 0xffff. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes[at]! * 256 + (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}

t.test('everybody is asked in IGMPv3 and in MLDv2', async t => {
  const [igmp, mld] = groupQueries(SETTINGS) as [Uint8Array, Uint8Array]
  t.equal(
    toHex(igmp),
    '01005e000001' +
      '020000000a0b' +
      '0800' +
      '46c00024000040000102' +
      toHex(igmp.subarray(24, 26)) +
      '00000000' +
      'e0000001' +
      '94040000' +
      '110a' +
      toHex(igmp.subarray(40, 42)) +
      '00000000' +
      '027d0000',
  )
  t.equal(sumOf(igmp.subarray(14, 38)), 0xffff, 'checksum of the header')
  t.equal(sumOf(igmp.subarray(38)), 0xffff, 'checksum of the message')
  t.equal(
    toHex(mld),
    '333300000001' +
      '020000000a0b' +
      '86dd' +
      '6000000000240001' +
      'fe8000000000000000000' +
      '0fffe000a0b' +
      'ff020000000000000000000000000001' +
      '3a00050200000100' +
      '8200' +
      toHex(mld.subarray(64, 66)) +
      '03e80000' +
      '00'.repeat(16) +
      '027d0000',
  )
  for (const frame of [igmp, mld]) t.equal(groupMessageAt(frame, 0, frame.length), GROUP_MESSAGE.router)
})

t.test('one group is asked in its own version, at its own address', async t => {
  const [igmp, ...none] = groupQueries(SETTINGS, parseIp('239.1.2.3'))
  t.same(none, [])
  t.equal(toHex(igmp!.subarray(0, 6)), '01005e010203')
  t.equal(toHex(igmp!.subarray(42, 46)), 'ef010203')
  t.equal(sumOf(igmp!.subarray(38)), 0xffff)
  const [mld] = groupQueries(SETTINGS, parseIp('ff05::1:3'))
  t.equal(toHex(mld!.subarray(0, 6)), '333300010003')
  const source = mld!.subarray(22, 38)
  const pseudo = Uint8Array.of(...source, ...mld!.subarray(38, 54), 0, 0, 0, 28, 0, 0, 0, 58, ...mld!.subarray(62))
  t.equal(sumOf(pseudo), 0xffff, 'checksum with the pseudo header')
  t.equal(formatMac(SETTINGS.mac), '02:00:00:00:0a:0b')
})
