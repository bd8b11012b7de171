import fc from 'fast-check'
import t from 'tap'
import { frameAddressesOf } from '../../../lib/overlay/frame-addresses.ts'
import { arpPayload, ethernetFrame, icmpv6Payload, ipv4Payload } from '../../support/frames.ts'

const [A, B] = [0x0200_0000_000a, 0x0200_0000_000b]
const MACS = { source: '02:00:00:00:00:0a', destination: '02:00:00:00:00:0b' }

/** The frame with so many VLAN tags. */
function tagged(frame: Uint8Array, tags: number): Uint8Array {
  const tag = Uint8Array.of(0x81, 0, 0, 7)
  return Uint8Array.from([
    ...frame.subarray(0, 12),
    ...Array(tags)
      .fill([...tag])
      .flat(),
    ...frame.subarray(12),
  ])
}

t.test('a frame with an IP packet has the addresses of that, behind VLAN tags too', async t => {
  const ipv4 = ethernetFrame(B, A, ipv4Payload(0x0a20_0001, 0x0a20_0002), 0x0800)
  for (const tags of [0, 1, 4])
    t.strictSame(
      frameAddressesOf(tagged(ipv4, tags)),
      { source: '10.32.0.1', destination: '10.32.0.2' },
      `${tags} tags`,
    )
  const source = Uint8Array.from([0xfe, 0x80, ...Array<number>(13).fill(0), 1])
  t.strictSame(frameAddressesOf(ethernetFrame(B, A, icmpv6Payload(128, 0, { source }), 0x86dd)), {
    source: 'fe80::1',
    destination: '::',
  })
})

t.test('any other has those of Ethernet', async t => {
  t.strictSame(frameAddressesOf(ethernetFrame(B, A, arpPayload(A, 1, 2), 0x0806)), MACS)
  t.strictSame(frameAddressesOf(ethernetFrame(B, A, new Uint8Array(0))), MACS)
  t.strictSame(frameAddressesOf(ethernetFrame(B, A, ipv4Payload(1, 2).subarray(0, 19), 0x0800)), MACS, 'cut short')
  t.strictSame(frameAddressesOf(ethernetFrame(B, A, icmpv6Payload(128).subarray(0, 39), 0x86dd)), MACS, 'cut short')
  t.strictSame(frameAddressesOf(ethernetFrame(B, A, new Uint8Array(40), 0x0800)), MACS, 'of no version')
  t.strictSame(frameAddressesOf(ethernetFrame(B, A, Uint8Array.of(0, 7), 0x8100)), MACS, 'a tag that is cut short')
})

t.test('any bytes have addresses', async () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 14, maxLength: 80 }),
      fc.constantFrom(0x0800, 0x86dd, 0x8100, 0x88a8, undefined),
      (frame, type) => {
        if (type !== undefined) frame.set([type >> 8, type & 0xff], 12)
        const { source, destination } = frameAddressesOf(frame)
        return source.length >= 2 && destination.length >= 2
      },
    ),
    { numRuns: 2_000 },
  )
})
