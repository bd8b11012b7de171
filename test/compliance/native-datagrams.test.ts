import fc from 'fast-check'
import t from 'tap'
import {
  layersOf,
  makeFrame,
  openCarrier,
  sum,
  vnetOf,
  VNET_BYTES,
  type Carrier,
  type GivenFrame,
  type Shape,
} from './super-frames.ts'

/**
 * Single datagrams of containers through two engines: those of one flow become super-frames where the far TAP takes such,
 * and every one of them comes out of these as it went in.
 */
const SEGMENTS_MAX = 64

const DATAGRAM: Shape = {
  version: 4,
  isTcp: false,
  optionBytes: 0,
  payloadBytes: 64,
  gsoSize: 0,
  tags: 0,
  sequence: 0,
  endFlags: 0,
}

interface Particulars extends Partial<Shape> {
  /** Which source port. */
  readonly flow?: number
  /** In the IPv4 header. */
  readonly id?: number
  readonly alter?: (frame: Uint8Array, layers: { l3: number; l4: number }) => void
  /** Bytes behind the packet. */
  readonly padding?: number
  readonly isComplete?: boolean
}

/** `mark` tells its payload from others. */
function datagram(mark: number, payloadBytes: number, particulars: Particulars = {}): GivenFrame {
  const { flow = 0, id = mark, alter, padding = 0, isComplete = false, ...shape } = particulars
  const whole = { ...DATAGRAM, payloadBytes, ...shape }
  const { l3, l4, header } = layersOf(whole)
  const frame = new Uint8Array(header + payloadBytes + padding)
  frame.set(makeFrame(whole))
  const view = new DataView(frame.buffer)
  if (whole.version === 4) view.setUint16(l3 + 4, id)
  frame[l4 + 1] = flow
  if (payloadBytes > 1) view.setUint16(header, mark)
  alter?.(frame, { l3, l4 })
  if (whole.version === 4) {
    view.setUint16(l3 + 10, 0)
    view.setUint16(l3 + 10, ~sum(frame.subarray(l3, l4)) & 0xffff)
  }
  const vnet = vnetOf(whole)
  vnet.fill(0, isComplete ? 0 : 1, 6)
  return { vnet, frame }
}

/** What a kernel makes of what was written, frame by frame (virtio 1.2 §5.1.6.2). */
function cut(written: readonly Buffer[]): Buffer[] {
  return written.flatMap(bytes => {
    const vnet = bytes.subarray(0, VNET_BYTES)
    const whole = bytes.subarray(VNET_BYTES)
    if (vnet[1] === 0) return [whole]
    const header = vnet.readUInt16LE(2)
    const size = vnet.readUInt16LE(4)
    const l4 = vnet.readUInt16LE(6)
    const isIpv4 = whole[14]! >> 4 === 4
    const pieces: Buffer[] = []
    for (let at = header; at < whole.length; at += size) {
      const frame = Buffer.concat([whole.subarray(0, header), whole.subarray(at, at + size)])
      if (isIpv4) {
        frame.writeUInt16BE(frame.length - 14, 16)
        frame.writeUInt16BE((whole.readUInt16BE(18) + pieces.length) & 0xffff, 18)
        frame.writeUInt16BE(0, 24)
        frame.writeUInt16BE(~sum(frame.subarray(14, l4)) & 0xffff, 24)
      } else frame.writeUInt16BE(frame.length - l4, 18)
      frame.writeUInt16BE(frame.length - l4, l4 + 4)
      const addresses = isIpv4 ? frame.subarray(26, 34) : frame.subarray(22, 54)
      frame.writeUInt16BE(sum(addresses, 17 + frame.length - l4), l4 + 6)
      pieces.push(frame)
    }
    return pieces
  })
}

const texts = (frames: readonly Uint8Array[]): string[] => frames.map(frame => Buffer.from(frame).toString('hex'))

/** Of frames that are sent to a peer that takes several in one datagram, on a path of so many bytes that is searched. */
function joining(carrier: Carrier, pathBytes = 1472): Carrier {
  carrier.sender.setPathBytes(1, pathBytes, true)
  carrier.sender.setJoining(1, true)
  return carrier
}

for (const [name, prepared] of [
  ['single datagrams become super-frames, and are what they were when these are cut', (carrier: Carrier) => carrier],
  ['the same of datagrams that leave joined', joining],
] as const) {
  t.test(name, test => {
    const { carry, receiver } = prepared(openCarrier(test))
    const sizes = fc.record({ flow: fc.integer({ min: 0, max: 2 }), size: fc.constantFrom(1, 64, 64, 64, 65, 600) })
    let frames = 0
    let writes = 0
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 6 as const),
        fc.array(sizes, { minLength: 1, maxLength: 32 }),
        (version, list) => {
          const ids = [0xfffe, 0, 7]
          const given = list.map(({ flow, size }, mark) =>
            datagram(mark, size, { flow, version, id: ids[flow]!++ & 0xffff }),
          )
          const { written } = carry(given)
          const came = cut(written)
          frames += given.length
          writes += written.length
          const { l4 } = layersOf({ ...DATAGRAM, version })
          for (const flow of [0, 1, 2]) {
            const of = (all: readonly Uint8Array[]) => texts(all.filter(frame => frame[l4 + 1] === flow))
            test.same(of(came), of(given.map(one => one.frame)), `flow ${flow}`)
          }
        },
      ),
      { numRuns: 60 },
    )
    test.equal(receiver.counters()['tap-tx-frames'], frames)
    test.equal(receiver.counters()['tap-tx-writes'], writes)
    if (receiver.describe().tapUso) test.ok(writes < 0.8 * frames, `${frames} frames in ${writes} writes`)
    test.end()
  })
}

t.test('as many datagrams of a flow leave in one as the path carries', test => {
  const carrier = joining(openCarrier(test), 600)
  const given = Array.from({ length: 20 }, (_, mark) => datagram(mark, 64))
  const { rows, written } = carrier.carry(given)
  // 600 less 32 of the datagram, 8 of the frame and 42 of its headers is room for 8 payloads.
  test.same(
    rows.map(row => row.length),
    [42 + 512, 42 + 512, 42 + 256],
  )
  test.same(texts(cut(written)), texts(given.map(one => one.frame)))
  if (carrier.receiver.describe().tapUso) test.equal(written.length, 1)
  test.equal(carrier.receiver.counters()['tap-tx-frames'], 20)
  test.end()
})

t.test('what does not leave joined', test => {
  const carrier = joining(openCarrier(test))
  const two = [datagram(0, 64), datagram(1, 64)]
  const rowsOf = (given: readonly GivenFrame[], times = 1) => carrier.carry(given, times).rows.length
  test.equal(rowsOf(two), 1, 'the rule')
  test.equal(rowsOf([datagram(0, 700), datagram(1, 700)]), 2, 'two that do not fit into one')
  test.equal(rowsOf([datagram(0, 64, { tags: 1 }), datagram(1, 64, { tags: 1 })]), 2, 'tags')
  test.equal(rowsOf([datagram(0, 64, { isComplete: true }), datagram(1, 64, { isComplete: true })]), 2, 'checksums')
  carrier.sender.setPathBytes(1, 1472, false)
  test.equal(rowsOf(two), 2, 'a path that is not searched')
  carrier.sender.setPathBytes(1, 1472, true)
  carrier.sender.setJoining(1, false)
  test.equal(rowsOf(two), 2, 'a peer that does not take them')
  test.end()
})

t.test('frames of the same flow for different peers leave by themselves', test => {
  const { sender, carry } = joining(openCarrier(test))
  sender.setPeer(2, new Uint8Array(8).fill(9))
  const before = sender.counters()['drop:no-session']!
  const { rows } = carry([datagram(0, 64), datagram(1, 64)], 1, [1, 2])
  test.equal(rows.length, 1)
  test.equal(rows[0]!.length, 42 + 64)
  test.equal(sender.counters()['drop:no-session'], before + 1)
  test.end()
})

t.test('a super-frame of a container leaves joined, too', test => {
  const carrier = joining(openCarrier(test))
  const shape: Shape = { ...DATAGRAM, payloadBytes: 100 * 50 - 7, gsoSize: 100 }
  const frame = makeFrame(shape)
  const { rows, written } = carrier.carry([{ vnet: vnetOf(shape), frame }])
  test.equal(rows.length, 4, 'of 13 datagrams each')
  const came = cut(written)
  test.same(
    came.map(one => one.length),
    Array.from({ length: 50 }, (_, i) => 42 + (i < 49 ? 100 : 93)),
  )
  test.same(Buffer.concat(came.map(one => one.subarray(42))), Buffer.from(frame.subarray(42)))
  test.end()
})

t.test('what may not be joined is not', test => {
  const { carry, receiver } = openCarrier(test)
  if (!receiver.describe().tapUso) return test.end()
  const cases: [string, GivenFrame[], number[]][] = [
    ['alike', [datagram(0, 64), datagram(1, 64), datagram(2, 64)], [192]],
    ['a shorter one ends it', [datagram(0, 64), datagram(1, 60), datagram(2, 64)], [124, 64]],
    ['a longer one begins the next', [datagram(0, 64), datagram(1, 65), datagram(2, 65)], [64, 130]],
    ['longer payloads', [datagram(0, 1300), datagram(1, 1300), datagram(2, 7)], [2607]],
    ['an empty one', [datagram(0, 64), datagram(1, 0), datagram(2, 64)], [64, 0, 64]],
    ['another time to live', [datagram(0, 64), datagram(1, 64, { alter: (f, { l3 }) => (f[l3 + 8] = 3) })], [64, 64]],
    ['another service class', [datagram(0, 64), datagram(1, 64, { alter: (f, { l3 }) => (f[l3 + 1] = 3) })], [64, 64]],
    ['another sender', [datagram(0, 64), datagram(1, 64, { alter: f => (f[11] = 99) })], [64, 64]],
    ['a tag', [datagram(0, 64), datagram(1, 64, { tags: 1 })], [64, 64]],
    ['two tags', [datagram(0, 64, { tags: 2 }), datagram(1, 64, { tags: 2 })], [64, 64]],
    ['a checksum that is there', [datagram(0, 64), datagram(1, 64, { isComplete: true })], [64, 64]],
    ['a first fragment', [datagram(0, 64), datagram(1, 64, { alter: (f, { l3 }) => (f[l3 + 6] = 0x20) })], [64, 64]],
    ['padding', [datagram(0, 64, { padding: 4 }), datagram(1, 64, { padding: 4 })], [64, 64]],
    [
      'a UDP length of its own',
      [datagram(0, 64), datagram(1, 64, { alter: (f, { l4 }) => (f[l4 + 5] = 9) })],
      [64, 64],
    ],
    ['IPv6', [datagram(0, 64, { version: 6 }), datagram(1, 64, { version: 6 })], [128]],
    [
      'IPv6 between IPv4',
      [datagram(0, 64), datagram(1, 64, { version: 6 }), datagram(2, 64), datagram(3, 64, { version: 6 })],
      [128, 128],
    ],
    [
      'ids that do not count, where they mean something',
      [0, 1, 5].map(id => datagram(id, 64, { alter: (f, { l3 }) => (f[l3 + 6] = 0) })),
      [128, 64],
    ],
  ]
  for (const [name, frames, lengths] of cases) {
    const { written } = carry(frames)
    const payloads = written.map(bytes => {
      const frame = bytes.subarray(VNET_BYTES)
      const l3 = 14 + 4 * [0x8100, 0x8100].filter((tag, at) => frame.readUInt16BE(12 + 4 * at) === tag).length
      return frame[l3]! >> 4 === 4 ? frame.readUInt16BE(l3 + 2) - 28 : frame.readUInt16BE(l3 + 4) - 8
    })
    test.same(payloads, lengths, name)
  }
  test.end()
})

t.test('a super-frame has as many datagrams as every kernel takes', test => {
  const { carry, receiver } = openCarrier(test)
  if (!receiver.describe().tapUso) return test.end()
  const given = Array.from({ length: 32 }, (_, mark) => datagram(mark, 8))
  const came = carry(given, 5).written
  test.ok(came.every(bytes => bytes.length <= VNET_BYTES + layersOf(DATAGRAM).header + 8 * SEGMENTS_MAX))
  test.equal(cut(came).length, 160)
  test.ok(came.length <= 10, `${came.length} writes`)
  test.end()
})

for (const [how, prepared] of [
  ['', (carrier: Carrier) => carrier],
  [', also what came joined', joining],
] as const)
  t.test(`with super-frames off every datagram is written by itself${how}`, test => {
    const { carry, receiver } = prepared(openCarrier(test, { tapGso: false }))
    const given = Array.from({ length: 5 }, (_, mark) => datagram(mark, 64))
    const { written } = carry(given)
    test.same(texts(written.map(bytes => bytes.subarray(VNET_BYTES))), texts(given.map(one => one.frame)))
    test.ok(written.every(bytes => bytes[1] === 0))
    test.equal(receiver.counters()['tap-gso-refused'], 0)
    test.equal(receiver.counters()['tap-tx-frames'], 5)
    test.end()
  })

t.test('a TAP that refuses super-frames of datagrams gets each by itself, and is asked once', test => {
  // The kernel doubles the buffer: two datagrams go into it, but not as one.
  const { carry, sender, receiver } = openCarrier(test, {}, 7_500)
  if (!receiver.describe().tapUso) return test.end()
  sender.setPathBytes(1, 9_000)
  const given = [datagram(0, 7_700), datagram(1, 7_700)]
  for (const round of [1, 2]) {
    const { written } = carry(given)
    test.same(texts(written.map(bytes => bytes.subarray(VNET_BYTES))), texts(given.map(one => one.frame)), `${round}`)
    test.same(written[0]!.subarray(0, VNET_BYTES), Buffer.from(given[0]!.vnet))
    test.equal(receiver.counters()['tap-gso-refused'], 1)
    test.equal(receiver.counters()['tap-tx-frames'], 2 * round)
    test.equal(receiver.describe().tapUso, false)
  }
  test.end()
})
