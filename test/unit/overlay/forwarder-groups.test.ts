import t from 'tap'
import { parseIp } from '../../../lib/address/mod.ts'
import { GROUP_FRAMES_PER_SECOND, GROUP_FRAME_BYTES_MAX, GROUP_WAYS_MAX } from '../../../lib/overlay/constants.ts'
import { macOfGroup } from '../../../lib/overlay/group-message.ts'
import { DEFAULT_SWITCH_RULES } from '../../../lib/overlay/switch-rules.ts'
import { tagged } from '../../support/frames.ts'
import { igmpFrame, igmpReport, mldReport, streamFrame } from '../../support/group-frames.ts'
import { EVERYBODY, MAC_A, MAC_B, expectDrop, frame, setUp } from './forwarder-fixture.ts'

const G = '239.1.2.3'

t.test('what containers say of groups is handed on, as copies, and nothing else is', async t => {
  const { lane, out, inward, groupFrames } = setUp()
  const said = [
    igmpFrame(0x16, G, MAC_A),
    mldReport([{ type: 4, group: 'ff05::1:3' }], MAC_A),
    igmpFrame(0x11, G, MAC_A),
  ]
  out(...said.map(frame => ({ frame })))
  out({ frame: streamFrame(G, MAC_A) }, { frame: frame(MAC_B, MAC_A) })
  t.same(groupFrames, said)
  lane.slab.fill(0)
  t.same(groupFrames, said)
  inward({ frame: igmpFrame(0x16, G, MAC_B), from: 1 })
  t.equal(groupFrames.length, said.length, 'other hosts tell by records')
})

t.test('more than a lane hands on in a second is told of as one', async t => {
  const { outAt, groupFrames } = setUp()
  for (let i = 0; i < GROUP_FRAMES_PER_SECOND + 10; i++) outAt(1_500, { frame: igmpFrame(0x16, G, MAC_A) })
  t.equal(groupFrames.length, GROUP_FRAMES_PER_SECOND + 1)
  t.equal(groupFrames.at(-1), undefined)
  outAt(2_000, { frame: igmpFrame(0x16, G, MAC_A) })
  t.type(groupFrames.at(-1), Uint8Array, 'the next second begins anew')
  const records = Array.from({ length: 1_200 }, () => ({ type: 4, group: G }))
  const large = igmpReport(records, MAC_A)
  t.ok(large.length > GROUP_FRAME_BYTES_MAX)
  outAt(2_100, { frame: large })
  t.equal(groupFrames.at(-1), undefined)
})

t.test('a frame for the own bridge is written to it as it is', async t => {
  const { lane, forwarder, out } = setUp()
  const query = igmpFrame(0x11, '0.0.0.0', MAC_B)
  forwarder.deliver(query)
  t.same(lane.written, [[0]])
  t.same(lane.slab.subarray(64, 64 + query.length), query)
  out({ frame: frame(MAC_B, MAC_A) })
  t.equal(lane.written.length, 1)
})

const G6 = 'ff05::1:3'
const mac = (group: string) => macOfGroup(parseIp(group)!)
/** The tree is 1(3) 2. */
const LISTENING = [
  [1, []],
  [2, [mac(G)]],
  [3, [mac(G), mac(G6)]],
] as const

/** By which ways a frame from the TAP goes. */
function waysOf(world: ReturnType<typeof setUp>, frame: Uint8Array): string[] {
  const before = world.lane.sent.length
  world.out({ frame })
  return world.lane.sent.slice(before).flatMap(call => call.map(send => String(send[3])))
}

t.test('a frame for a group goes to those who listen, and through others', async t => {
  const world = setUp({ table: { listening: LISTENING } })
  t.same(waysOf(world, streamFrame(G, MAC_A)), ['1*(3)', '2'])
  expectDrop(t, world.lane, 'no-listener', 1)
  t.same(waysOf(world, streamFrame(G6, MAC_A)), ['1*(3)'])
  expectDrop(t, world.lane, 'no-listener', 3)
  t.same(waysOf(world, streamFrame('239.7.7.7', MAC_A)), [])
  expectDrop(t, world.lane, 'no-listener', 6)
})

t.test('who told nothing gets every group, and reports go only there', async t => {
  const world = setUp({ table: { listening: LISTENING.slice(1) } })
  t.same(waysOf(world, streamFrame('239.7.7.7', MAC_A)), ['1'])
  t.same(waysOf(world, streamFrame(G, MAC_A)), ['1(3)', '2'])
  for (const report of [igmpFrame(0x16, G, MAC_A), mldReport([{ type: 4, group: G6 }], MAC_A)])
    t.same(waysOf(world, report), ['1'])
  t.same(waysOf(setUp({ table: { listening: LISTENING } }), igmpFrame(0x16, G, MAC_A)), [])
})

t.test('what everybody has to hear goes to everybody', async t => {
  const world = setUp({ table: { listening: LISTENING } })
  const frames = {
    broadcast: frame(EVERYBODY, MAC_A),
    'mDNS of IPv4': streamFrame('224.0.0.251', MAC_A),
    'all nodes': streamFrame('ff02::1', MAC_A),
    'a solicited-node group': streamFrame('ff02::1:ff00:1', MAC_A),
    'a query': igmpFrame(0x11, G, MAC_A),
    'behind a VLAN tag': tagged(1, streamFrame(G, MAC_A)),
    'an unknown address': frame(MAC_B, MAC_A),
  }
  for (const [what, one] of Object.entries(frames)) t.same(waysOf(world, one), ['1(3)', '2'], what)
  t.equal(world.lane.drops.size, 0)
  const floods = setUp({ table: { listening: LISTENING }, rules: { ...DEFAULT_SWITCH_RULES, keepsGroups: false } })
  t.same(waysOf(floods, streamFrame('239.7.7.7', MAC_A)), ['1(3)', '2'], 'where it was launched so')
})

t.test('ways follow tables, and are right also when there are more than are remembered', async t => {
  const world = setUp({ table: { listening: LISTENING } })
  t.same(waysOf(world, streamFrame(G, MAC_A)), ['1*(3)', '2'])
  world.forwarder.setTable({ ...world.table, listening: [[1, []], ...LISTENING.slice(2)] })
  t.same(waysOf(world, streamFrame(G, MAC_A)), ['1*(3)', '2'], 'the second told nothing')
  world.forwarder.setTable({ ...world.table, listening: [[1, []], [2, []], LISTENING[2]] })
  t.same(waysOf(world, streamFrame(G, MAC_A)), ['1*(3)'])
  world.forwarder.setTable({ ...world.table, tree: Int32Array.of(2, 0, 3, 0), listening: LISTENING })
  t.same(waysOf(world, streamFrame(G, MAC_A)), ['2', '3'])
  const groups = Array.from({ length: GROUP_WAYS_MAX + 20 }, (_, i) => `239.9.${i >> 8}.${i & 255}`)
  world.forwarder.setTable({
    ...world.table,
    listening: [
      [1, groups.map(mac)],
      [2, []],
      [3, []],
    ],
  })
  for (let round = 0; round < 2; round++)
    for (const group of groups.filter((_, i) => i % 50 === 0 || i > GROUP_WAYS_MAX))
      t.same(waysOf(world, streamFrame(group, MAC_A)), ['1'])
  let sent = 0
  for (const group of groups) sent += waysOf(world, streamFrame(group, MAC_A)).length
  t.equal(sent, groups.length)
})
