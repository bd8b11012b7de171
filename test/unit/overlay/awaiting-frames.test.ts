import t from 'tap'
import { AwaitingFrames } from '../../../lib/overlay/awaiting-frames.ts'
import { AWAITING_BYTES_MAX, AWAITING_FRAMES_PER_PEER_MAX, AWAITING_MS } from '../../../lib/overlay/constants.ts'
import { ROW } from '../../../lib/overlay/packet-engine.ts'
import { ScriptedLane } from './forwarder-fixture.ts'

function setUp() {
  const lane = new ScriptedLane()
  let dropped = 0
  const frames = new AwaitingFrames(lane, count => (dropped += count))
  const add = (peer: number, bytes: Uint8Array, now = 0) => {
    lane.slab.set(bytes, 4_096)
    lane.rows[3 * ROW.columns + ROW.offset] = 4_096
    lane.rows[3 * ROW.columns + ROW.length] = bytes.length
    frames.add(peer, 3 * ROW.columns, now)
    lane.slab.fill(0xee)
    lane.rows.fill(-1)
  }
  const release = (...peers: number[]) => {
    const sent: [number, number[]][] = []
    frames.release(
      peer => peers.includes(peer),
      peer => {
        const offset = lane.rows[ROW.offset]!
        sent.push([peer, [...lane.slab.subarray(offset, offset + lane.rows[ROW.length]!)]])
      },
    )
    return sent
  }
  return { frames, add, release, dropped: () => dropped }
}

t.test('frames leave in the order in which they came, once, as copies, and only those of peers with a way', async t => {
  const { add, release, dropped } = setUp()
  add(1, Uint8Array.of(1, 2))
  add(2, Uint8Array.of(9))
  add(1, Uint8Array.of(3))
  t.same(release(3), [])
  t.same(release(1), [
    [1, [1, 2]],
    [1, [3]],
  ])
  t.same(release(1, 2), [[2, [9]]])
  t.same(release(1, 2), [])
  t.equal(dropped(), 0)
})

t.test('the newest of a peer wait, no longer than their time', async t => {
  const { frames, add, release, dropped } = setUp()
  for (let i = 0; i < AWAITING_FRAMES_PER_PEER_MAX + 2; i++) add(1, Uint8Array.of(i), i)
  t.equal(dropped(), 2)
  frames.expire(AWAITING_MS + 1)
  t.equal(dropped(), 2)
  frames.expire(AWAITING_MS + 3)
  t.equal(dropped(), 4)
  t.same(release(1)[0], [1, [4]])
  frames.expire(3 * AWAITING_MS)
  t.equal(dropped(), 4, 'what left does not expire')
})

t.test('what is forgotten, or expired, or left makes room for as many bytes', async t => {
  const { frames, add, release, dropped } = setUp()
  const bytes = new Uint8Array(16_384)
  const fill = () => {
    for (let i = 0; i < AWAITING_BYTES_MAX / bytes.length; i++) add(i >> 2, bytes)
  }
  fill()
  t.equal(dropped(), 0)
  add(99, Uint8Array.of(1))
  t.equal(dropped(), 1, 'there is room for no byte more')
  frames.forget(0)
  t.equal(dropped(), 5)
  t.same(release(0), [])
  frames.forget(0)
  t.equal(dropped(), 5)
  t.equal(release(1, 2, 3).length, AWAITING_BYTES_MAX / bytes.length - 4)
  fill()
  t.equal(dropped(), 5)
  frames.expire(AWAITING_MS)
  t.equal(dropped(), 5 + AWAITING_BYTES_MAX / bytes.length)
  fill()
  t.equal(dropped(), 5 + AWAITING_BYTES_MAX / bytes.length)
})
