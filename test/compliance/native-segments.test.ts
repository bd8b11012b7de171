import { createSocket } from 'node:dgram'
import { closeSync, readSync, writeSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { ROW, SEND } from '../../lib/overlay/mod.ts'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { craft } from './packet-engine-fixture.ts'

/**
 * Super-frames through two engines on the loopback device: cut by one (checked frame by frame against what a TCP stack
 * would have sent), joined by the other (checked against what went in).
 */
const VNET_BYTES = 10
const ETHERNET_BYTES = 14
const GSO_TCP4 = 1
const GSO_TCP6 = 4
const GSO_UDP = 5
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

interface Shape {
  readonly version: 4 | 6
  readonly isTcp: boolean
  readonly optionBytes: number
  readonly payloadBytes: number
  readonly gsoSize: number
  readonly tags: number
  readonly sequence: number
  readonly endFlags: number
}

function sum(bytes: Uint8Array, seed = 0): number {
  let total = seed
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

interface Layers {
  readonly l3: number
  readonly l4: number
  readonly header: number
}

function layersOf(shape: Shape): Layers {
  const l3 = ETHERNET_BYTES + 4 * shape.tags
  const l4 = l3 + (shape.version === 4 ? 20 : 40)
  return { l3, l4, header: l4 + (shape.isTcp ? 20 + shape.optionBytes : 8) }
}

/** The sum that an open checksum field holds: addresses, protocol and length. */
function pseudoSum(frame: Uint8Array, shape: Shape): number {
  const { l3, l4 } = layersOf(shape)
  const addresses = shape.version === 4 ? frame.subarray(l3 + 12, l3 + 20) : frame.subarray(l3 + 8, l3 + 40)
  return sum(addresses, (shape.isTcp ? 6 : 17) + frame.length - l4)
}

function makeFrame(shape: Shape): Uint8Array {
  const { l3, l4, header } = layersOf(shape)
  const frame = new Uint8Array(header + shape.payloadBytes)
  const view = new DataView(frame.buffer)
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1])
  for (let tag = 0; tag < shape.tags; tag++) view.setUint32(12 + 4 * tag, 0x8100_0005 + tag)
  view.setUint16(l3 - 2, shape.version === 4 ? 0x0800 : 0x86dd)
  const protocol = shape.isTcp ? 6 : 17
  if (shape.version === 4) {
    frame.set([0x45, 0, 0, 0, 0xff, 0xf0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], l3)
    view.setUint16(l3 + 2, frame.length - l3)
    view.setUint16(l3 + 10, ~sum(frame.subarray(l3, l4)) & 0xffff)
  } else {
    frame.set([0x60, 0, 0, 0, 0, 0, protocol, 64], l3)
    for (let i = 0; i < 32; i++) frame[l3 + 8 + i] = i
    view.setUint16(l3 + 4, frame.length - l4)
  }
  view.setUint32(l4, 0x1234_5678)
  if (shape.isTcp) {
    view.setUint32(l4 + 4, shape.sequence)
    view.setUint32(l4 + 8, 77)
    frame[l4 + 12] = ((20 + shape.optionBytes) / 4) << 4
    frame[l4 + 13] = 0x10 | shape.endFlags
    view.setUint16(l4 + 14, 500)
    frame.fill(1, l4 + 20, header)
  } else {
    view.setUint16(l4 + 4, frame.length - l4)
  }
  for (let i = header; i < frame.length; i++) frame[i] = (i * 31 + (i >> 8)) & 0xff
  view.setUint16(l4 + (shape.isTcp ? 16 : 6), pseudoSum(frame, shape))
  return frame
}

function vnetOf(shape: Shape): Uint8Array {
  const { l4, header } = layersOf(shape)
  const vnet = new Uint8Array(VNET_BYTES)
  const view = new DataView(vnet.buffer)
  vnet[0] = 1
  vnet[1] = shape.isTcp ? (shape.version === 4 ? GSO_TCP4 : GSO_TCP6) : GSO_UDP
  view.setUint16(2, header, true)
  view.setUint16(4, shape.gsoSize, true)
  view.setUint16(6, l4, true)
  view.setUint16(8, shape.isTcp ? 16 : 6, true)
  return vnet
}

const [tapIn, outsideIn] = nativeBinding().socketPair()
const [tapOut, outsideOut] = nativeBinding().socketPair()
const sender = new NativeEngine({ tapFd: tapIn, udp: { ip: LOOPBACK, port: 0 } })
const receiver = new NativeEngine({ tapFd: tapOut, udp: { ip: LOOPBACK, port: 0 } })
const sending = new NativeLane(sender.id)
const receiving = new NativeLane(receiver.id)
const key = new Uint8Array(32).fill(3)
const session = { peerIndex: 1, cipher: 'chacha20-poly1305', sendKey: key, receiveKey: key } as const
for (const engine of [sender, receiver]) engine.setPeer(1, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
sender.addSession({ ...session, receiverIndex: 5, remoteIndex: 6 })
receiver.addSession({ ...session, receiverIndex: 6, remoteIndex: 5 })
sender.sealWith(1, 5)
sender.setEndpoint(1, { ip: LOOPBACK, port: receiver.describe().port })
receiver.setEndpoint(1, { ip: LOOPBACK, port: sender.describe().port })
t.teardown(() => {
  for (const lane of [sending, receiving]) lane.close()
  for (const engine of [sender, receiver]) engine.close()
  for (const descriptor of [outsideIn, outsideOut]) closeSync(descriptor)
})

/** Carries frames over; the frames as they came, and what the far TAP was given. */
function carry(frames: readonly { vnet: Uint8Array; frame: Uint8Array }[]): { rows: Uint8Array[]; written: Buffer[] } {
  for (const { vnet, frame } of frames) writeSync(outsideIn, Buffer.concat([vnet, frame]))
  const before = sender.counters()['tx-datagrams']!
  const count = sending.tapRead()
  if (count !== frames.length) throw new Error(`${count} of ${frames.length} frames were read`)
  for (let row = 0; row < count; row++) {
    sending.sends.set([row, 1, DATAGRAM_KIND.frame, 0, 0, 0], row * SEND.columns)
  }
  const sent = sending.send(count)
  if (sender.counters()['tx-datagrams']! - before !== sent) throw new Error('the counter disagrees')
  const rows: Uint8Array[] = []
  const written: Buffer[] = []
  while (rows.length < sent) {
    const ready = receiving.wait(2, 2000)
    if (ready === 0) break
    const arrived = receiving.udpRead()
    for (let row = 0; row < arrived; row++) {
      const at = row * ROW.columns
      const offset = receiving.rows[at + ROW.offset]!
      rows.push(receiving.slab.slice(offset, offset + receiving.rows[at + ROW.length]!))
      receiving.deliveries[row] = row
    }
    receiving.tapWrite(arrived)
  }
  const buffer = new Uint8Array(70_000)
  for (;;) {
    try {
      const bytes = readSync(outsideOut, buffer)
      written.push(Buffer.from(buffer.subarray(0, bytes)))
    } catch {
      return { rows, written }
    }
  }
}

const shapes: fc.Arbitrary<Shape> = fc
  .record({
    version: fc.constantFrom(4 as const, 6 as const),
    isTcp: fc.boolean(),
    optionBytes: fc.constantFrom(0, 12, 40),
    gsoSize: fc.integer({ min: 200, max: 1300 }),
    segments: fc.integer({ min: 1, max: 40 }),
    rest: fc.integer({ min: 1, max: 1300 }),
    tags: fc.integer({ min: 0, max: 2 }),
    sequence: fc.constantFrom(0, 0xffff_f000, 123_456),
    endFlags: fc.constantFrom(0, 8, 9),
  })
  .map(({ segments, rest, ...shape }) => ({
    ...shape,
    optionBytes: shape.isTcp ? shape.optionBytes : 0,
    payloadBytes: (segments - 1) * shape.gsoSize + Math.min(rest, shape.gsoSize),
  }))

t.test('cuts a super-frame into what a stack would have sent, and joins it again', test => {
  const uso = receiver.describe().tapUso
  fc.assert(
    fc.property(shapes, fc.integer({ min: 600, max: 1472 }), (shape, pathBytes) => {
      const { l3, l4, header } = layersOf(shape)
      const room = pathBytes - 40 - header
      // A UDP datagram cannot be cut finer than its sender did.
      fc.pre(shape.isTcp || room >= Math.min(shape.gsoSize, shape.payloadBytes))
      sender.setPathBytes(1, pathBytes)
      const whole = makeFrame(shape)
      const { rows, written } = carry([{ vnet: vnetOf(shape), frame: whole }])
      const size = Math.min(room, shape.gsoSize)
      test.equal(rows.length, Math.ceil(shape.payloadBytes / size))
      rows.forEach((row, index) => {
        const from = index * size
        const isLast = index === rows.length - 1
        const expected = makeFrame({
          ...shape,
          payloadBytes: row.length - header,
          sequence: (shape.sequence + from) >>> 0,
          endFlags: isLast ? shape.endFlags : 0,
        })
        expected.set(whole.subarray(header + from, header + from + row.length - header), header)
        const view = new DataView(expected.buffer)
        if (shape.version === 4) {
          view.setUint16(l3 + 4, 0xfff0 + index)
          view.setUint16(l3 + 10, 0)
          view.setUint16(l3 + 10, ~sum(expected.subarray(l3, l4)) & 0xffff)
        }
        test.ok(Buffer.compare(row, expected) === 0, `segment ${index}`)
        test.ok(row.length + 40 <= pathBytes, 'it fits the path')
      })
      if (!shape.isTcp && !uso) return
      test.equal(written.length, 1, 'one super-frame comes out')
      test.ok(Buffer.compare(written[0]!.subarray(VNET_BYTES), whole) === 0, 'the one that went in')
      const vnet = written[0]!.subarray(0, VNET_BYTES)
      const expectedVnet = shape.payloadBytes > size ? vnetOf({ ...shape, gsoSize: size }) : vnetOf(shape)
      if (shape.payloadBytes <= size) expectedVnet.fill(0, 1, 6)
      test.same(new Uint8Array(vnet), expectedVnet)
    }),
    { numRuns: 150 },
  )
  test.end()
})

t.test('interleaved flows are joined each by itself, and keep their order', test => {
  sender.setPathBytes(1, 1472)
  const base: Shape = {
    version: 4,
    isTcp: true,
    optionBytes: 12,
    payloadBytes: 1200,
    gsoSize: 1200,
    tags: 0,
    sequence: 1000,
    endFlags: 0,
  }
  const port = (frame: Uint8Array, value: number): Uint8Array => {
    frame[layersOf(base).l4 + 1] = value
    return frame
  }
  const frames = []
  for (let i = 0; i < 6; i++) {
    for (const flow of [1, 2, 3]) {
      const frame = port(makeFrame({ ...base, sequence: 1000 + 1200 * i }), flow)
      frames.push({ vnet: vnetOf(base), frame })
    }
  }
  const { written } = carry(frames)
  test.equal(written.length, 3)
  for (const [i, flow] of [1, 2, 3].entries()) {
    const frame = written[i]!.subarray(VNET_BYTES)
    test.equal(frame[layersOf(base).l4 + 1], flow)
    test.equal(frame.length, layersOf(base).header + 6 * 1200)
  }
  test.end()
})

t.test('a gap, another acknowledgement or a pure ACK between ends a super-frame', test => {
  sender.setPathBytes(1, 1472)
  const base: Shape = {
    version: 6,
    isTcp: true,
    optionBytes: 0,
    payloadBytes: 1000,
    gsoSize: 1000,
    tags: 0,
    sequence: 0,
    endFlags: 0,
  }
  const { l4 } = layersOf(base)
  const at = (sequence: number, change?: (frame: Uint8Array) => void): { vnet: Uint8Array; frame: Uint8Array } => {
    const frame = makeFrame({ ...base, sequence })
    change?.(frame)
    return { vnet: vnetOf(base), frame }
  }
  const pureAck = { vnet: new Uint8Array(VNET_BYTES), frame: makeFrame({ ...base, payloadBytes: 0, sequence: 2000 }) }
  const cases: [string, { vnet: Uint8Array; frame: Uint8Array }[], number[]][] = [
    ['a gap', [at(0), at(1000), at(3000)], [2000, 1000]],
    ['out of order', [at(1000), at(0)], [1000, 1000]],
    ['another acknowledgement', [at(0), at(1000, frame => (frame[l4 + 11] = 99))], [1000, 1000]],
    ['a pure ACK', [at(0), at(1000), pureAck, at(2000), at(3000)], [2000, 0, 2000]],
    ['another traffic class', [at(0), at(1000, frame => (frame[14] = 0x61))], [1000, 1000]],
  ]
  for (const [name, frames, lengths] of cases) {
    const { written } = carry(frames)
    test.same(
      written.map(bytes => bytes.length - VNET_BYTES - layersOf(base).header),
      lengths,
      name,
    )
  }
  test.end()
})

t.test('an IPv4 id that does not count on ends a super-frame, unless DF says that it means nothing', test => {
  sender.setPathBytes(1, 1472)
  const base: Shape = {
    version: 4,
    isTcp: true,
    optionBytes: 0,
    payloadBytes: 1000,
    gsoSize: 1000,
    tags: 0,
    sequence: 0,
    endFlags: 0,
  }
  const { l3, header } = layersOf(base)
  const at = (sequence: number, id: number, fragmentField: number): { vnet: Uint8Array; frame: Uint8Array } => {
    const frame = makeFrame({ ...base, sequence })
    const view = new DataView(frame.buffer)
    view.setUint16(l3 + 4, id)
    view.setUint16(l3 + 6, fragmentField)
    return { vnet: vnetOf(base), frame }
  }
  const cases: [string, number[], number, number[]][] = [
    ['counting, across the wrap', [0xffff, 0, 1], 0, [3000]],
    ['not counting', [5, 9, 10], 0, [1000, 2000]],
    ['standing still', [5, 5, 5], 0, [1000, 1000, 1000]],
    ['not counting, with DF', [5, 9, 0], 0x4000, [3000]],
  ]
  for (const [name, ids, fragmentField, lengths] of cases) {
    const { written } = carry(ids.map((id, index) => at(1000 * index, id, fragmentField)))
    test.same(
      written.map(bytes => bytes.length - VNET_BYTES - header),
      lengths,
      name,
    )
  }
  test.end()
})

// Last: its counters are far above those that the sender has come to.
t.test('one datagram does not pass for thousands of segments', async test => {
  const payloadBytes = 1024
  const stranger = createSocket('udp4')
  test.teardown(() => stranger.close())
  let counter = 1n << 40n
  for (const [gsoSize, rows] of [
    [3, 0],
    [4, 1],
  ] as const) {
    const shape: Shape = {
      version: 4,
      isTcp: true,
      optionBytes: 0,
      payloadBytes,
      gsoSize,
      tags: 0,
      sequence: 0,
      endFlags: 0,
    }
    const prefix = Uint8Array.of(DATAGRAM_KIND.frame, 3, gsoSize, 0, layersOf(shape).l4, 0, 16, 0)
    const datagram = craft(key, 6, counter++, Buffer.concat([prefix, makeFrame(shape)]))
    const before = receiver.counters()['drop:malformed-frame']!
    await new Promise(resolve => stranger.send(datagram, receiver.describe().port, '127.0.0.1', resolve))
    test.ok(receiving.wait(2, 2000))
    test.equal(receiving.udpRead(), rows, `segments of ${gsoSize} bytes`)
    test.equal(receiver.counters()['drop:malformed-frame']! - before, 1 - rows)
  }
})
