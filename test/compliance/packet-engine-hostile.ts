import type { Test } from 'tap'
import { concatBytes } from '../../lib/base/mod.ts'
import { READY, ROW, ROW_FLAG } from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_KIND, FRAME_FLAG } from '../../lib/wire/datagram.ts'
import { tagged } from '../support/frames.ts'
import {
  capture,
  counter,
  craft,
  drops,
  expectDrops,
  linkUp,
  peerIndex,
  plainFrame,
  receiveRows,
  sendFrames,
  shortIdOf,
  testFrame,
  until,
  withMesh,
  type MakeMesh,
  type SuiteEngine,
} from './packet-engine-fixture.ts'

const AB = peerIndex(0, 1)
const BA = peerIndex(1, 0)

/** What an engine does with bytes that no honest peer sends. */
export function hostileSuite(t: Test, name: string, makeMesh: MakeMesh): void {
  t.test(`${name}: drops what was sealed with another key`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const keys = linkUp(mesh, 0, 1, { wrongKey: true })
      await sendFrames(a!, AB, [testFrame(60)])
      await expectDrops(t, b!, 'drop:auth', 1)
      t.match(b!.control.sessionTotals(keys.secondIndex), { receivedDatagrams: 0 })
    }),
  )

  t.test(`${name}: opens a datagram once`, t =>
    withMesh(makeMesh, 2, async (mesh, _a, b) => {
      linkUp(mesh, 0, 1)
      const datagram = await capture(mesh, 0, 1, testFrame(60))
      await mesh.strangerSend(b!.endpoint, datagram)
      t.same((await receiveRows(b!))[0]?.bytes, testFrame(60))
      for (let times = 1; times <= 3; times++) {
        await mesh.strangerSend(b!.endpoint, datagram)
        await expectDrops(t, b!, 'drop:replay', times)
      }
    }),
  )

  t.test(`${name}: takes counters out of order within the window and none from before it`, t =>
    withMesh(makeMesh, 2, async (mesh, _a, b) => {
      const keys = linkUp(mesh, 0, 1)
      const inject = (value: bigint) =>
        mesh.strangerSend(b!.endpoint, craft(keys.forward, keys.secondIndex, value, plainFrame(testFrame(60))))
      for (const value of [5n, 40_000n, 39_999n, 36_000n, 7_400n, 40_001n, 3n << 40n, (3n << 40n) - 32_600n]) {
        await inject(value)
        t.equal((await receiveRows(b!)).length, 1, `${value} is new`)
      }
      let refused = 0
      for (const value of [3n << 40n, (3n << 40n) - 32_600n, (3n << 40n) - 32_800n, 40_002n, 0n]) {
        await inject(value)
        await expectDrops(t, b!, 'drop:replay', ++refused)
      }
    }),
  )

  t.test(`${name}: a forged counter far ahead does not move the window`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      const datagram = await capture(mesh, 0, 1, testFrame(60))
      const forged = datagram.slice()
      forged[13] = 1
      await mesh.strangerSend(b!.endpoint, forged)
      await expectDrops(t, b!, 'drop:auth', 1)
      await sendFrames(a!, AB, [testFrame(60)])
      t.equal((await receiveRows(b!)).length, 1)
      await mesh.strangerSend(b!.endpoint, datagram)
      t.equal((await receiveRows(b!)).length, 1)
    }),
  )

  t.test(`${name}: drops a datagram in which any one bit is wrong`, t =>
    withMesh(makeMesh, 2, async (mesh, _a, b) => {
      linkUp(mesh, 0, 1)
      const datagram = await capture(mesh, 0, 1, testFrame(60))
      const before = drops(b!)
      for (let at = 0; at < datagram.length; at++) {
        const flipped = datagram.slice()
        flipped[at]! ^= 1 << (at & 7)
        await injectUntilDropped(t, mesh.strangerSend(b!.endpoint, flipped), b!, before + at + 1)
      }
      t.equal(drops(b!), before + datagram.length, 'each was dropped')
      await mesh.strangerSend(b!.endpoint, datagram)
      t.same((await receiveRows(b!))[0]?.bytes, testFrame(60), 'and none of them spoilt the true one')
    }),
  )

  t.test(`${name}: drops a datagram cut short anywhere`, t =>
    withMesh(makeMesh, 2, async (mesh, _a, b) => {
      linkUp(mesh, 0, 1)
      const datagram = await capture(mesh, 0, 1, testFrame(60))
      for (let length = 1; length < datagram.length; length++) {
        await injectUntilDropped(t, mesh.strangerSend(b!.endpoint, datagram.slice(0, length)), b!, length)
      }
      t.equal(drops(b!), datagram.length - 1)
      t.equal(counter(b!, 'drop:short'), 32, 'shorter than header, kind and tag')
      await mesh.strangerSend(b!.endpoint, datagram)
      t.equal((await receiveRows(b!)).length, 1)
    }),
  )

  t.test(`${name}: drops random bytes`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      linkUp(mesh, 0, 1)
      let state = 12_345
      for (let i = 1; i <= 300; i++) {
        const bytes = new Uint8Array(1 + ((i * 37) % 400))
        for (let at = 0; at < bytes.length; at++) {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
          bytes[at] = state >>> 16
        }
        if (i % 2 === 0) bytes[0] = 1
        await injectUntilDropped(t, mesh.strangerSend(b!.endpoint, bytes), b!, i)
      }
      t.equal(drops(b!), 300)
      t.ok(counter(b!, 'drop:type') > 0 && counter(b!, 'drop:no-session') > 0)
      await sendFrames(a!, AB, [testFrame(60)])
      t.equal((await receiveRows(b!)).length, 1)
    }),
  )

  t.test(`${name}: drops sealed nonsense of a peer that holds a session`, t =>
    withMesh(makeMesh, 2, async (mesh, _a, b) => {
      const keys = linkUp(mesh, 0, 1)
      const frame = testFrame(60)
      const partial = (start: number, offset: number) => {
        const plaintext = plainFrame(frame)
        plaintext[1] = FRAME_FLAG.checksumPartial
        new DataView(plaintext.buffer).setUint16(4, start, true)
        plaintext[6] = offset
        return plaintext
      }
      const cases: [string, Uint8Array, string][] = [
        ['kind 0', plainFrame(frame, 0), 'drop:kind'],
        ['kind 9', plainFrame(frame, 9), 'drop:kind'],
        ['half a frame header', plainFrame(frame).slice(0, 5), 'drop:malformed-frame'],
        ['half an Ethernet header', plainFrame(frame.slice(0, 13)), 'drop:malformed-frame'],
        ['half a broadcast header', plainFrame(frame, DATAGRAM_KIND.broadcast).slice(0, 35), 'drop:malformed-frame'],
        ['a broadcast of nothing', broadcastOf([], new Uint8Array(0)), 'drop:malformed-frame'],
        ['more entries than bytes', broadcastOf([], frame, 9), 'drop:malformed-frame'],
        ['more entries than are read', broadcastOf([], new Uint8Array(60_000), 2_049), 'drop:malformed-frame'],
        [
          'more below an entry than there is',
          broadcastOf(
            [
              [2, 2],
              [3, 0],
            ],
            frame,
          ),
          'drop:malformed-frame',
        ],
        [
          'a child that comes twice',
          broadcastOf(
            [
              [2, 0],
              [2, 0],
            ],
            frame,
          ),
          'drop:malformed-frame',
        ],
        [
          'children that do not ascend',
          broadcastOf(
            [
              [3, 1],
              [4, 0],
              [2, 0],
            ],
            frame,
          ),
          'drop:malformed-frame',
        ],
        ['a checksum beyond the frame', partial(34, 30), 'drop:malformed-frame'],
        ['a checksum far beyond', partial(65_535, 255), 'drop:malformed-frame'],
        ['half a relayed header', plainFrame(new Uint8Array(3), DATAGRAM_KIND.relayed), 'drop:short'],
      ]
      const expected = new Map<string, number>()
      for (const [i, [what, plaintext, reason]] of cases.entries()) {
        t.comment(what)
        await mesh.strangerSend(b!.endpoint, craft(keys.forward, keys.secondIndex, BigInt(i), plaintext))
        expected.set(reason, (expected.get(reason) ?? 0) + 1)
        await expectDrops(t, b!, reason, expected.get(reason)!)
      }
    }),
  )

  t.test(`${name}: drops a frame with more VLAN tags than it looks behind, from the TAP and from a peer`, t =>
    withMesh(makeMesh, 2, async (mesh, a, b) => {
      const keys = linkUp(mesh, 0, 1)
      const cases = [
        tagged(5, testFrame(60)),
        tagged(5, testFrame(60), 0x88a8),
        tagged(40, testFrame(60)),
        tagged(1, testFrame(60)).slice(0, 16),
      ]
      for (const [i, frame] of cases.entries()) {
        a!.pushTap(frame)
        let rows = 0
        await until(a!.lane, READY.tap, () => {
          rows += Math.max(0, a!.lane.tapRead())
          return counter(a!, 'drop:vlan-tags') > i ? true : undefined
        })
        t.equal(rows, 0)
        t.equal(counter(a!, 'drop:vlan-tags'), i + 1)
        for (const [at, plaintext] of [plainFrame(frame), broadcastOf([], frame)].entries()) {
          const value = BigInt(1_000 + 2 * i + at)
          await mesh.strangerSend(b!.endpoint, craft(keys.forward, keys.secondIndex, value, plaintext))
          await expectDrops(t, b!, 'drop:vlan-tags', 2 * i + at + 1)
        }
      }
      t.equal(drops(b!), 2 * cases.length, 'each for that reason alone')
      await sendFrames(a!, AB, [tagged(4, testFrame(60))])
      t.same((await receiveRows(b!))[0]?.bytes, tagged(4, testFrame(60)), 'as many as are looked behind pass')
    }),
  )

  t.test(`${name}: relays no datagram whose hops are used up, and none to nobody`, t =>
    withMesh(makeMesh, 3, async (mesh, _a, b, c) => {
      const keys = linkUp(mesh, 0, 1)
      linkUp(mesh, 1, 2)
      const inner = new Uint8Array(80)
      inner[0] = 1
      const relayed = (hopLimit: number, destination: Uint8Array) =>
        concatBytes(Uint8Array.of(DATAGRAM_KIND.relayed, hopLimit, 0, 0, 0, 0, 0, 0), shortIdOf(0), destination, inner)
      const inject = (value: bigint, plaintext: Uint8Array) =>
        mesh.strangerSend(b!.endpoint, craft(keys.forward, keys.secondIndex, value, plaintext))
      await inject(1n, relayed(0, shortIdOf(2)))
      await expectDrops(t, b!, 'drop:hop-limit', 1)
      await inject(2n, relayed(1, shortIdOf(2)))
      await expectDrops(t, b!, 'drop:hop-limit', 2)
      await inject(3n, relayed(9, Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9)))
      await injectUntilDropped(t, undefined, b!, 3)
      await inject(4n, relayed(9, shortIdOf(1)))
      await expectDrops(t, b!, 'drop:no-session', 1)
      t.equal(counter(b!, 'relayed'), 0)
      await inject(5n, relayed(2, shortIdOf(2)))
      await until(b!.lane, READY.udp, () => (b!.lane.udpRead(), counter(b!, 'relayed') > 0 ? true : undefined))
      await expectDrops(t, c!, 'drop:no-session', 1)
      t.equal(counter(b!, 'relayed'), 1)
    }),
  )

  t.test(`${name}: a relayed datagram inside a relayed one is not opened`, t =>
    withMesh(makeMesh, 2, async (mesh, _a, b) => {
      const keys = linkUp(mesh, 0, 1)
      const header = concatBytes(Uint8Array.of(DATAGRAM_KIND.relayed, 9, 0, 0, 0, 0, 0, 0), shortIdOf(0), shortIdOf(1))
      const frame = craft(keys.forward, keys.secondIndex, 1n, plainFrame(testFrame(60)))
      const once = craft(keys.forward, keys.secondIndex, 2n, concatBytes(header, frame))
      const twice = craft(keys.forward, keys.secondIndex, 3n, concatBytes(header, once))
      await mesh.strangerSend(b!.endpoint, twice)
      await injectUntilDropped(t, undefined, b!, 1)
      t.equal(drops(b!), 1)
    }),
  )

  t.test(`${name}: speaks the wire format that lib/wire/datagram.ts describes`, t =>
    withMesh(makeMesh, 2, async (mesh, _a, b) => {
      const keys = linkUp(mesh, 0, 1, { firstCounter: 2 ** 33 + 5 })
      const datagram = await capture(mesh, 0, 1, testFrame(60))
      const counterValue = 2n ** 33n + 5n
      const [, datagramClass] = datagram
      const plain = plainFrame(testFrame(60))
      t.same(datagram, craft(keys.forward, keys.secondIndex, counterValue, plain, datagramClass))
      const plaintext = concatBytes(
        Uint8Array.of(DATAGRAM_KIND.broadcast, 0, 0, 0, 0, 0, 0, 1, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0),
        shortIdOf(0),
        new Uint8Array(8),
        Uint8Array.of(0, 0, 2, 0, 1, 0),
        shortIdOf(3),
        new Uint8Array(8).fill(3),
        Uint8Array.of(0, 0x80),
        shortIdOf(2),
        new Uint8Array(8).fill(2),
        testFrame(60),
      )
      await mesh.strangerSend(b!.endpoint, craft(keys.forward, keys.secondIndex, 2n ** 59n, plaintext))
      const [row] = await receiveRows(b!)
      t.same(row?.bytes, testFrame(60))
      t.equal(row?.columns[ROW.flags], ROW_FLAG.passesOnly | ROW_FLAG.moved)
      const wayAt = row!.columns[ROW.wayAt]!
      t.same([...b!.lane.slab.subarray(wayAt - 2, wayAt)], [2, 0], 'the number of entries is before them')
      t.same([...b!.lane.slab.subarray(wayAt, wayAt + 6)], [1, 0, 0xff, 0xff, 0xff, 0xff], 'a child that is not known')
      t.same(
        b!.lane.slab.slice(wayAt + 18, wayAt + 36),
        concatBytes(Uint8Array.of(0, 0x80), shortIdOf(2), new Uint8Array(8).fill(2)),
        'what is below it stays as it came',
      )
      t.equal(row?.columns[ROW.originPeer], BA)
    }),
  )
}

/** A broadcast of engine 0 whose entries are [engine, how many are below it]; `count`: how many there are said to be. */
function broadcastOf(
  entries: readonly (readonly [number, number])[],
  frame: Uint8Array,
  count = entries.length,
): Uint8Array {
  const header = Uint8Array.of(DATAGRAM_KIND.broadcast, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
  const list = entries.map(([engine, below]) =>
    concatBytes(Uint8Array.of(below, 0), shortIdOf(engine), new Uint8Array(8)),
  )
  return concatBytes(
    header,
    shortIdOf(0),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count & 0xff, count >> 8),
    ...list,
    frame,
  )
}

/** Waits for the drop counters to reach `total`; fails when a row comes up instead. */
async function injectUntilDropped(
  t: Test,
  sending: void | Promise<void>,
  engine: SuiteEngine,
  total: number,
): Promise<void> {
  await sending
  const reached = await until(engine.lane, READY.udp, () => {
    if (engine.lane.udpRead() > 0) t.fail('a row came of it')
    return drops(engine) >= total ? true : undefined
  })
  if (reached === undefined) t.fail(`${drops(engine)} drops instead of ${total}`)
}
