import fc from 'fast-check'
import t from 'tap'
import {
  layersOf,
  makeFrame,
  openCarrier,
  sum,
  vnetOf,
  VNET_BYTES,
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

t.test('single datagrams become super-frames, and are what they were when these are cut', test => {
  const { carry, receiver } = openCarrier(test)
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

t.test('with super-frames off every datagram is written by itself', test => {
  const { carry } = openCarrier(test, { tapGso: false })
  const given = Array.from({ length: 5 }, (_, mark) => datagram(mark, 64))
  const { written } = carry(given)
  test.same(texts(written.map(bytes => bytes.subarray(VNET_BYTES))), texts(given.map(one => one.frame)))
  test.ok(written.every(bytes => bytes[1] === 0))
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
