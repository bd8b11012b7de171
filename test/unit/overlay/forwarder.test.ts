import t from 'tap'
import { endpointOf, type EndpointParts } from '../../../lib/address/mod.ts'
import {
  CONTROL_PER_SECOND,
  LARGE_FRAME_BYTES,
  LARGE_TOLD_MS,
  MAC_FORMER_MS,
  MAC_MOVES_MAX,
  MAC_SETTLED_SECONDS,
  MOVED_PER_SECOND,
} from '../../../lib/overlay/constants.ts'
import { Forwarder } from '../../../lib/overlay/forwarder.ts'
import { MAC_LOCAL, MAC_UNKNOWN, MacTable } from '../../../lib/overlay/mac-table.ts'
import { ROW_FLAG, SEND, type SwitchDrop } from '../../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND } from '../../../lib/wire/datagram.ts'
import { arpPayload, ethernetFrame, ipv4Payload } from '../../support/frames.ts'
import {
  SELF,
  MAC_A,
  MAC_B,
  MAC_X,
  EVERYBODY,
  type RowInput,
  ScriptedLane,
  frame,
  broadcast,
  setUp,
  expectDrop,
} from './forwarder-fixture.ts'

t.test('says that nothing was there', async t => {
  const { forwarder, lane } = setUp()
  t.equal(forwarder.outbound(0), -1)
  t.equal(forwarder.inbound(0), -1)
  t.same(lane.order, [])
})

t.test('floods what it does not know down its own tree, and learns where it began', async t => {
  const { lane, out, where } = setUp({ laneNumber: 3 })
  t.equal(out({ frame: frame(MAC_B, MAC_A) }, { frame: frame(EVERYBODY, MAC_A) }), 2)
  t.same(lane.sent, [
    [
      [1, 0, DATAGRAM_KIND.broadcast, '1(3)', 0],
      [2, 0, DATAGRAM_KIND.broadcast, '2', 0],
      [1, 1, DATAGRAM_KIND.broadcast, '1(3)', 1],
      [2, 1, DATAGRAM_KIND.broadcast, '2', 1],
    ],
  ])
  t.equal(where(MAC_A), MAC_LOCAL)
  t.equal(where(MAC_B), MAC_UNKNOWN)
})

t.test('sends a known address to its peer alone', async t => {
  const { lane, out, inward } = setUp()
  inward({ frame: frame(MAC_A, MAC_B), from: 3 })
  out({ frame: frame(MAC_B, MAC_A) })
  t.same(lane.sent, [[[3, 0, DATAGRAM_KIND.frame, '', 0]]])
})

t.test('keeps at home what is local', async t => {
  const { lane, out } = setUp()
  out({ frame: frame(EVERYBODY, MAC_B) })
  out({ frame: frame(MAC_B, MAC_A) })
  t.equal(lane.sent.length, 1, 'only the first, a broadcast, left')
  t.equal(lane.drops.size, 0)
})

t.test('with nobody to flood to, says so', async t => {
  const { lane, out } = setUp({ table: { tree: new Int32Array(0) } })
  out({ frame: frame(EVERYBODY, MAC_A) })
  expectDrop(t, lane, 'no-destination')
  t.same(lane.sent, [])
})

t.test('sends in several calls when the flood does not fit one', async t => {
  const { lane, out } = setUp({ sendsMax: 3 })
  out(...[1, 2, 3, 4].map(() => ({ frame: frame(EVERYBODY, MAC_A) })))
  t.same(
    lane.sent.map(call => call.map(row => [row[0], row[1]])),
    [
      [
        [1, 0],
        [2, 0],
        [1, 1],
      ],
      [
        [2, 1],
        [1, 2],
        [2, 2],
      ],
      [
        [1, 3],
        [2, 3],
      ],
    ],
  )
})

t.test('drops what must not cross hosts, both ways', async t => {
  const cases: [SwitchDrop, RowInput][] = [
    ['router-advertisement', { frame: frame(EVERYBODY, MAC_A), flags: ROW_FLAG.routerAdvertisement }],
    ['bridge-control', { frame: frame(0x0180_c200_0000, MAC_A) }],
    ['malformed-frame', { frame: frame(MAC_B, 0x0300_0000_0001) }],
  ]
  for (const [reason, row] of cases) {
    const { lane, out, inward, macs } = setUp()
    out(row)
    expectDrop(t, lane, reason)
    inward({ ...row, from: 1 })
    inward({ ...row, from: 1, kind: DATAGRAM_KIND.broadcast, origin: 1 })
    expectDrop(t, lane, reason, 3)
    t.same(lane.order, [], 'it goes nowhere')
    t.same(macs.entries(0), [], 'and teaches nothing')
  }
})

t.test('a unicast from a peer goes to the TAP and to no other peer', async t => {
  const { lane, inward, where } = setUp()
  inward({ frame: frame(MAC_A, MAC_X), from: 2 })
  t.equal(where(MAC_X), 2)
  inward({ frame: frame(MAC_X, MAC_B), from: 1 }, { frame: frame(EVERYBODY, MAC_B), from: 1 })
  t.same(lane.written, [[0], [0, 1]])
  t.same(lane.sent, [])
})

t.test('a broadcast goes to the TAP, and on to each child that its way names, with what is below that', async t => {
  const { lane, inward, where } = setUp()
  const way = [
    [1, 2],
    [2, 0],
    [9, 0],
    [4, 0],
  ] as const
  inward(broadcast(2, 3, way))
  t.same(lane.written, [[0]])
  t.same(lane.sent, [
    [
      [1, 0, DATAGRAM_KIND.broadcast, '1(2 9)', 0],
      [4, 0, DATAGRAM_KIND.broadcast, '4', 0],
    ],
  ])
  t.equal(where(MAC_X), 3, 'it is learned where it began, not who passed it on')
  t.same(lane.order, ['send', 'tapWrite'], 'the TAP comes last: it may alter the slab')
})

t.test('what is not for this peer is passed on and goes to no TAP', async t => {
  const { lane, inward, where } = setUp()
  inward({ ...broadcast(2, 3), flags: ROW_FLAG.passesOnly })
  t.same(lane.order, ['send'])
  t.equal(lane.sent[0]?.length, 2)
  t.equal(where(MAC_X), 3)
})

t.test('a broadcast never goes back to where it came from or began, nor to whom there is no direct way', async t => {
  const { lane, inward } = setUp({ table: { adjacent: [1, 3, 4], reachable: [1, 2, 3, 4] } })
  const children = [-1, SELF, 1, 2, 3, 4, 77].map(child => [child, 0] as const)
  inward(broadcast(1, 3, children))
  t.same(
    lane.sent[0]?.map(row => row[0]),
    [4],
  )
  const { lane: own, out } = setUp({ table: { adjacent: [2] } })
  out({ frame: frame(EVERYBODY, MAC_A) })
  t.same(
    own.sent[0]?.map(row => row[3]),
    ['2'],
  )
})

t.test('drops broadcasts of nobody, of itself, and what is not proved, which teaches nothing', async t => {
  const { lane, inward, inAt, macs, notices } = setUp()
  inward(broadcast(2, -1))
  expectDrop(t, lane, 'unknown-origin')
  inward(broadcast(2, SELF))
  t.equal(lane.drops.get('flood-origin'), 1)
  inward({ ...broadcast(4, 3), flags: ROW_FLAG.unproved }, { ...broadcast(4, 3), flags: ROW_FLAG.unproved })
  t.equal(lane.drops.get('flood-origin'), 3)
  t.same(lane.order, [])
  t.same(macs.entries(0), [])
  const notice = { kind: 'flood-origin', origin: 3, neighbour: 4 }
  t.same(notices, [{ ...notice, origin: SELF, neighbour: 2 }, notice], 'each neighbour is named once a second')
  inAt(2000, { ...broadcast(4, 1), flags: ROW_FLAG.unproved })
  t.same(notices[2], { ...notice, origin: 1 })
})

t.test('a peer may only use IPv4 sources of its own blocks, of nobody, or from outside the range', async t => {
  const lent = { lentAddresses: Uint32Array.of(0xc0a8_0003, 0xc0a8_0007), lentTo: Int32Array.of(3, 2) }
  const owners = { ...lent, first: 0xc0a8_0000, blockSize: 64, ownerOf: Int32Array.of(1, 2, -1, SELF) }
  const cases: [string, number, number, boolean][] = [
    ['its own block', 1, 0xc0a8_0001, true],
    ['the last of its block', 1, 0xc0a8_003f, true],
    ["another's block", 1, 0xc0a8_0040, false],
    ['and the other way round', 2, 0xc0a8_003f, false],
    ["nobody's block", 1, 0xc0a8_0080, true],
    ['our own block', 1, 0xc0a8_00c0, false],
    ['past the range', 1, 0xc0a8_0100, true],
    ['before the range', 1, 0xc0a7_ffff, true],
    ['no address', 1, 0, true],
    ['what it borrowed', 2, 0xc0a8_0007, true],
    ['what another one borrowed', 2, 0xc0a8_0003, false],
    ['what the owner lent', 1, 0xc0a8_0003, true],
  ]
  for (const [what, origin, source, isAllowed] of cases) {
    const { lane, inward, out, macs, spoofed } = setUp({ table: { owners } })
    const ipv4 = ethernetFrame(MAC_A, MAC_X, ipv4Payload(source, 1), 0x0800)
    const arp = ethernetFrame(EVERYBODY, MAC_X, arpPayload(MAC_X, source, 1), 0x0806)
    inward({ frame: ipv4, from: origin })
    inward({ frame: arp, from: 4, origin, kind: DATAGRAM_KIND.broadcast })
    t.equal(lane.written.length, isAllowed ? 2 : 0, what)
    t.equal(lane.drops.get('spoofed-source') ?? 0, isAllowed ? 0 : 2)
    t.same(spoofed, isAllowed ? [] : [[origin, source]], 'it is told once a second')
    t.equal(macs.entries(0).length, isAllowed ? 1 : 0)
    lane.drops.clear()
    out({ frame: arp })
    t.equal(lane.drops.size, 0, 'our own containers are not checked here')
  }
})

t.test('a local address that turns up elsewhere stays local until it is forgotten', async t => {
  const { lane, inward, out, where, notices, macs } = setUp()
  out({ frame: frame(EVERYBODY, MAC_A) })
  inward({ frame: frame(MAC_B, MAC_A), from: 2 }, { frame: frame(MAC_B, MAC_A), from: 2 })
  t.same([lane.localMoves, where(MAC_A)], [0, MAC_LOCAL])
  t.same(lane.written, [], 'and the bridge does not hear of it')
  expectDrop(t, lane, 'duplicate-mac', 2)
  t.same(notices, [{ kind: 'duplicate-mac', mac: MAC_A, keptAt: MAC_LOCAL, droppedAt: 2 }])
  macs.forget(MAC_A)
  inward({ frame: frame(MAC_B, MAC_A), from: 2 })
  t.equal(where(MAC_A), 2)
  t.same(lane.written, [[0]])
})

t.test('counts addresses of virtual routers that were local and turn up elsewhere, and follows them', async t => {
  const { lane, inward, out, where } = setUp()
  const router = 0x5e00_0101
  out({ frame: frame(EVERYBODY, router) })
  inward({ frame: frame(MAC_B, router), from: 2 }, { frame: frame(MAC_B, router), from: 2 })
  t.equal(lane.localMoves, 1)
  t.equal(where(router), 2)
  out({ frame: frame(EVERYBODY, router) })
  t.equal(where(router), MAC_LOCAL)
  t.same(lane.written, [[0, 1]])
})

t.test('frames for an address that moved go to where it is, and now and then to where it was', async t => {
  const { lane, inward, outAt } = setUp()
  inward({ frame: frame(MAC_A, MAC_B), from: 3 })
  inward({ frame: frame(MAC_A, MAC_B), from: 4 })
  const toB = { frame: frame(MAC_B, MAC_A) }
  const peers = () => lane.sent.splice(0).map(call => call.map(([peer, row, kind]) => [peer, row, kind]))
  const kind = DATAGRAM_KIND.frame
  outAt(1000, toB, toB)
  t.same(peers(), [
    [
      [3, 0, kind],
      [4, 0, kind],
      [4, 1, kind],
    ],
  ])
  outAt(1000 + MAC_FORMER_MS, toB)
  t.same(peers()[0]?.length, 2)
  inward({ frame: frame(MAC_A, MAC_B), from: 3 })
  outAt(1000 + 2 * MAC_FORMER_MS, toB)
  t.same(peers(), [[[3, 0, kind]]], 'no more when it answers')
  inward({ frame: frame(MAC_A, MAC_B), from: 4 })
  outAt(1000 * (2 + MAC_SETTLED_SECONDS), toB)
  t.same(peers(), [[[4, 0, kind]]], 'nor when it is sure to be gone')
})

t.test('an address that two peers use stays with the first, and the frames of the other go nowhere', async t => {
  const { lane, inward, where, notices, inAt } = setUp()
  const of = (from: number) => ({ frame: frame(MAC_B, MAC_A), from })
  inward(of(1))
  for (let move = 1; move < MAC_MOVES_MAX; move++) inward(of(move % 2 === 1 ? 2 : 1))
  lane.written.length = 0
  inward(of(2), of(2), of(1))
  t.same(lane.written, [[2]], 'of the first alone')
  t.equal(where(MAC_A), 1)
  expectDrop(t, lane, 'duplicate-mac', 2)
  t.same(notices, [{ kind: 'duplicate-mac', mac: MAC_A, keptAt: 1, droppedAt: 2 }], 'it is told once a second')
  inAt(2000, { ...broadcast(2, 2), frame: frame(EVERYBODY, MAC_A) })
  t.same([lane.written.length, lane.sent.length], [1, 0], 'nor is a broadcast passed on')
  t.equal(notices.length, 2)
})

t.test('tells now and then of peers to which frames go that a smaller path would lose', async t => {
  const { inward, outAt, large } = setUp()
  inward({ frame: frame(MAC_A, MAC_B), from: 2 })
  const long = new Uint8Array(LARGE_FRAME_BYTES + 1)
  long.set(frame(MAC_B, MAC_A))
  const small = { frame: frame(MAC_B, MAC_A) }
  outAt(1000, small)
  outAt(1000, { frame: long.subarray(0, LARGE_FRAME_BYTES) })
  t.same(large, [], 'not of small ones')
  outAt(1000, { frame: long }, { frame: long })
  t.same(large, [2])
  outAt(1000 + LARGE_TOLD_MS, { frame: long })
  t.same(large, [2, 2])
  const count = Math.floor(LARGE_FRAME_BYTES / small.frame.length)
  outAt(1000 + 2 * LARGE_TOLD_MS, ...Array.from({ length: count }, () => small))
  t.equal(large.length, 2, `${count} of ${small.frame.length} bytes are not more`)
  outAt(1000 + 2 * LARGE_TOLD_MS, ...Array.from({ length: count + 1 }, () => small))
  t.same(large, [2, 2, 2], 'several small ones, which may leave as one')
})

t.test('hands control on with a copy of its body and where it came from', async t => {
  const { lane, inward, controls } = setUp()
  const receiverIndex = 0x9000_0001
  const body = Uint8Array.of(1, 2, 3)
  const row = { frame: body, kind: DATAGRAM_KIND.control, from: 3, receiverIndex }
  inward({ frame: frame(MAC_A, MAC_B), from: 1 }, row, { ...row, flags: ROW_FLAG.relayed })
  lane.slab.fill(0)
  t.same(controls[0], [3, receiverIndex, body, { ip: Uint8Array.of(10, 0, 0, 1), port: 6783 }])
  t.same(controls[1], [3, receiverIndex, body, undefined], 'of a relayed one the source says nothing')
  t.same(lane.written, [[0]], 'control is not for the TAP')
})

t.test('of one peer so many control datagrams and moves are handed on in a second, of others all the same', async t => {
  const { inAt, controls, controlFloods, moves } = setUp()
  const control = { frame: Uint8Array.of(1, 2, 3), kind: DATAGRAM_KIND.control, flags: ROW_FLAG.moved }
  const of = (peer: number) => controls.filter(([from]) => from === peer).length
  for (let i = 0; i < 4 * CONTROL_PER_SECOND; i++) inAt(1000, { ...control, from: 1 })
  t.ok(Math.abs(of(1) - CONTROL_PER_SECOND) <= 1, `${of(1)} of one`)
  t.equal(of(1) + controlFloods(), 4 * CONTROL_PER_SECOND, 'each is handed on or counted')
  t.ok(Math.abs(moves.length - MOVED_PER_SECOND) <= 1, `${moves.length} moves`)
  inAt(1000, { ...control, from: 2 })
  t.equal(of(2), 1)
  t.equal(moves.at(-1)![0], 2)
  const before = of(1)
  inAt(1500, ...Array.from({ length: 16 }, () => ({ ...control, from: 1 })))
  t.equal(of(1), before + 16, 'and later again')
})

t.test('tells once per peer and batch that it moved', async t => {
  const { inward, moves, lane } = setUp()
  const moved = (from: number) => ({
    frame: frame(MAC_A, MAC_B),
    from,
    flags: ROW_FLAG.moved,
    receiverIndex: from + 50,
  })
  t.equal(inward(moved(1), moved(1), moved(2), { frame: frame(MAC_A, MAC_B), from: 3 }, moved(1)), 5)
  const told = moves.map(([peer, index, source]) => {
    const { ip, port } = source as EndpointParts
    return [peer, index, endpointOf(ip, port)]
  })
  t.same(told, [
    [1, 51, '10.0.0.0:6783'],
    [2, 52, '10.0.0.2:6783'],
  ])
  inward(moved(1))
  t.equal(moves.length, 3)
  t.equal(lane.written[0]?.length, 5, 'the frames are delivered all the same')
})

t.test('sequences ascend, leave room for the segments of a super-frame, and stay in their lane', async t => {
  const { lane, out } = setUp({ laneNumber: 15, table: { tree: Int32Array.of(1, 0) } })
  const big = ethernetFrame(EVERYBODY, MAC_A, new Uint8Array(1010))
  const small = { frame: frame(EVERYBODY, MAC_A) }
  out(small, { frame: big, gsoSize: 1400 }, small, { frame: big, gsoSize: 100 }, small)
  const highs = lane.sends.subarray(0, 5 * SEND.columns).filter((_, at) => at % SEND.columns === SEND.sequenceHigh)
  t.same([...highs], new Array(5).fill(15 << 28))
  const lows = lane.sends.subarray(0, 5 * SEND.columns).filter((_, at) => at % SEND.columns === SEND.sequenceLow)
  t.same([...lows], [0, 1, 5, 6, 17])
})

t.test('without a table nothing leaves', async t => {
  const lane = new ScriptedLane()
  const macs = new MacTable(new ArrayBuffer(MacTable.bytesFor(64)))
  const forwarder = new Forwarder(lane, macs, {
    onControl: () => undefined,
    onControlFlood: () => undefined,
    onMoved: () => undefined,
    onWanted: () => undefined,
    onLarge: () => undefined,
    onSpoofed: () => undefined,
    onNotice: () => undefined,
    onGroupFrame: () => true,
  })
  lane.script({ frame: frame(EVERYBODY, MAC_A) })
  forwarder.outbound(0)
  expectDrop(t, lane, 'no-destination')
})

t.test('a lane number that does not fit the ids is refused', async t => {
  t.throws(() => setUp({ laneNumber: 16 }))
  t.throws(() => setUp({ laneNumber: -1 }))
})
