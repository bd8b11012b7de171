import t from 'tap'
import { FLOOD_BURST_MS, FLOOD_PASSED_FACTOR } from '../../../lib/overlay/constants.ts'
import { MAC_LOCAL } from '../../../lib/overlay/mac-table.ts'
import { ROW_FLAG } from '../../../lib/overlay/packet-engine.ts'
import { DEFAULT_SWITCH_RULES } from '../../../lib/overlay/switch-rules.ts'
import { DATAGRAM_KIND } from '../../../lib/wire/datagram.ts'
import { arpPayload, ethernetFrame, ipv4Payload } from '../../support/frames.ts'
import {
  EVERYBODY,
  MAC_A,
  MAC_B,
  MAC_X,
  NOTHING_LENT,
  broadcast,
  expectDrop,
  frame,
  setUp,
} from './forwarder-fixture.ts'

const LIMIT = 20
const rules = { ...DEFAULT_SWITCH_RULES, floodPerSecond: LIMIT }
const BURST = (LIMIT * FLOOD_BURST_MS) / 1000

t.test('a container may have half flooded of what its host may, and the host is told of it', async t => {
  const { lane, out, notices } = setUp({ rules, table: { tree: Int32Array.of(1, 0) } })
  for (let i = 0; i < BURST; i++) out({ frame: frame(EVERYBODY, MAC_A) })
  const taken = BURST / 2 + 1
  t.equal(lane.sent.length, taken)
  expectDrop(t, lane, 'flood-limit', BURST - taken)
  t.same(notices, [{ kind: 'flood', origin: MAC_LOCAL, neighbour: MAC_LOCAL, mac: MAC_A }], 'it is told once a second')
  for (let i = 0; i < BURST; i++) out({ frame: frame(MAC_X, MAC_B) })
  t.equal(lane.sent.length, BURST + 1, 'the rest is for others; unknown addresses count as broadcasts do')
})

t.test('what is flooded of a peer beyond the limit is neither delivered nor passed on; of others it is', async t => {
  const { lane, inward, inAt, notices } = setUp({ rules })
  for (let i = 0; i < 2 * BURST; i++) inward(broadcast(2, 3))
  t.equal(lane.written.length, BURST + 1)
  t.equal(lane.sent.length, BURST + 1)
  expectDrop(t, lane, 'flood-limit', BURST - 1)
  t.same(notices, [{ kind: 'flood', origin: 3, neighbour: 2, mac: MAC_X }])
  inward(broadcast(2, 1))
  inward({ frame: frame(MAC_A, MAC_X), from: 3 })
  t.equal(lane.written.length, BURST + 3, 'another origin, and what is no broadcast, pass')
  inAt(1000 + FLOOD_BURST_MS, broadcast(2, 3))
  t.equal(lane.written.length, BURST + 4)
})

t.test('questions for one host alone count as floods, where they are asked and where they arrive', async t => {
  const owners = { ...NOTHING_LENT, first: 0x0a20_0000, blockSize: 64, ownerOf: Int32Array.of(0, 1) }
  const sender = setUp({ rules, table: { owners } })
  const ask = (own: number, asked: number) => ethernetFrame(EVERYBODY, MAC_A, arpPayload(MAC_A, own, asked), 0x0806)
  for (let i = 0; i < 2 * BURST; i++) sender.out({ frame: ask(0x0a20_0001, 0x0a20_0041) })
  t.same(sender.lane.sent.flat().length, BURST / 2 + 1)
  t.same(sender.lane.sent[0]?.[0]?.slice(0, 3), [1, 0, DATAGRAM_KIND.frame])
  expectDrop(t, sender.lane, 'flood-limit', 2 * BURST - BURST / 2 - 1)
  t.equal(sender.notices.length, 1)
  const receiver = setUp({ rules, table: { owners } })
  for (let i = 0; i < 2 * BURST; i++) receiver.inward({ frame: ask(0x0a20_0041, 0x0a20_0001), from: 1 })
  t.equal(receiver.lane.written.length, BURST + 1)
  expectDrop(t, receiver.lane, 'flood-limit', BURST - 1)
  t.match(receiver.notices, [{ kind: 'flood', origin: 1, neighbour: 1, mac: MAC_A }])
})

t.test('what a neighbour says of a peer costs that peer nothing, and the neighbour runs out itself', async t => {
  const { lane, inward, notices } = setUp({ rules })
  const of = (neighbour: number, origin: number) => ({
    ...broadcast(neighbour, origin),
    frame: frame(EVERYBODY, MAC_X + origin),
  })
  for (let i = 0; i < 2 * BURST; i++) inward(of(2, 1))
  t.equal(lane.written.length, BURST + 1)
  for (let i = 0; i <= BURST; i++) inward(of(1, 1))
  t.equal(lane.written.length, 2 * (BURST + 1), 'all that the peer itself sends')
  for (let i = 0; i <= BURST; i++) inward(of(4, 1))
  t.equal(lane.written.length, 3 * (BURST + 1), 'and what another passes on of it')
  for (let origin = 10; origin < 100; origin++) {
    for (let i = 0; i < BURST / 2; i++) inward(of(2, origin))
  }
  t.ok(lane.written.length <= 3 * (BURST + 1) + FLOOD_PASSED_FACTOR * BURST, `${lane.written.length}`)
  const before = lane.written.length
  inward(of(2, 200), of(3, 200), of(2, 2))
  t.same(lane.written[before], [1, 2], 'others pass on what they like, and what is of the neighbour itself passes')
  t.match(notices[0], { kind: 'flood', origin: 1, neighbour: 2 })
})

t.test('what is not proved costs its alleged source nothing, nor who passed it on', async t => {
  const { lane, inward } = setUp({ rules })
  for (let i = 0; i < 2 * BURST; i++) inward({ ...broadcast(2, 3), flags: ROW_FLAG.unproved })
  expectDrop(t, lane, 'flood-origin', 2 * BURST)
  lane.drops.clear()
  for (let i = 0; i <= BURST; i++) inward(broadcast(2, 3))
  t.equal(lane.written.length, BURST + 1)
  t.equal(lane.drops.size, 0)
})

t.test('a super-frame counts for its segments', async t => {
  const { lane, out } = setUp({ rules, table: { tree: Int32Array.of(1, 0) } })
  const large = { frame: ethernetFrame(EVERYBODY, MAC_A, new Uint8Array(1500)), gsoSize: 100 }
  out(large)
  out({ frame: frame(EVERYBODY, MAC_A) })
  t.equal(lane.sent.length, 1)
  expectDrop(t, lane, 'flood-limit')
})

t.test('answers of DHCP servers and router advertisements stay on their host unless they are allowed', async t => {
  const dhcp = (from: number, to: number) => {
    const payload = ipv4Payload(0x0a20_0001, 0xffff_ffff)
    new DataView(payload.buffer).setUint32(20, from * 0x1_0000 + to)
    return { frame: ethernetFrame(EVERYBODY, MAC_A, payload, 0x0800) }
  }
  const closed = setUp({ table: { tree: Int32Array.of(1, 0) } })
  closed.out(dhcp(67, 68))
  closed.inward({ ...dhcp(67, 68), from: 1 })
  expectDrop(t, closed.lane, 'dhcp-server', 2)
  t.same(closed.lane.order, [])
  closed.out(dhcp(68, 67), dhcp(67, 67))
  t.equal(closed.lane.sent[0]?.length, 2, 'questions, and what relay agents send, pass')
  const open = setUp({
    table: { tree: Int32Array.of(1, 0) },
    rules: { ...rules, allowsDhcpServers: true, allowsRouters: true },
  })
  open.inward({ ...dhcp(67, 68), from: 1, kind: DATAGRAM_KIND.frame })
  open.out(dhcp(67, 68), { frame: frame(EVERYBODY, MAC_A), flags: ROW_FLAG.routerAdvertisement })
  t.equal(open.lane.drops.size, 0)
  t.equal(open.lane.sent[0]?.length, 2)
})
