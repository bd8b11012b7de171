import type { Test } from 'tap'
import { ROW, ROW_FLAG, WAY_CHILD_AT } from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND, PASSES_ONLY, WAY_ENTRY_BYTES } from '../../lib/wire/datagram.ts'
import {
  counter,
  expectDrops,
  giveOriginKeys,
  linkUp,
  peerIndex,
  receiveRows,
  sendFrames,
  testFrame,
  withMesh,
  type MakeMesh,
} from './packet-engine-fixture.ts'

const AB = peerIndex(0, 1)
const BA = peerIndex(1, 0)

/** What an engine does with broadcasts and their ways. */
export function broadcastsSuite(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: a broadcast carries where it began, proved, and the way below each receiver`, t =>
    withMesh(makeMesh, 5, async (mesh, a, b, c) => {
      linkUp(mesh, 0, 1)
      linkUp(mesh, 1, 2)
      giveOriginKeys(mesh)
      const frame = testFrame(90)
      const kind = DATAGRAM_KIND.broadcast
      // b, who only passes on; below it c, with engine 3 below that, and engine 4.
      const way = [AB, PASSES_ONLY + 3, peerIndex(0, 2), 1, peerIndex(0, 3), PASSES_ONLY, peerIndex(0, 4), 0]
      a!.lane.ways.set(way, 6)
      await sendFrames(a!, AB, [frame], { kind, wayAt: -7, sequence: 2 ** 40 + 5 })
      const [row] = await receiveRows(b!)
      t.same(row?.bytes, frame)
      t.equal(row?.columns[ROW.kind], kind)
      t.equal(row?.columns[ROW.flags], ROW_FLAG.passesOnly)
      t.equal(row?.columns[ROW.fromPeer], BA)
      t.equal(row?.columns[ROW.originPeer], BA)
      const wayAt = row!.columns[ROW.wayAt]!
      const view = new DataView(b!.lane.slab.buffer)
      t.equal(view.getUint16(wayAt - 2, true), 3)
      t.equal(view.getUint16(wayAt, true), 1)
      t.equal(view.getInt32(wayAt + WAY_CHILD_AT, true), peerIndex(1, 2))
      t.equal(view.getInt32(wayAt + 2 * WAY_ENTRY_BYTES + WAY_CHILD_AT, true), peerIndex(1, 4))
      b!.lane.sends.set([0, peerIndex(1, 2), kind, wayAt, 0, 0])
      t.equal(b!.lane.send(1), 1)
      const [passed] = await receiveRows(c!)
      t.same(passed?.bytes, frame)
      t.equal(passed?.columns[ROW.flags], 0)
      t.equal(passed?.columns[ROW.fromPeer], peerIndex(2, 1))
      t.equal(passed?.columns[ROW.originPeer], peerIndex(2, 0), 'it began where it began')
      const passedAt = passed!.columns[ROW.wayAt]!
      const left = new DataView(c!.lane.slab.buffer)
      t.equal(left.getUint16(passedAt - 2, true), 1)
      t.equal(left.getUint16(passedAt, true), PASSES_ONLY)
      t.equal(left.getInt32(passedAt + WAY_CHILD_AT, true), peerIndex(2, 3))
      b!.control.removePeer(BA)
      linkUp(mesh, 2, 1)
      c!.control.removePeer(peerIndex(2, 0))
      await sendFrames(a!, AB, [frame], { kind, wayAt: -7 })
      await expectDrops(t, b!, 'drop:no-session', 1)
    }),
  )

  t.test(`${name}: a long way goes in pieces, and arrives as it was sent`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      const below = 300
      a!.lane.ways.set([AB, below, ...Array.from({ length: below }, (_, at) => [9_000 + at, below - 1 - at]).flat()])
      await sendFrames(a!, AB, [testFrame(90)], { kind: DATAGRAM_KIND.broadcast, wayAt: -1, sequence: 5 })
      const [row] = await receiveRows(b!)
      t.same(row?.bytes, testFrame(90))
      t.ok(counter(b!, 'reassembled') === 1 && counter(a!, 'tx-datagrams') === 4)
      const wayAt = row!.columns[ROW.wayAt]!
      const view = new DataView(b!.lane.slab.buffer)
      t.same(
        Array.from({ length: below }, (_, at) => view.getUint16(wayAt + at * WAY_ENTRY_BYTES, true)),
        Array.from({ length: below }, (_, at) => below - 1 - at),
      )
    }),
  )
}
