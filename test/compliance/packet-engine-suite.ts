import type { Test } from 'tap'
import { endpointOf, parseIpv6 } from '../../lib/address/mod.ts'
import { READY, ROW, ROW_FLAG, type CipherName } from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { arpPayload, ethernetFrame, icmpv6Payload, ipv4Payload, tagged } from '../support/frames.ts'
import {
  copyRows,
  counter,
  drops,
  expectDrops,
  linkUp,
  MAC_A,
  MAC_B,
  peerIndex,
  receiveRows,
  sendFrames,
  shortIdOf,
  testFrame,
  until,
  withMesh,
  type MakeMesh,
} from './packet-engine-fixture.ts'
import { broadcastsSuite } from './packet-engine-broadcasts.ts'
import { hostileSuite } from './packet-engine-hostile.ts'
import { linksSuite } from './packet-engine-links.ts'
import { measuredSuite } from './packet-engine-measured.ts'
import { originsSuite } from './packet-engine-origins.ts'

export type { MakeMesh, SuiteEngine, SuiteMesh } from './packet-engine-fixture.ts'

const AB = peerIndex(0, 1)
const BA = peerIndex(1, 0)
const CIPHERS: readonly CipherName[] = ['chacha20-poly1305', 'aes-256-gcm']

/** What every packet engine must do. `makeMesh` gives fresh engines for each case. */
export function packetEngineSuite(t: Test, name: string, makeMesh: MakeMesh): void {
  roundTrips(t, name, makeMesh)
  rekeying(t, name, makeMesh)
  control(t, name, makeMesh)
  relaying(t, name, makeMesh)
  broadcastsSuite(t, name, makeMesh)
  originsSuite(t, name, makeMesh)
  linksSuite(t, name, makeMesh)
  measuredSuite(t, name, makeMesh)
  hostileSuite(t, name, makeMesh)
}

/** A header of IPv6 with nothing but a fragment header behind it, which is to follow. */
const IPV6_FRAGMENT = [0x60, 0, 0, 0, 0, 8, 44, 64, ...new Array<number>(32).fill(0)]

/** The payload of an IPv4 frame with these UDP ports. */
function udpOverIpv4(from: number, to: number): Uint8Array {
  const packet = ipv4Payload(0x0a20_0001, 0xffff_ffff)
  new DataView(packet.buffer).setUint32(20, from * 0x1_0000 + to)
  return packet
}

function roundTrips(t: Test, name: string, makeMesh: MakeMesh): void {
  for (const cipher of CIPHERS) {
    t.test(`${name}: carries frames both ways, unaltered, under ${cipher}`, t =>
      withMesh(makeMesh, 2, async (mesh, a, b) => {
        linkUp(mesh, 0, 1, { cipher })
        for (const bytes of [14, 60, 61, 590, 1400]) {
          const frame = testFrame(bytes)
          t.equal(await sendFrames(a!, AB, [frame]), 1, `${bytes} bytes leave as one datagram`)
          const [row] = await receiveRows(b!)
          t.same(row?.bytes, frame, `${bytes} bytes arrive`)
          t.equal(row?.columns[ROW.fromPeer], BA)
          t.equal(row?.columns[ROW.kind], DATAGRAM_KIND.frame)
          t.equal(row?.columns[ROW.flags], 0)
        }
        const answer = testFrame(100, 7)
        await sendFrames(b!, BA, [answer])
        const [row] = await receiveRows(a!)
        t.same(row?.bytes, answer, 'the way back works')
        t.equal(row?.columns[ROW.fromPeer], AB)
      }),
    )
  }

  t.test(`${name}: writes to the TAP what came, in order`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      const frames = [60, 300, 1000].map(testFrame)
      t.equal(await sendFrames(a!, AB, frames), 3)
      const written: Uint8Array[] = []
      await until(b!.lane, READY.udp, () => {
        const count = b!.lane.udpRead()
        for (let row = 0; row < count; row++) b!.lane.deliveries[row] = row
        if (count > 0) t.equal(b!.lane.tapWrite(count), count)
        written.push(...b!.takeTap())
        return written.length >= frames.length ? true : undefined
      })
      t.same(written, frames)
    }),
  )

  t.test(`${name}: one frame of a batch goes to several peers`, t =>
    withMesh(makeMesh, 3, async (mesh, a, b, c) => {
      linkUp(mesh, 0, 1)
      linkUp(mesh, 0, 2)
      const { lane } = a!
      a!.pushTap(testFrame(200))
      await until(lane, READY.tap, () => (lane.tapRead() > 0 ? true : undefined))
      lane.sends.set([0, AB, DATAGRAM_KIND.frame, 0, 0, 0, 0, peerIndex(0, 2), DATAGRAM_KIND.frame, 0, 0, 0])
      t.equal(lane.send(2), 2)
      t.same((await receiveRows(b!))[0]?.bytes, testFrame(200))
      t.same((await receiveRows(c!))[0]?.bytes, testFrame(200))
    }),
  )

  t.test(`${name}: says the same of a frame from the TAP and from a peer`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      const stp = 0x0180_c200_0000
      const cases: [
        string,
        Uint8Array,
        { flags?: number; etherType: number; sourceIpv4?: number; sourceIpv6?: number[] },
      ][] = [
        ['plain', testFrame(60), { etherType: 0x88b5 }],
        [
          'IPv4',
          ethernetFrame(MAC_B, MAC_A, ipv4Payload(0x0a20_0001, 0x0a20_0002), 0x0800),
          { etherType: 0x0800, sourceIpv4: 0x0a20_0001 },
        ],
        [
          'ARP of a high address',
          ethernetFrame(0xffff_ffff_ffff, MAC_A, arpPayload(MAC_A, 0xc0a8_0001, 0xc0a8_0002), 0x0806),
          { etherType: 0x0806, sourceIpv4: 0xc0a8_0001 | 0 },
        ],
        [
          'router advertisement',
          ethernetFrame(0x3333_0000_0001, MAC_A, icmpv6Payload(134), 0x86dd),
          { etherType: 0x86dd, flags: ROW_FLAG.routerAdvertisement },
        ],
        [
          'redirect behind extension headers',
          ethernetFrame(0x3333_0000_0001, MAC_A, icmpv6Payload(137, 2), 0x86dd),
          { etherType: 0x86dd, flags: ROW_FLAG.routerAdvertisement },
        ],
        [
          'answer of a DHCP server',
          ethernetFrame(0xffff_ffff_ffff, MAC_A, udpOverIpv4(67, 68), 0x0800),
          { etherType: 0x0800, sourceIpv4: 0x0a20_0001, flags: ROW_FLAG.dhcpServer },
        ],
        [
          'question to a DHCP server',
          ethernetFrame(0xffff_ffff_ffff, MAC_A, udpOverIpv4(68, 67), 0x0800),
          { etherType: 0x0800, sourceIpv4: 0x0a20_0001 },
        ],
        [
          'first fragment that ends before the ports of UDP',
          ethernetFrame(0x3333_0001_0002, MAC_A, Uint8Array.of(...IPV6_FRAGMENT, 17, 0, 0, 1, 0, 0, 0, 9), 0x86dd),
          { etherType: 0x86dd, flags: ROW_FLAG.dhcpServer },
        ],
        [
          'first fragment that ends before its headers do',
          ethernetFrame(0x3333_0001_0002, MAC_A, Uint8Array.of(...IPV6_FRAGMENT, 60, 0, 0, 1, 0, 0, 0, 9), 0x86dd),
          {
            etherType: 0x86dd,
            flags: ROW_FLAG.routerAdvertisement | ROW_FLAG.neighbourAdvertisement | ROW_FLAG.dhcpServer,
          },
        ],
        [
          'later fragment',
          ethernetFrame(0x3333_0001_0002, MAC_A, Uint8Array.of(...IPV6_FRAGMENT, 17, 0, 0, 9, 0, 0, 0, 9), 0x86dd),
          { etherType: 0x86dd },
        ],
        [
          'answer of a DHCP server behind four tags',
          tagged(4, ethernetFrame(0xffff_ffff_ffff, MAC_A, udpOverIpv4(67, 68), 0x0800)),
          { etherType: 0x0800, sourceIpv4: 0x0a20_0001, flags: ROW_FLAG.dhcpServer },
        ],
        [
          'neighbour solicitation',
          ethernetFrame(0x3333_0000_0001, MAC_A, icmpv6Payload(135), 0x86dd),
          { etherType: 0x86dd },
        ],
        [
          'neighbour advertisement behind extension headers',
          ethernetFrame(
            0x3333_0000_0001,
            MAC_A,
            icmpv6Payload(136, 1, { source: parseIpv6('fd12:3456:789a:1::a20:1')!, target: parseIpv6('fe80::1')! }),
            0x86dd,
          ),
          {
            etherType: 0x86dd,
            flags: ROW_FLAG.neighbourAdvertisement,
            sourceIpv4: 0x0a20_0001,
            sourceIpv6: [0xfd12_3456 | 0, 0x789a_0001, 0],
          },
        ],
        [
          'bridge control',
          ethernetFrame(stp, MAC_A, new Uint8Array(46), 38),
          { etherType: 38, flags: ROW_FLAG.bridgeControl },
        ],
      ]
      for (const [what, frame, expected] of cases) {
        a!.pushTap(frame)
        const count = await until(a!.lane, READY.tap, () => a!.lane.tapRead() || undefined)
        const [fromTap] = copyRows(a!.lane, count ?? 0, false)
        t.equal(fromTap?.columns[ROW.fromPeer], -1, `${what}: the TAP is no peer`)
        await sendFrames(a!, AB, [frame])
        const [fromPeer] = await receiveRows(b!)
        const view = new DataView(frame.buffer)
        for (const row of [fromTap, fromPeer]) {
          t.same(row?.bytes, frame, what)
          t.equal(row?.columns[ROW.destinationHigh], view.getUint16(0))
          t.equal(row?.columns[ROW.destinationLow], view.getInt32(2))
          t.equal(row?.columns[ROW.sourceHigh], view.getUint16(6))
          t.equal(row?.columns[ROW.sourceLow], view.getInt32(8))
          t.equal(row?.columns[ROW.etherType], expected.etherType)
          t.equal(row?.columns[ROW.flags], expected.flags ?? 0)
          t.equal(row?.columns[ROW.sourceIpv4], expected.sourceIpv4 ?? 0)
          t.same([...row!.columns.slice(ROW.sourceIpv6, ROW.sourceIpv6 + 3)], expected.sourceIpv6 ?? [0, 0, 0])
        }
      }
    }),
  )

  t.test(`${name}: nothing leaves without a session or without a path; what is too big for it goes in pieces`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      t.equal(await sendFrames(a!, AB, [testFrame(60)]), 0)
      t.equal(counter(a!, 'drop:no-session'), 1)
      linkUp(mesh, 0, 1)
      a!.control.setEndpoint(AB, undefined)
      t.equal(await sendFrames(a!, AB, [testFrame(60)]), 0)
      t.equal(counter(a!, 'drop:no-path'), 1)
      a!.control.setEndpoint(AB, b!.endpoint)
      a!.control.setPathBytes(AB, 700)
      t.equal(counter(a!, 'tx-datagrams'), 0)
      t.equal(await sendFrames(a!, AB, [testFrame(700 - 16 - 8 - 16)]), 1, 'what fits the path exactly goes whole')
      t.same((await receiveRows(b!))[0]?.bytes.length, 660)
      t.ok((await sendFrames(a!, AB, [testFrame(1400)])) > 0)
      t.match(a!.control.counters(), { fragmented: 1, 'tx-datagrams': 1 + 3 })
      const [whole] = await receiveRows(b!)
      t.same(whole?.bytes, testFrame(1400))
      t.equal(counter(b!, 'reassembled'), 1)
    }),
  )

  t.test(`${name}: counts datagrams and bytes, in all and by session`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const keys = linkUp(mesh, 0, 1)
      await sendFrames(a!, AB, [testFrame(100), testFrame(200)])
      await receiveRows(b!, 2)
      const bytes = 300 + 2 * (16 + 8 + 16)
      t.match(a!.control.counters(), { 'tx-datagrams': 2, 'tx-bytes': bytes })
      t.match(b!.control.counters(), { 'rx-datagrams': 2, 'rx-bytes': bytes })
      t.match(a!.control.sessionTotals(keys.firstIndex), { sentDatagrams: 2, sentBytes: bytes, receivedDatagrams: 0 })
      t.match(b!.control.sessionTotals(keys.secondIndex), { receivedDatagrams: 2, receivedBytes: bytes, sentBytes: 0 })
      t.equal(a!.control.sessionTotals(keys.secondIndex), undefined)
      a!.lane.countDrop('spoofed-source', 5)
      a!.lane.countLocalMove()
      t.equal(counter(a!, 'drop:spoofed-source'), 5, 'what the switch dropped is counted with the rest')
    }),
  )
}

function rekeying(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: opens with old and new sessions while a rekey is under way`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const old = linkUp(mesh, 0, 1)
      await sendFrames(a!, AB, [testFrame(60, 1)])
      const fresh = linkUp(mesh, 0, 1, { seal: false, cipher: 'aes-256-gcm' })
      await sendFrames(a!, AB, [testFrame(60, 2)])
      a!.control.sealWith(AB, fresh.firstIndex)
      await sendFrames(a!, AB, [testFrame(60, 3)])
      const rows = await receiveRows(b!, 3)
      t.same(
        rows.map(row => row.columns[ROW.receiverIndex]! >>> 0),
        [old.secondIndex, old.secondIndex, fresh.secondIndex],
      )
      t.same(
        rows.map(row => row.bytes),
        [1, 2, 3].map(mark => testFrame(60, mark)),
        'no frame is lost',
      )
      b!.control.removeSession(old.secondIndex)
      a!.control.sealWith(AB, old.firstIndex)
      await sendFrames(a!, AB, [testFrame(60, 4)])
      await expectDrops(t, b!, 'drop:no-session', 1)
      a!.control.sealWith(AB, 0)
      await sendFrames(a!, AB, [testFrame(60, 5)])
      t.equal(counter(a!, 'drop:no-session'), 1, 'sealing with none drops')
    }),
  )

  const limits: [CipherName, number, number][] = [
    ['aes-256-gcm', 2 ** 34, 2],
    // The last number below 2^60 that a double holds.
    ['chacha20-poly1305', 2 ** 60, 128],
  ]
  for (const [cipher, limit, left] of limits) {
    t.test(`${name}: seals no datagram beyond the last counter of ${cipher}`, t =>
      withMesh(makeMesh, 2, async (mesh, a, b) => {
        const keys = linkUp(mesh, 0, 1, { cipher, firstCounter: limit - left })
        const body = Uint8Array.of(1)
        for (let i = 1; i < left; i++) t.ok(a!.control.sendControl(keys.firstIndex, body), `counter ${i} of ${left}`)
        t.equal(await sendFrames(a!, AB, [testFrame(60)]), 1, 'the last counter is used')
        t.equal(await sendFrames(a!, AB, [testFrame(60)]), 0, 'there is none after it')
        t.notOk(a!.control.sendControl(keys.firstIndex, body), 'for control neither')
        const rows = await receiveRows(b!, left)
        t.equal(rows.length, left, 'what was sealed can be opened')
        linkUp(mesh, 0, 1)
        t.equal(await sendFrames(a!, AB, [testFrame(60)]), 1, 'a new session goes on')
      }),
    )
  }

  t.test(`${name}: a removed peer is gone with its sessions`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const keys = linkUp(mesh, 0, 1)
      b!.control.removePeer(BA)
      await sendFrames(a!, AB, [testFrame(60)])
      await expectDrops(t, b!, 'drop:no-session', 1)
      t.equal(b!.control.sessionTotals(keys.secondIndex), undefined)
      t.notOk(b!.control.sendControl(keys.secondIndex, Uint8Array.of(1)))
      const before = drops(b!)
      t.equal(await sendFrames(b!, BA, [testFrame(60)]), 0)
      t.equal(drops(b!), before + 1)
      b!.control.setPeer(BA, shortIdOf(0))
      t.equal(await sendFrames(b!, BA, [testFrame(60)]), 0, 'a new peer of that index begins with nothing')
    }),
  )
}

function control(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: carries control datagrams and tells where they came from`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const keys = linkUp(mesh, 0, 1, { seal: false })
      const body = Uint8Array.from({ length: 333 }, (_, i) => i)
      t.ok(a!.control.sendControl(keys.firstIndex, body), 'on a session that seals no frames yet')
      a!.control.setEndpoint(AB, undefined)
      t.notOk(a!.control.sendControl(keys.firstIndex, body), 'not without a path')
      t.ok(a!.control.sendControl(keys.firstIndex, new Uint8Array(0), b!.endpoint), 'but to an endpoint given')
      t.notOk(a!.control.sendControl(keys.firstIndex + 500, body), 'not on a session that is not there')
      const [first, second] = await receiveRows(b!, 2)
      t.same(first?.bytes, body)
      t.equal(first?.columns[ROW.kind], DATAGRAM_KIND.control)
      t.equal(first?.columns[ROW.fromPeer], BA)
      t.equal(first!.columns[ROW.receiverIndex]! >>> 0, keys.secondIndex)
      t.equal(first?.source, endpointOf(a!.endpoint.ip, a!.endpoint.port))
      t.equal(second?.bytes.length, 0)
    }),
  )

  t.test(`${name}: flags what comes from another endpoint than the peer's, and changes nothing by itself`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const keys = linkUp(mesh, 0, 1)
      a!.control.sendControl(keys.firstIndex, Uint8Array.of(1))
      t.equal((await receiveRows(b!))[0]?.columns[ROW.flags], 0, 'the known endpoint is not flagged')
      a!.control.sendControl(keys.firstIndex, Uint8Array.of(2), mesh.strangerEndpoint)
      const caught = await until(a!.lane, 0, async () => (await mesh.strangerTake())[0])
      await mesh.strangerSend(b!.endpoint, caught!)
      const [row] = await receiveRows(b!)
      t.equal(row?.columns[ROW.flags], ROW_FLAG.moved)
      t.equal(row?.source, endpointOf(mesh.strangerEndpoint.ip, mesh.strangerEndpoint.port))
      await sendFrames(b!, BA, [testFrame(60)])
      t.equal((await receiveRows(a!)).length, 1, 'frames still go to the endpoint that was set')
      b!.control.setEndpoint(BA, undefined)
      await sendFrames(a!, AB, [testFrame(60)])
      t.equal(
        (await receiveRows(b!))[0]?.columns[ROW.flags],
        ROW_FLAG.moved,
        'any endpoint is new where there was none',
      )
    }),
  )
}

function relaying(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: a relay carries frames and control that it cannot read`, t =>
    withMesh(makeMesh, 3, async (mesh, a, b, c) => {
      linkUp(mesh, 0, 1)
      linkUp(mesh, 1, 2)
      const keys = linkUp(mesh, 0, 2)
      a!.control.setEndpoint(peerIndex(0, 2), undefined)
      c!.control.setEndpoint(peerIndex(2, 0), undefined)
      a!.control.setVia(peerIndex(0, 2), AB)
      t.equal(await sendFrames(a!, peerIndex(0, 2), [testFrame(400)]), 1)
      t.ok(a!.control.sendControl(keys.firstIndex, Uint8Array.of(5, 6)))
      let rowsAtRelay = 0
      await until(b!.lane, READY.udp, () => {
        rowsAtRelay += Math.max(0, b!.lane.udpRead())
        return counter(b!, 'relayed') >= 2 ? true : undefined
      })
      t.equal(rowsAtRelay, 0, 'the relay sees no row')
      t.equal(counter(b!, 'relayed'), 2)
      const [frame, control] = await receiveRows(c!, 2)
      t.same(frame?.bytes, testFrame(400))
      t.equal(frame?.columns[ROW.kind], DATAGRAM_KIND.frame)
      t.equal(frame?.columns[ROW.fromPeer], peerIndex(2, 0), 'it comes from the far end, not from the relay')
      t.equal(frame?.columns[ROW.flags], ROW_FLAG.relayed, 'and says that it was relayed, never that the peer moved')
      t.same(control?.bytes, Uint8Array.of(5, 6))
      t.equal(control!.columns[ROW.receiverIndex]! >>> 0, keys.secondIndex)
      a!.control.setEndpoint(peerIndex(0, 2), c!.endpoint)
      a!.control.setVia(peerIndex(0, 2), -1)
      await sendFrames(a!, peerIndex(0, 2), [testFrame(60)])
      t.equal((await receiveRows(c!))[0]?.columns[ROW.flags], ROW_FLAG.moved, 'the direct path is used when it is back')
    }),
  )

  t.test(`${name}: what a relay would send back goes through the spare relay, or is dropped`, t =>
    withMesh(makeMesh, 4, async (mesh, a, b, c, d) => {
      for (const [one, other] of [
        [0, 1],
        [1, 2],
        [2, 3],
        [0, 3],
      ] as const)
        linkUp(mesh, one, other)
      a!.control.setVia(peerIndex(0, 3), AB)
      b!.control.setVia(peerIndex(1, 3), peerIndex(1, 0))
      await sendFrames(a!, peerIndex(0, 3), [testFrame(60)])
      await expectDrops(t, b!, 'drop:relay-back', 1)
      b!.control.setSpare(peerIndex(1, 3), peerIndex(1, 2))
      await sendFrames(a!, peerIndex(0, 3), [testFrame(400)])
      for (const relay of [b!, c!])
        await until(relay.lane, READY.udp, () => {
          relay.lane.udpRead()
          return counter(relay, 'relayed') >= 1 ? true : undefined
        })
      t.same((await receiveRows(d!))[0]?.bytes, testFrame(400))
      b!.control.setSpare(peerIndex(1, 3), peerIndex(1, 0))
      await sendFrames(a!, peerIndex(0, 3), [testFrame(60)])
      await expectDrops(t, b!, 'drop:relay-back', 2)
    }),
  )

  t.test(`${name}: a relay drops what it has no session for, and keeps its own path limit`, t =>
    withMesh(makeMesh, 3, async (mesh, a, b, c) => {
      linkUp(mesh, 0, 1)
      linkUp(mesh, 0, 2)
      a!.control.setVia(peerIndex(0, 2), AB)
      t.equal(await sendFrames(a!, peerIndex(0, 2), [testFrame(60)]), 1)
      await expectDrops(t, b!, 'drop:no-session', 1)
      a!.control.setPathBytes(AB, 700)
      await sendFrames(a!, peerIndex(0, 2), [testFrame(650)])
      t.equal(counter(a!, 'fragmented'), 1, 'two sealings do not fit')
      t.equal(await sendFrames(a!, AB, [testFrame(650)]), 1, 'one does')
      t.equal(counter(c!, 'rx-datagrams'), 0)
    }),
  )
}
