import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, readSync, writeSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { READY, ROW, SEND } from '../../lib/overlay/mod.ts'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { craft } from './packet-engine-fixture.ts'

/**
 * Malformed frames from the TAP and malformed plaintexts from a peer that holds a session: nothing may crash (`make sanitize`
 * runs it under sanitizers), every datagram is a row or a counted drop, and what reaches
 * the kernel has an open checksum inside the frame and headers that agree with its GSO kind.
 */
const VNET_BYTES = 10
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1500)
const KEY = new Uint8Array(32).fill(9)

const [tap, outside] = nativeBinding().socketPair()
const engine = new NativeEngine({ tapFd: tap, udp: { ip: LOOPBACK, port: 0 } })
const lane = new NativeLane(engine.id)
const stranger = createSocket('udp4')
stranger.bind(0, '127.0.0.1')
await once(stranger, 'listening')
engine.setSelf(Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9))
for (const peer of [1, 2]) {
  engine.setPeer(peer, new Uint8Array(8).fill(peer))
  const cipher = 'chacha20-poly1305'
  engine.addSession({ peerIndex: peer, receiverIndex: peer, remoteIndex: 7, cipher, sendKey: KEY, receiveKey: KEY })
  engine.sealWith(peer, peer)
  engine.setOriginKeys(peer, KEY.subarray(16), KEY.subarray(16))
  engine.setEndpoint(peer, { ip: LOOPBACK, port: stranger.address().port })
}
// Everything that can be done with a frame is done with some.
engine.setPathBytes(1, 500, true)
engine.setJoining(1, true)
engine.setBridgeAddresses([{ ip: Uint8Array.of(10, 0, 0, 1), prefix: 8 }])
engine.setClamping(true)
t.teardown(() => {
  lane.close()
  engine.close()
  stranger.close()
  closeSync(outside)
})

function takeTap(): Buffer[] {
  const buffer = new Uint8Array(70_000)
  const taken: Buffer[] = []
  for (;;) {
    try {
      taken.push(Buffer.from(buffer.subarray(0, readSync(outside, buffer))))
    } catch {
      return taken
    }
  }
}

function drops(): number {
  let total = 0
  for (const [name, value] of Object.entries(engine.counters())) {
    if (
      /^drop:(short|type|no-session|replay|auth|kind|malformed-frame|vlan-tags|hop-limit|relay|no-path|too-big|fragment$)/.test(
        name,
      )
    )
      total += value
  }
  // A piece waits for others, and a frame that was put together is a row or a drop besides.
  const { relayed = 0, 'rx-fragments': pieces = 0, reassembled = 0 } = engine.counters()
  return total + relayed + pieces - reassembled
}

/** Starts like a frame of some protocol, so that the parsers get beyond the first bytes. */
const frames: fc.Arbitrary<Uint8Array> = fc
  .record({
    start: fc.constantFrom(
      [0x08, 0x00, 0x45, 0, 0, 200, 0, 1, 0x40, 0, 64, 6, 0, 0],
      [0x08, 0x00, 0x4f, 0, 0, 200, 0, 1, 0, 0, 64, 17, 0, 0],
      [0x86, 0xdd, 0x60, 0, 0, 0, 0, 100, 6, 64],
      [0x86, 0xdd, 0x60, 0, 0, 0, 0, 100, 0, 64],
      [0x86, 0xdd, 0x60, 0, 0, 0, 0, 100, 44, 64],
      [0x81, 0x00, 0, 1, 0x88, 0xa8, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 100, 60, 64],
      [0x08, 0x06, 0, 1, 8, 0],
      [0x81, 0x00],
    ),
    rest: fc.oneof(
      { arbitrary: fc.uint8Array({ maxLength: 300 }), weight: 4 },
      // Longer than the path.
      fc.uint8Array({ minLength: 500, maxLength: 900, size: 'max' }),
    ),
    doff: fc.integer({ min: 0, max: 15 }),
    length: fc.oneof(fc.integer({ min: 0, max: 320 }), fc.constant(950)),
  })
  .map(({ start, rest, doff, length }) => {
    const frame = Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...start, ...rest])
    if (frame.length > 46) frame[46] = doff << 4
    return frame.subarray(0, Math.min(length, frame.length))
  })

const prefixes = fc.record({
  kind: fc.constantFrom(1, 1, 1, 2, 2, 3, 4, 0, 77),
  flags: fc.constantFrom(0, 1, 3, 3, 5, 9, 2, 7, 0xff),
  gsoSize: fc.constantFrom(0, 1, 60, 1400, 65_535),
  start: fc.constantFrom(34, 34, 54, 42, 62, 0, 13, 65_535),
  offset: fc.constantFrom(16, 16, 6, 0, 255),
})

function checkWritten(written: Buffer): boolean {
  const length = written.length - VNET_BYTES
  const start = written.readUInt16LE(6)
  if (length < 14) return false
  if (written[0] === 0) return written[1] === 0
  if (start < 14 || start + written.readUInt16LE(8) + 2 > length) return false
  const header = written.readUInt16LE(2)
  return written[1] === 0 || (header > start && header <= length && written.readUInt16LE(4) > 0)
}

/** One of ways of few entries and of many, of peers that are known or not, and of such as end beyond their array. */
function ownWayAt(row: number): number {
  const { ways } = lane
  ways.set([1, 2, 2, 0x8001, 77, 0])
  ways.set([1, 200], 10)
  ways.set([1, 1, 2, 0], ways.length - 4)
  ways.set([1, 0x7fff], 1000)
  return [-1, -11, -(ways.length - 3), -(ways.length - 1), -1001, -ways.length, -0x7fff_ffff, 0, 0x7fff_ffff][row % 9]!
}

t.test('no frame of the TAP does harm', test => {
  const vnets = fc.oneof(
    fc.uint8Array({ minLength: 10, maxLength: 10 }),
    prefixes.map(({ flags, gsoSize, start, offset }) => {
      const vnet = Buffer.alloc(VNET_BYTES)
      vnet[0] = flags & 1
      vnet[1] = [0, 1, 4, 5][flags & 3]!
      vnet.writeUInt16LE(gsoSize, 4)
      vnet.writeUInt16LE(start, 6)
      vnet.writeUInt16LE(offset, 8)
      return new Uint8Array(vnet)
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(vnets, frames), { minLength: 1, maxLength: 8 }), batch => {
      for (const [vnet, frame] of batch) writeSync(outside, Buffer.concat([vnet, frame]))
      const count = lane.tapRead()
      for (let row = 0; row < count; row++) {
        const kind = row % 2 === 0 ? DATAGRAM_KIND.frame : DATAGRAM_KIND.broadcast
        lane.sends.set([row, 1, kind, ownWayAt(row), row, 0], row * SEND.columns)
        lane.deliveries[row] = row
      }
      lane.send(count)
      lane.tapWrite(count)
      for (const written of takeTap()) if (!checkWritten(written)) return false
      return true
    }),
    { numRuns: RUNS },
  )
  test.end()
})

/** Of few frames, so that some become whole, and some hold a frame. */
const pieces = fc
  .tuple(fc.nat(3), fc.constantFrom(0, 4, 8, 40), fc.constantFrom(4, 8, 44), frames)
  .map(([id, offset, total, frame]) => {
    const head = Buffer.alloc(12)
    head[0] = 5
    head.writeUInt16LE(total, 2)
    head.writeUInt16LE(offset, 4)
    head.writeUInt32LE(id, 8)
    const bytes = Uint8Array.from([1 + (id % 3), 0, 0, 0, 0, 0, 0, 0, ...frame]).subarray(offset, total)
    return Uint8Array.from([...head, ...bytes])
  })

/** The number of entries and the entries of a broadcast: sound ones, and such as say more than there is. */
const entries = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(0, 0, 0, 1, 2, 0x8000, 0x8001, 0xffff), fc.nat(3))),
    fc.constantFrom(0, 0, 0, 1, 9, 60_000),
  )
  .map(([list, more]) => {
    const bytes = Buffer.alloc(4 + 18 * list.length)
    bytes.writeUInt16LE((list.length + more) & 0xffff, 2)
    for (const [at, [first, peer]] of list.entries()) {
      bytes.writeUInt16LE(first, 4 + 18 * at)
      bytes.fill(peer, 6 + 10 * at, 14 + 18 * at)
      // Else few would ascend.
      if (list.length > 2) bytes.writeUInt16BE(at, 6 + 18 * at)
    }
    return bytes
  })

t.test('no plaintext of a peer does harm, and each is a row or a drop', async test => {
  let counter = 0n
  const plaintexts = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 100 }),
    pieces,
    fc
      .tuple(prefixes, frames, fc.uint8Array({ minLength: 16, maxLength: 16 }), entries)
      .map(([prefix, frame, more, way]) => {
        const head = Buffer.alloc(8)
        head[0] = prefix.kind
        head[1] = prefix.flags
        head.writeUInt16LE(prefix.gsoSize, 2)
        head.writeUInt16LE(prefix.start, 4)
        head[6] = prefix.offset
        if (prefix.kind === 3) {
          // To this engine, to another peer, or to nobody.
          head[1] = prefix.flags
          more.fill(more[0]! % 2 === 0 ? 9 : 2, 8)
          const inner = craft(KEY, 1, counter++, Uint8Array.from([...head.fill(1, 0, 1), ...frame]))
          head[0] = 3
          return Uint8Array.from([...head, ...more, ...inner])
        }
        return Uint8Array.from([
          ...head,
          ...(prefix.kind === 2 ? [...more, ...more.subarray(0, 8), ...way] : []),
          ...frame,
        ])
      }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(plaintexts, { minLength: 1, maxLength: 12 }), async batch => {
      const before = drops()
      for (const plaintext of batch) {
        const sealed = craft(KEY, 1, counter++, plaintext)
        await new Promise(resolve => stranger.send(sealed, engine.describe().port, '127.0.0.1', resolve))
      }
      let rows = 0
      while (rows + drops() - before < batch.length) {
        if (lane.wait(READY.udp, 2000) === 0) return false
        const count = lane.udpRead()
        for (let row = 0; row < count; row++) {
          const wayAt = lane.rows[row * ROW.columns + ROW.wayAt]! + [0, 0, 18, -18, 3, 1 << 20][row % 6]!
          lane.sends.set([row, 2, DATAGRAM_KIND.broadcast, wayAt, row, 0], row * SEND.columns)
          lane.deliveries[row] = row
        }
        rows += Math.max(0, count)
        const inTheMiddle = drops()
        lane.send(Math.max(0, count))
        lane.tapWrite(Math.max(0, count))
        // What the engine refuses of its own rows is not a second drop of the datagram.
        rows -= drops() - inTheMiddle
        for (const written of takeTap()) if (!checkWritten(written)) return false
      }
      return rows + drops() - before === batch.length
    }),
    { numRuns: Math.ceil(RUNS / 5) },
  )
  test.end()
})

t.test('random, truncated and bit-flipped datagrams change no state', async test => {
  const good = craft(KEY, 1, 1n << 40n, Uint8Array.of(4, 1, 2, 3))
  const datagrams = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 0, max: good.length - 1 }).map(length => good.slice(0, length)),
    fc.integer({ min: 0, max: good.length * 8 - 1 }).map(bit => {
      // The three reserved bytes are covered by the tag as well.
      const flipped = good.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      return flipped
    }),
  )
  const totals = engine.sessionTotals(1)
  await fc.assert(
    fc.asyncProperty(datagrams, async datagram => {
      const before = engine.counters()['rx-datagrams']!
      await new Promise(resolve => stranger.send(datagram, engine.describe().port, '127.0.0.1', resolve))
      while (engine.counters()['rx-datagrams'] === before) {
        if (lane.wait(READY.udp, 2000) === 0) return false
        if (lane.udpRead() > 0) return false
      }
      return true
    }),
    { numRuns: Math.ceil(RUNS / 5) },
  )
  test.same(engine.sessionTotals(1), totals, 'the session has seen nothing')
  await new Promise(resolve => stranger.send(good, engine.describe().port, '127.0.0.1', resolve))
  test.ok(lane.wait(READY.udp, 2000))
  test.equal(lane.udpRead(), 1, 'the good datagram still opens')
})
