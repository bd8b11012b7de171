import t from 'tap'
import { parseIpv6 } from '../../../lib/address/mod.ts'
import { DATAGRAM_KIND } from '../../../lib/wire/datagram.ts'
import { ethernetFrame, icmpv6Payload } from '../../support/frames.ts'
import { SELF, MAC_A, MAC_X, setUp, NOTHING_LENT } from './forwarder-fixture.ts'

const IPV6 = {
  owners: { ...NOTHING_LENT, first: 0x0a20_0000, blockSize: 64, ownerOf: Int32Array.of(1, 2, -1, SELF) },
  ipv6Prefix: Uint8Array.of(0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a),
}
/** An address of 1, of 2, of nobody, and one that is in no block. */
const [ONES, TWOS, NOBODYS, OUTSIDE] = ['1::a20:1', '1800::a20:41', '1::a20:81', '1::a30:1'].map(
  end => `fd12:3456:789a:${end}`,
)

t.test('a peer may only use IPv6 sources that end in an address of its own, or that are not of the mesh', async t => {
  const cases: [string, number, boolean][] = [
    [ONES!, 1, true],
    [ONES!, 2, false],
    [TWOS!, 1, false],
    [NOBODYS!, 1, true],
    [OUTSIDE!, 1, true],
    ['fd12:3456:789a:1::a20:c1', 1, false],
    ['fd12:3456:789a:1:0:1:a20:1', 1, false],
    ['fd12:3456:789b:1::a20:41', 1, true],
    ['fe80::a20:41', 1, true],
    ['2001:db8::a20:41', 1, true],
    ['::', 1, true],
  ]
  for (const [source, origin, isAllowed] of cases) {
    const { lane, inward, out, macs } = setUp({ table: IPV6 })
    const packet = ethernetFrame(MAC_A, MAC_X, icmpv6Payload(128, 0, { source: parseIpv6(source)! }), 0x86dd)
    inward({ frame: packet, from: origin })
    inward({ frame: packet, from: 4, origin, kind: DATAGRAM_KIND.broadcast })
    t.equal(lane.written.length, isAllowed ? 2 : 0, `${source} of ${origin}`)
    t.equal(lane.drops.get('spoofed-source') ?? 0, isAllowed ? 0 : 2)
    t.equal(macs.entries(0).length, isAllowed ? 1 : 0)
    lane.drops.clear()
    out({ frame: packet })
    t.equal(lane.drops.size, 0, 'our own containers are not checked here')
  }
})

t.test('a peer may only advertise neighbours of its own, and it may those that are not of the mesh', async t => {
  const cases: [string, string, boolean][] = [
    [ONES!, ONES!, true],
    [ONES!, TWOS!, false],
    ['fe80::1', TWOS!, false],
    ['fe80::1', 'fe80::2', true],
    ['fe80::1', NOBODYS!, true],
    ['fe80::1', 'fd12:3456:789a:1:1::a20:1', false],
  ]
  for (const [source, target, isAllowed] of cases) {
    const { lane, inward } = setUp({ table: IPV6 })
    const given = { source: parseIpv6(source)!, target: parseIpv6(target)! }
    for (const headers of [0, 2])
      inward({ frame: ethernetFrame(MAC_A, MAC_X, icmpv6Payload(136, headers, given), 0x86dd), from: 1 })
    t.equal(lane.written.length, isAllowed ? 2 : 0, `${target} from ${source}`)
    t.equal(lane.drops.get('spoofed-neighbour') ?? 0, isAllowed ? 0 : 2)
  }
})

t.test('a neighbour advertisement that is cut short is dropped', async t => {
  const { lane, inward } = setUp({ table: IPV6 })
  inward({ frame: ethernetFrame(MAC_A, MAC_X, icmpv6Payload(136, 0), 0x86dd), from: 1 })
  t.equal(lane.drops.get('spoofed-neighbour'), 1)
})

t.test('without a prefix no IPv6 address is judged', async t => {
  const { lane, inward } = setUp({ table: { owners: IPV6.owners } })
  inward({ frame: ethernetFrame(MAC_A, MAC_X, icmpv6Payload(128, 0, { source: parseIpv6(TWOS!)! }), 0x86dd), from: 1 })
  t.equal(lane.written.length, 1)
})
