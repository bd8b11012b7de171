import t from 'tap'
import {
  AWAITING_BYTES_MAX,
  AWAITING_FRAMES_PER_PEER_MAX,
  AWAITING_MS,
  AWAITING_PEERS_MAX,
  PEER_SLOTS,
} from '../../../lib/overlay/constants.ts'
import { ROW } from '../../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND } from '../../../lib/wire/datagram.ts'
import { arpPayload, ethernetFrame, icmpv6Payload } from '../../support/frames.ts'
import { parseIpv6 } from '../../../lib/address/mod.ts'
import {
  EVERYBODY,
  MAC_A,
  MAC_B,
  MAC_X,
  NOTHING_LENT,
  SELF,
  TABLE,
  expectDrop,
  frame,
  setUp,
} from './forwarder-fixture.ts'
import { DEFAULT_SWITCH_RULES } from '../../../lib/overlay/switch-rules.ts'

const toB = { frame: frame(MAC_B, MAC_A) }
const kind = DATAGRAM_KIND.frame

t.test('a frame for a peer without a way is flooded to nobody, and leaves when there is one', async t => {
  const { lane, inward, out, forwarder } = setUp({ table: { reachable: [1] } })
  inward({ frame: frame(MAC_A, MAC_B), from: 2 }, { frame: frame(MAC_A, MAC_X), from: 1 })
  out({ ...toB, gsoSize: 9 }, toB, { frame: frame(MAC_X, MAC_A) })
  t.same(lane.sent, [[[1, 2, kind, '', 0]]], 'only the one for which there is a way')
  lane.sent.length = 0
  out({ frame: frame(MAC_X, MAC_A) })
  lane.sent.length = 0
  forwarder.setTable({ ...TABLE, reachable: [1] })
  t.same(lane.sent, [])
  forwarder.setTable(TABLE)
  t.same(lane.sent, [[[2, 0, kind, '', 0]], [[2, 0, kind, '', 0]]])
  t.same(lane.frames.slice(-2), Array<string>(2).fill(Buffer.from(toB.frame).toString('hex')))
  t.equal(lane.rows[ROW.gsoSize], 0, 'each with its own row')
  forwarder.setTable(TABLE)
  t.equal(lane.sent.length, 2, 'and once')
  t.equal(lane.drops.size, 0)
})

t.test('says that a peer is wanted, once a second, until there is a way', async t => {
  const { inward, out, outAt, wanted, forwarder } = setUp({ table: { reachable: [1] } })
  inward({ frame: frame(MAC_A, MAC_B), from: 2 }, { frame: frame(MAC_A, MAC_X), from: 1 })
  out(toB, toB, { frame: frame(MAC_X, MAC_A) })
  t.same(wanted, [2], 'not the one that can be reached')
  outAt(1999, toB)
  t.same(wanted, [2])
  outAt(2000, toB)
  t.same(wanted, [2, 2])
  forwarder.setTable(TABLE)
  outAt(3000, toB)
  t.same(wanted, [2, 2])
})

t.test('peers that share a slot report in different seconds, so that reports are bounded', async t => {
  const { inward, outAt, wanted } = setUp({ table: { reachable: [] } })
  const far = 2 + PEER_SLOTS
  inward({ frame: frame(MAC_A, MAC_B), from: 2 }, { frame: frame(MAC_A, MAC_X), from: far })
  outAt(1000, toB, { frame: frame(MAC_X, MAC_A) })
  t.same(wanted, [2])
  outAt(2000, { frame: frame(MAC_X, MAC_A) }, toB)
  t.same(wanted, [2, far])
})

t.test('what waits too long is dropped', async t => {
  const { lane, inward, outAt, forwarder } = setUp({ table: { reachable: [] } })
  inward({ frame: frame(MAC_A, MAC_B), from: 2 })
  outAt(1000, toB)
  outAt(1500, toB)
  outAt(999 + AWAITING_MS)
  t.equal(lane.drops.size, 0)
  outAt(1000 + AWAITING_MS)
  expectDrop(t, lane, 'path-awaited')
  forwarder.setTable(TABLE)
  t.equal(lane.sent.length, 1, 'the younger one is there still')
})

t.test('what waits for a peer that is gone is not sent to the next under its index', async t => {
  const { lane, inward, out, forwarder } = setUp({ table: { reachable: [] } })
  inward({ frame: frame(MAC_A, MAC_B), from: 2 })
  out(toB)
  forwarder.forgetPeer(2)
  expectDrop(t, lane, 'path-awaited')
  forwarder.setTable(TABLE)
  t.same(lane.sent, [])
})

t.test('the newest frames to a peer wait, of few peers, and few bytes', async t => {
  const { lane, inward, out, forwarder } = setUp({ table: { reachable: [] } })
  inward({ frame: frame(MAC_A, MAC_B), from: 2 })
  for (let i = 0; i < AWAITING_FRAMES_PER_PEER_MAX + 3; i++) out(toB)
  expectDrop(t, lane, 'path-awaited', 3)
  forwarder.setTable(TABLE)
  t.equal(lane.sent.length, AWAITING_FRAMES_PER_PEER_MAX)

  const many = setUp({ table: { reachable: [] } })
  for (let peer = 1; peer <= AWAITING_PEERS_MAX + 5; peer++) {
    many.inward({ frame: frame(MAC_A, MAC_X + peer), from: peer })
    many.out({ frame: frame(MAC_X + peer, MAC_A) })
  }
  expectDrop(t, many.lane, 'path-awaited', 5)

  const large = setUp({ table: { reachable: [] } })
  const bytes = 2000
  for (let peer = 1; peer <= 30; peer++) large.inward({ frame: frame(MAC_A, MAC_X + peer), from: peer })
  const room = Math.floor(AWAITING_BYTES_MAX / bytes)
  let held = 0
  for (let round = 0; round < AWAITING_FRAMES_PER_PEER_MAX && held < room + 4; round++)
    for (let peer = 1; peer <= 30 && held < room + 4; peer++, held++)
      large.out({ frame: ethernetFrame(MAC_X + peer, MAC_A, new Uint8Array(bytes - 14)) })
  expectDrop(t, large.lane, 'path-awaited', 4)
})

const lent = { lentAddresses: Uint32Array.of(0x0a20_0045), lentTo: Int32Array.of(3) }
const OWNERS = {
  owners: { ...NOTHING_LENT, ...lent, first: 0x0a20_0000, blockSize: 64, ownerOf: Int32Array.of(SELF, 2, -1, 4) },
  ipv6Prefix: Uint8Array.of(0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a),
}
const ask = (target: number, sender = 0x0a20_0001) => ({
  frame: ethernetFrame(EVERYBODY, MAC_A, arpPayload(MAC_A, sender, target), 0x0806),
})
const solicit = (target: string, source = 'fe80::1') => ({
  frame: ethernetFrame(
    0x3333_ff00_0001,
    MAC_A,
    icmpv6Payload(135, 0, { source: parseIpv6(source)!, target: parseIpv6(target)! }),
    0x86dd,
  ),
})

t.test('who alone may have an address is asked for it, and nobody else', async t => {
  const everybody = [1, 2]
  const cases: [string, ReturnType<typeof ask>, number[], number][] = [
    ['of a block', ask(0x0a20_0041), [2], kind],
    ['lent', ask(0x0a20_0045), [3], kind],
    ['of nobody', ask(0x0a20_0081), everybody, DATAGRAM_KIND.broadcast],
    ['not of the mesh', ask(0x0a30_0001), everybody, DATAGRAM_KIND.broadcast],
    ['own', ask(0x0a20_0005), everybody, DATAGRAM_KIND.broadcast],
    ['a probe', ask(0x0a20_0041, 0), everybody, DATAGRAM_KIND.broadcast],
    ['an announcement', ask(0x0a20_0041, 0x0a20_0041), everybody, DATAGRAM_KIND.broadcast],
    ['IPv6', solicit('fd12:3456:789a:1::a20:41'), [2], kind],
    ['IPv6, lent', solicit('fd12:3456:789a:1::a20:45'), [3], kind],
    ['IPv6, no address of the mesh', solicit('fd12:3456:789a:1:0:1:a20:41'), everybody, DATAGRAM_KIND.broadcast],
    ['IPv6, of another net', solicit('fd12:3456:789b:1::a20:41'), everybody, DATAGRAM_KIND.broadcast],
    ['IPv6, link-local', solicit('fe80::a20:41'), everybody, DATAGRAM_KIND.broadcast],
    ['IPv6, detection of duplicates', solicit('fd12:3456:789a:1::a20:41', '::'), everybody, DATAGRAM_KIND.broadcast],
  ]
  for (const [what, row, peers, sentKind] of cases) {
    const { lane, out } = setUp({ table: OWNERS })
    out(row)
    t.same(
      lane.sent[0]?.map(send => [send[0], send[2]]),
      peers.map(peer => [peer, sentKind]),
      what,
    )
  }
})

t.test('a question for an address of a peer without a way waits for one, and makes it', async t => {
  const { lane, out, wanted, forwarder } = setUp({ table: { ...OWNERS, reachable: [1] } })
  out(ask(0x0a20_0041))
  t.same(wanted, [2])
  t.same(lane.sent, [])
  forwarder.setTable({ ...TABLE, ...OWNERS })
  t.same(lane.sent, [[[2, 0, kind, '', 0]]])
})

t.test('where it is wished everybody is asked', async t => {
  const { lane, out } = setUp({ table: OWNERS, rules: { ...DEFAULT_SWITCH_RULES, asksOwner: false } })
  out(ask(0x0a20_0041), solicit('fd12:3456:789a:1::a20:41'))
  t.equal(lane.sent[0]?.length, 4)
})
