import t from 'tap'
import { GROUP_FRAMES_PER_SECOND, GROUP_FRAME_BYTES_MAX } from '../../../lib/overlay/constants.ts'
import { igmpFrame, igmpReport, mldReport, streamFrame } from '../../support/group-frames.ts'
import { MAC_A, MAC_B, frame, setUp } from './forwarder-fixture.ts'

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
