import type { Test } from 'tap'
import { READY, ROW, ROW_FLAG, VIA_LINK } from '../../lib/overlay/packet-engine.ts'
import { concatBytes } from '../../lib/base/mod.ts'
import { PEER_INTAKE_BYTES_MAX } from '../../lib/overlay/constants.ts'
import { DATAGRAM_HEADER_BYTES, DATAGRAM_TAG_BYTES } from '../../lib/wire/datagram.ts'
import {
  BUNDLE_BYTES_MAX,
  BUNDLE_PREFIX_BYTES,
  bundleCount,
  bundled,
  bundleOf,
} from '../../lib/wire/datagram-bundle.ts'
import {
  counter,
  expectDrops,
  linkUp,
  peerIndex,
  receiveRows,
  sendFrames,
  testFrame,
  until,
  withMesh,
  type MakeMesh,
} from './packet-engine-fixture.ts'

const AB = peerIndex(0, 1)
const received = (engine: Parameters<typeof counter>[0]) =>
  ['rx-injected', 'rx-datagrams', 'rx-bytes'].map(name => counter(engine, name))

/** What every packet engine must do with datagrams that go over links. */
export function linksSuite(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: hands over what goes over a link, and opens what came over one as from no endpoint`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const keys = linkUp(mesh, 0, 1)
      a!.control.setVia(AB, VIA_LINK)
      t.equal(await sendFrames(a!, AB, [testFrame(400), testFrame(90)]), 2)
      t.ok(a!.control.sendControl(keys.firstIndex, Uint8Array.of(5, 6)))
      const handed = a!.control.takeHanded()
      t.same(a!.control.takeHanded(), [], 'it is taken once')
      t.ok(handed.every(one => one.peerIndex === AB))
      const datagrams = handed.flatMap(({ bundle }) => bundled(bundle))
      t.equal(datagrams.length, 3)
      t.equal(counter(a!, 'tx-handed'), 3)
      t.equal(counter(a!, 'tx-datagrams'), 0, 'nothing goes by the socket')
      b!.control.injectDatagrams(
        peerIndex(1, 0),
        bundleOf(datagrams[0]!.map((byte, at) => (at === 30 ? byte ^ 1 : byte))),
      )
      await expectDrops(t, b!, 'drop:auth', 1)
      for (const { bundle } of handed) b!.control.injectDatagrams(peerIndex(1, 0), bundle)
      const [first, second, control] = await receiveRows(b!, 3)
      t.same(first?.bytes, testFrame(400))
      t.same(second?.bytes, testFrame(90))
      t.equal(first?.columns[ROW.flags], ROW_FLAG.relayed, 'that says nothing of where the peer is')
      t.match(first?.source, /:0$/)
      t.same(control?.bytes, Uint8Array.of(5, 6))
      t.equal(control!.columns[ROW.receiverIndex]! >>> 0, keys.secondIndex)
      t.same(received(b!), [4, 0, 0], 'the forged one counts, and none as from the socket')
      for (const { bundle } of handed) b!.control.injectDatagrams(peerIndex(1, 0), bundle)
      await expectDrops(t, b!, 'drop:replay', 3)
      a!.control.setVia(AB, -1)
      await sendFrames(a!, AB, [testFrame(60)])
      t.equal((await receiveRows(b!)).length, 1, 'by the socket again')
      t.same(received(b!).slice(0, 2), [7, 1])
    }),
  )

  t.test(`${name}: takes from a link what is a bundle, and nothing else`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      a!.control.setVia(AB, VIA_LINK)
      await sendFrames(a!, AB, [testFrame(60)])
      const good = a!.control.takeHanded()[0]!.bundle
      const least = DATAGRAM_HEADER_BYTES + 1 + DATAGRAM_TAG_BYTES
      const bad = {
        'is empty': new Uint8Array(0),
        'ends in a length': concatBytes(good, Uint8Array.of(1)),
        'is cut off': good.subarray(0, -1),
        'holds nothing': Uint8Array.of(0, 0),
        'holds less than a datagram': bundleOf(new Uint8Array(least - 1)),
        'holds less than a datagram behind one': concatBytes(good, bundleOf(new Uint8Array(1))),
        'is too long': bundleOf(new Uint8Array(BUNDLE_BYTES_MAX - BUNDLE_PREFIX_BYTES + 1)),
      }
      for (const [what, bundle] of Object.entries(bad)) {
        t.equal(bundleCount(bundle), undefined, what)
        b!.control.injectDatagrams(peerIndex(1, 0), bundle)
      }
      b!.control.injectDatagrams(peerIndex(1, 0), good)
      t.same((await receiveRows(b!))[0]?.bytes, testFrame(60))
      t.equal(counter(b!, 'rx-injected'), 1, 'nothing of what was no bundle')
      b!.control.injectDatagrams(peerIndex(1, 0), bundleOf(new Uint8Array(least)))
      await expectDrops(t, b!, 'drop:type', 1)
      t.equal(counter(b!, 'rx-injected'), 2, 'the least that a datagram has')
    }),
  )

  t.test(`${name}: relays over links on either side, and is a relay that is reached by one`, t =>
    withMesh(makeMesh, 3, async (mesh, a, b, c) => {
      linkUp(mesh, 0, 1)
      linkUp(mesh, 1, 2)
      linkUp(mesh, 0, 2)
      a!.control.setVia(peerIndex(0, 2), AB)
      a!.control.setVia(AB, VIA_LINK)
      b!.control.setVia(peerIndex(1, 2), VIA_LINK)
      t.equal(await sendFrames(a!, peerIndex(0, 2), [testFrame(400)]), 1)
      for (const { peerIndex: to, bundle } of a!.control.takeHanded()) {
        t.equal(to, AB, 'it goes to the relay')
        b!.control.injectDatagrams(peerIndex(1, 0), bundle)
      }
      await until(b!.lane, READY.udp, () => (b!.lane.udpRead(), counter(b!, 'relayed') > 0 ? true : undefined))
      for (const { peerIndex: to, bundle } of b!.control.takeHanded()) {
        t.equal(to, peerIndex(1, 2))
        c!.control.injectDatagrams(peerIndex(2, 1), bundle)
      }
      const [row] = await receiveRows(c!)
      t.same(row?.bytes, testFrame(400))
      t.equal(row?.columns[ROW.fromPeer], peerIndex(2, 0))
    }),
  )

  t.test(`${name}: opens what came over links while a stranger keeps the socket busy`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      a!.control.setVia(AB, VIA_LINK)
      await sendFrames(a!, AB, Array<Uint8Array>(8).fill(testFrame(90)))
      const datagrams = a!.control.takeHanded().flatMap(({ bundle }) => bundled(bundle))
      const junk = new Uint8Array(40).fill(0x77)
      for (let i = 0; i < 400; i++) await mesh.strangerSend(b!.endpoint, junk)
      for (const datagram of datagrams) b!.control.injectDatagrams(peerIndex(1, 0), bundleOf(datagram))
      t.equal((await receiveRows(b!, 8)).length, 8)
      t.ok(counter(b!, 'drop:type') > 0, 'the socket has its turn')
      t.ok(counter(b!, 'drop:type') < 200, `and is not read empty first: ${counter(b!, 'drop:type')} of 400`)
    }),
  )

  t.test(`${name}: keeps no more for links than its bound, and nothing for a peer that is gone`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      a!.control.setVia(AB, VIA_LINK)
      for (let i = 0; i < 60; i++) await sendFrames(a!, AB, Array<Uint8Array>(20).fill(testFrame(1_300)))
      t.ok(counter(a!, 'drop:link-out-full') > 0)
      t.equal(counter(a!, 'drop:link-out-full') + counter(a!, 'tx-handed'), 1_200)
      const handed = a!.control.takeHanded()
      for (const { bundle } of handed) t.equal(bundleCount(bundle) !== undefined, true)
      await sendFrames(a!, AB, [testFrame(60)])
      a!.control.removePeer(AB)
      t.same(a!.control.takeHanded(), [])
      const many = handed.flatMap(one => Array<Uint8Array>(8).fill(one.bundle))
      for (const bundle of many) b!.control.injectDatagrams(peerIndex(1, 0), bundle)
      t.ok(counter(b!, 'drop:intake-full') > 0, 'nor for lanes that do not take it')
    }),
  )

  t.test(`${name}: what one neighbour sends over its link leaves room for what others send, and their turn`, t =>
    withMesh(makeMesh, 3, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      a!.control.setVia(AB, VIA_LINK)
      await sendFrames(a!, AB, [testFrame(90)])
      const good = a!.control.takeHanded()[0]!.bundle
      const junk = bundleOf(new Uint8Array(BUNDLE_BYTES_MAX - BUNDLE_PREFIX_BYTES).fill(0x77))
      const most = PEER_INTAKE_BYTES_MAX / BUNDLE_BYTES_MAX
      for (let i = 0; i < most + 3; i++) b!.control.injectDatagrams(peerIndex(1, 2), junk)
      t.equal(counter(b!, 'drop:intake-full'), 3)
      b!.control.injectDatagrams(peerIndex(1, 0), good)
      t.equal(counter(b!, 'drop:intake-full'), 3)
      t.same((await receiveRows(b!))[0]?.bytes, testFrame(90))
      t.ok(counter(b!, 'drop:type') <= most, `${counter(b!, 'drop:type')} of ${most}`)
      for (let i = 0; i < 2 * most; i++) b!.control.injectDatagrams(peerIndex(1, 2), junk)
      t.ok(counter(b!, 'drop:intake-full') > 3)
    }),
  )
}
