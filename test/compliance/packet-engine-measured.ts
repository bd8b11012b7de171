import type { Test } from 'tap'
import { MEASURED_BURST_MAX } from '../../lib/overlay/constants.ts'
import { RAW_ROW_KIND, READY, ROW, VIA_LINK } from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND, DATAGRAM_TYPE_RAW } from '../../lib/wire/datagram.ts'
import { MEASURED_AT, MEASURED_OVERHEAD_BYTES, MEASURE_KIND, encodeMeasured } from '../../lib/wire/measure-message.ts'
import {
  drops,
  expectDrops,
  linkUp,
  PATH_BYTES,
  peerIndex,
  receiveRows,
  until,
  withMesh,
  type MakeMesh,
} from './packet-engine-fixture.ts'

const AB = peerIndex(0, 1)

/** Test datagrams of measurements. */
export function measuredSuite(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: sends test datagrams as frames go, each with its number`, t =>
    withMesh(makeMesh, 3, async (mesh, a, b, c) => {
      const body = encodeMeasured(MEASURE_KIND.measured, new Uint8Array(8).fill(7), 200, 9)
      t.equal(a!.control.sendMeasured(AB, body, 0, 3, false), 0, 'not without a session')
      linkUp(mesh, 0, 1)
      t.equal(a!.control.sendMeasured(AB, body, 2 ** 32 - 2, 3, false), 3)
      const rows = await receiveRows(b!, 3)
      t.same(
        rows.map(({ bytes }) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(MEASURED_AT.number, true)),
        [2 ** 32 - 2, 2 ** 32 - 1, 0],
      )
      t.same(rows[0]?.bytes.subarray(MEASURED_AT.token), body.subarray(MEASURED_AT.token))
      t.equal(rows[0]?.columns[ROW.kind], DATAGRAM_KIND.control)
      const before = drops(a!)
      t.equal(a!.control.sendMeasured(AB, new Uint8Array(PATH_BYTES), 0, 2, false), 0, 'what does not fit is not cut')
      t.equal(drops(a!), before + 2)
      t.equal(a!.control.sendMeasured(AB, body.subarray(0, 19), 0, 1, false), 0, 'no test datagram is so short')
      t.equal(a!.control.sendMeasured(AB, body, 0, MEASURED_BURST_MAX + 1, false), 0, 'nor so many')
      const largest = new Uint8Array(PATH_BYTES - MEASURED_OVERHEAD_BYTES)
      t.equal(a!.control.sendMeasured(AB, largest, 0, 1, false), 1)
      t.equal((await receiveRows(b!))[0]?.bytes.length, largest.length)

      linkUp(mesh, 1, 2)
      linkUp(mesh, 0, 2)
      a!.control.setEndpoint(peerIndex(0, 2), undefined)
      t.equal(a!.control.sendMeasured(peerIndex(0, 2), body, 0, 1, false), 0, 'not without a path')
      a!.control.setVia(peerIndex(0, 2), AB)
      t.equal(a!.control.sendMeasured(peerIndex(0, 2), body, 5, 2, false), 2)
      let relayed = 0
      await until(b!.lane, READY.udp, () => {
        relayed += Math.max(0, b!.lane.udpRead())
        return b!.control.counters()['relayed'] === 2 ? true : undefined
      })
      t.equal(relayed, 0, 'a relay sees none')
      t.equal((await receiveRows(c!, 2)).length, 2)
    }),
  )
  t.test(
    `${name}: test datagrams go past the session only to who is reached directly, and are taken by their token`,
    t =>
      withMesh(makeMesh, 3, async (mesh, a, b, c) => {
        const token = Uint8Array.of(9, 8, 7, 6, 5, 4, 3, 2)
        const datagram = encodeMeasured(DATAGRAM_TYPE_RAW, token, 300, 1)
        t.equal(a!.control.sendMeasured(AB, datagram, 0, 1, true), 0, 'not where there is no session')
        linkUp(mesh, 0, 1)
        t.equal(a!.control.sendMeasured(AB, datagram, 7, 2, true), 2)
        await expectDrops(t, b!, 'drop:type', 2)
        b!.control.takeRaw(token)
        t.equal(a!.control.sendMeasured(AB, datagram, 7, 2, true), 2)
        await mesh.strangerSend(b!.endpoint, encodeMeasured(DATAGRAM_TYPE_RAW, new Uint8Array(8).fill(1), 300, 1))
        const rows = await receiveRows(b!, 2)
        t.same(
          rows.map(({ bytes, columns }) => [columns[ROW.kind], columns[ROW.fromPeer], columns[ROW.flags], bytes[4]]),
          [
            [RAW_ROW_KIND, -1, 0, 7],
            [RAW_ROW_KIND, -1, 0, 8],
          ],
        )
        t.equal(rows[0]?.bytes.length, 300, 'in the clear, and whole')
        await expectDrops(t, b!, 'drop:type', 3)
        b!.control.takeRaw(undefined)
        a!.control.sendMeasured(AB, datagram, 0, 1, true)
        await expectDrops(t, b!, 'drop:type', 4)
        t.equal(a!.control.sendMeasured(AB, datagram.subarray(0, 32), 0, 1, true), 0, 'none is so short')
        const before = drops(a!)
        t.equal(a!.control.sendMeasured(AB, new Uint8Array(PATH_BYTES + 1), 0, 1, true), 0, 'what does not fit')
        linkUp(mesh, 1, 2)
        linkUp(mesh, 0, 2)
        a!.control.setVia(peerIndex(0, 2), AB)
        t.equal(
          a!.control.sendMeasured(peerIndex(0, 2), datagram, 0, 1, true),
          0,
          'nothing in the clear through a relay',
        )
        a!.control.setVia(peerIndex(0, 2), VIA_LINK)
        t.equal(a!.control.sendMeasured(peerIndex(0, 2), datagram, 0, 1, true), 0, 'nor over a link')
        t.equal(drops(a!), before + 3)
        t.ok(c)
      }),
  )
}
