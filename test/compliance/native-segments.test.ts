import { createSocket } from 'node:dgram'
import fc from 'fast-check'
import t from 'tap'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { craft } from './packet-engine-fixture.ts'
import { CARRIER_KEY, layersOf, makeFrame, openCarrier, sum, vnetOf, VNET_BYTES, type Shape } from './super-frames.ts'

/**
 * Super-frames through two engines on the loopback device: cut by one (checked frame by frame against what a TCP stack
 * would have sent), joined by the other (checked against what went in).
 */
const { sender, receiver, receiving, carry } = openCarrier(t)

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
    const datagram = craft(CARRIER_KEY, 6, counter++, Buffer.concat([prefix, makeFrame(shape)]))
    const before = receiver.counters()['drop:malformed-frame']!
    await new Promise(resolve => stranger.send(datagram, receiver.describe().port, '127.0.0.1', resolve))
    test.ok(receiving.wait(2, 2000))
    test.equal(receiving.udpRead(), rows, `segments of ${gsoSize} bytes`)
    test.equal(receiver.counters()['drop:malformed-frame']! - before, 1 - rows)
  }
})

t.test(
  'a super-frame of more segments than a stack makes is dropped where it is read, and one of the shortest is cut',
  async test => {
    const shape = (gsoSize: number): Shape => ({
      ...{ version: 4, isTcp: true, optionBytes: 12, payloadBytes: 60_000, tags: 0, sequence: 0, endFlags: 0 },
      gsoSize,
    })
    const sent = (gsoSize: number) => {
      const before = sender.counters()
      const given = { vnet: vnetOf(shape(gsoSize)), frame: makeFrame(shape(gsoSize)) }
      let problem = ''
      try {
        carry([given])
      } catch (error) {
        problem = (error as Error).message
      }
      const now = sender.counters()
      const more = (name: string) => now[name]! - before[name]!
      return { problem, datagrams: more('tx-datagrams'), dropped: more('drop:malformed-frame') }
    }
    sender.setPathBytes(1, 1472)
    const unread = '0 of 1 frames were read'
    test.same(sent(1), { problem: unread, datagrams: 0, dropped: 1 })
    test.same(sent(29), { problem: unread, datagrams: 0, dropped: 1 })
    test.same(sent(36), { problem: '', datagrams: Math.ceil(60_000 / 36), dropped: 0 })
  },
)
