import { closeSync, readSync, writeSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { assert } from '../../lib/base/mod.ts'
import { nativeBinding, type Reassembled } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { READY, ROW } from '../../lib/overlay/mod.ts'
import {
  FRAGMENTS_MAX,
  PARTIAL_BYTES_MAX,
  PEER_PARTIAL_BYTES_MAX,
  PEER_PARTIAL_FRAMES_MAX,
  REASSEMBLY_MS,
  TOO_BIG_BURST,
  TOO_BIG_PER_SECOND,
} from '../../lib/overlay/constants.ts'
import { DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { LOOPBACK, sealTowards } from '../support/engine-session.ts'
import { cut, MemoryPieces, piece } from '../support/memory-pieces.ts'
import { testFrame } from './packet-engine-fixture.ts'

const native = nativeBinding()
const VNET_BYTES = 10
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 200)

function reassembler() {
  const handle = native.makeReassembler()
  return (peer: number, plaintext: Uint8Array, now = 0): Reassembled => native.reassemble(handle, peer, plaintext, now)
}

t.test('pieces of many frames of many peers, in any order, give each frame as it was', t => {
  const frames = fc.array(
    fc.record({
      peer: fc.nat(3),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      room: fc.integer({ min: 30, max: 700 }),
    }),
    { minLength: 1, maxLength: 30 },
  )
  fc.assert(
    fc.property(frames, fc.infiniteStream(fc.nat()), (given, order) => {
      const add = reassembler()
      const pieces = given.flatMap(({ peer, bytes, room }, id) =>
        cut(bytes, room, id)!.map(plaintext => ({ peer, plaintext, bytes })),
      )
      let done = 0
      while (pieces.length > 0) {
        const [next] = pieces.splice(Number(order.next().value) % pieces.length, 1)
        const { whole } = add(next!.peer, next!.plaintext)
        if (whole === null) continue
        done++
        if (Buffer.compare(whole, next!.bytes) !== 0) return false
      }
      return done === given.length
    }),
    { numRuns: RUNS },
  )
  t.end()
})

t.test('whatever pieces come, they are taken as by the plain twin, and within bounds', t => {
  const pieces = fc.array(
    fc.record({
      peer: fc.nat(2),
      id: fc.nat(6),
      total: fc.oneof(fc.constant(100), fc.nat(0xffff)),
      offset: fc.oneof(fc.constantFrom(0, 10, 20, 50, 90), fc.nat(0xffff)),
      length: fc.oneof(fc.constantFrom(0, 10, 30, 50, 100), fc.nat(300)),
      fill: fc.nat(255),
    }),
    { maxLength: 80 },
  )
  fc.assert(
    fc.property(pieces, given => {
      const add = reassembler()
      const twin = new MemoryPieces()
      return given.every(({ peer, id, total, offset, length, fill }) => {
        const plaintext = piece(new Uint8Array(length).fill(fill), total, offset, id)
        const ours = add(peer, plaintext)
        const theirs = twin.add(peer, plaintext)
        const isSame =
          theirs instanceof Uint8Array
            ? ours.whole !== null && Buffer.compare(ours.whole, theirs) === 0
            : ours.whole === null && ours.malformed === (theirs === 'malformed' ? 1 : 0)
        return isSame && ours.frames === twin.size
      })
    }),
    { numRuns: RUNS },
  )
  const anything = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 200 })
  fc.assert(
    fc.property(anything, given => {
      const add = reassembler()
      return given.every((plaintext, at) => add(at % 3, plaintext, at).bytes <= PARTIAL_BYTES_MAX)
    }),
    { numRuns: RUNS },
  )
  t.end()
})

t.test('an incomplete frame is waited for so long, and not longer', t => {
  const add = reassembler()
  const [first, second] = cut(new Uint8Array(100), 70, 1)!
  add(1, first!, 1000)
  t.match(add(1, piece(new Uint8Array(9), 10, 0, 2), 1000 + REASSEMBLY_MS - 1), { expired: 0, frames: 2 })
  t.match(add(1, second!, 1000 + REASSEMBLY_MS), { whole: null, expired: 1, frames: 2 })
  t.end()
})

t.test('who sends pieces only has bounded room, and takes none of others; all together have bounded room', t => {
  const add = reassembler()
  const [first, second] = cut(new Uint8Array(100).fill(7), 70, 0)!
  add(2, first!)
  for (let id = 0; id < 3 * PEER_PARTIAL_FRAMES_MAX; id++) add(1, piece(new Uint8Array(9), 10, 0, id))
  t.match(add(1, piece(new Uint8Array(9), 10, 0, 9999)), { frames: PEER_PARTIAL_FRAMES_MAX + 1, full: 1 })
  for (let id = 0; id < 40; id++) add(1, piece(new Uint8Array(9), 0xffff, 0, 20_000 + id))
  const { bytes } = add(1, piece(new Uint8Array(9), 0xffff, 0, 30_000))
  t.ok(bytes <= PEER_PARTIAL_BYTES_MAX + 100)
  t.equal(add(2, second!).whole?.length, 100, 'the other peer has its frame')
  let most = 0
  for (let peer = 0; peer < 20; peer++) {
    for (let id = 0; id < 20; id++) most = Math.max(most, add(peer, piece(new Uint8Array(9), 0xffff, 0, id)).bytes)
  }
  t.ok(most <= PARTIAL_BYTES_MAX && most > PARTIAL_BYTES_MAX - 0xffff, String(most))
  t.end()
})

t.test('more pieces than a frame may have end it', t => {
  const add = reassembler()
  let malformed = 0
  for (let i = 0; i <= FRAGMENTS_MAX; i++) malformed += add(1, piece(Uint8Array.of(i), 1000, i, 1)).malformed
  t.equal(malformed, 1)
  t.end()
})

function pair() {
  const open = () => {
    const [tapFd, tap] = native.socketPair()
    const engine = new NativeEngine({ tapFd, udp: { ip: LOOPBACK, port: 0 } })
    return { engine, tap, lane: new NativeLane(engine.id) }
  }
  const near = open()
  const far = open()
  sealTowards(near.engine, far.engine, new Uint8Array(32).fill(4))
  t.teardown(() => {
    for (const { engine, tap, lane } of [near, far]) {
      lane.close()
      engine.close()
      closeSync(tap)
    }
  })
  const send = (frame: Uint8Array, vnet = new Uint8Array(VNET_BYTES), kind: number = DATAGRAM_KIND.frame, to = 1) => {
    writeSync(near.tap, Buffer.concat([vnet, frame]))
    near.lane.wait(READY.tap, 1000)
    near.lane.tapRead()
    near.lane.ways.set([1, 0])
    near.lane.sends.set([0, to, kind, -1, 7, 0])
    return near.lane.send(1)
  }
  const received = () => {
    const rows: Uint8Array[] = []
    while (far.lane.wait(READY.udp, 50) !== 0) {
      const count = far.lane.udpRead()
      for (let row = 0; row < count; row++) {
        const at = row * ROW.columns
        const offset = far.lane.rows[at + ROW.offset]!
        rows.push(far.lane.slab.slice(offset, offset + far.lane.rows[at + ROW.length]!))
      }
    }
    return rows
  }
  /** What a bridge is given, the sender's: frames behind a vnet header of zeros. */
  const told = (tap = near.tap) => {
    const buffer = new Uint8Array(70_000)
    let bytes: number
    try {
      bytes = readSync(tap, buffer)
    } catch {
      return undefined
    }
    assert(
      buffer.subarray(0, VNET_BYTES).every(byte => byte === 0),
      'a vnet header that says something',
    )
    return buffer.slice(VNET_BYTES, bytes)
  }
  return { near, far, send, received, told }
}

const MAC_TO = [2, 0, 0, 0, 0, 2]
const MAC_FROM = [2, 0, 0, 0, 0, 1]

function sum(bytes: Uint8Array, seed = 0): number {
  let total = seed
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

interface Ipv4Options {
  readonly flags?: number
  readonly protocol?: number
  readonly to?: readonly number[]
  readonly mac?: readonly number[]
  readonly tag?: boolean
  readonly type?: number
}

function ipv4Frame(
  bytes: number,
  { flags = 0x40, protocol = 17, to = [10, 32, 0, 9], mac = MAC_TO, tag = false, type = 8 }: Ipv4Options = {},
) {
  const l3 = tag ? 18 : 14
  const frame = new Uint8Array(l3 + bytes).fill(0x5a)
  frame.set([...mac, ...MAC_FROM, ...(tag ? [0x81, 0, 0, 5] : []), 8, 0])
  frame.set([0x45, 0, bytes >> 8, bytes & 255, 0, 1, flags, 0, 64, protocol, 0, 0, 10, 32, 0, 1, ...to, type, 0], l3)
  return frame
}

function ipv6Frame(bytes: number, to = 0xfd) {
  const frame = new Uint8Array(14 + bytes).fill(0x5a)
  frame.set([...MAC_TO, ...MAC_FROM, 0x86, 0xdd, 0x60, 0, 0, 0, (bytes - 40) >> 8, (bytes - 40) & 255, 17, 64])
  frame.set([0xfd, ...new Uint8Array(14), 1], 22)
  frame.set([to, ...new Uint8Array(14), 9], 38)
  return frame
}

const PATH_BYTES = 1000
const ROOM = PATH_BYTES - 16 - 16 - 8 - 14

t.test('who may not be fragmented is told what fits, in IPv4, and nothing is lost', t => {
  const { near, send, received, told } = pair()
  near.engine.setPathBytes(1, PATH_BYTES, true)
  near.engine.setBridgeAddresses([{ ip: Uint8Array.of(10, 32, 0, 254), prefix: 12 }])
  for (const tag of [false, true]) {
    const frame = ipv4Frame(1330, { tag })
    send(frame)
    t.same(received(), [frame])
    const answer = told()!
    const l3 = tag ? 18 : 14
    t.same([...answer.subarray(0, 12)], [...MAC_FROM, ...MAC_TO], 'from whom the frame was for, as the bridge knows it')
    t.same(answer.subarray(12, l3), frame.subarray(12, l3))
    const ip = answer.subarray(l3)
    t.same([...ip.subarray(12, 20)], [10, 32, 0, 254, 10, 32, 0, 1])
    t.equal(sum(ip.subarray(0, 20)), 0xffff, 'the checksum of the header')
    t.equal((ip[2]! << 8) | ip[3]!, ip.length)
    t.equal(ip.length, 576, 'as long as RFC 1812 lets it be')
    t.same([...ip.subarray(20, 22)], [3, 4])
    t.equal((ip[26]! << 8) | ip[27]!, tag ? ROOM - 4 : ROOM)
    t.equal(sum(ip.subarray(20)), 0xffff, 'the checksum of the message')
    t.same(ip.subarray(28), frame.subarray(l3, l3 + 548))
  }
  t.match(near.engine.counters(), { 'too-big-told': 2, fragmented: 2, 'drop:too-big': 0 })
  near.engine.setBridgeAddresses([{ ip: Uint8Array.of(192, 168, 0, 1), prefix: 16 }])
  send(ipv4Frame(1330))
  t.same([...told()!.subarray(26, 30)], [10, 32, 0, 9], 'where the bridge is no neighbour, from whom it was for')
  t.end()
})

t.test('the same in IPv6, but never of less than every path of IPv6 carries', t => {
  const { near, send, received, told } = pair()
  for (const [pathBytes, mtu] of [[1400, 1400 - 40 - 14] as const, [PATH_BYTES, 1280] as const]) {
    near.engine.setPathBytes(1, pathBytes, true)
    const frame = ipv6Frame(1450)
    send(frame)
    t.same(received(), [frame])
    const ip = told()!.subarray(14)
    t.same([...ip.subarray(8, 24)], [...frame.subarray(38, 54)])
    t.same([...ip.subarray(24, 40)], [...frame.subarray(22, 38)])
    t.equal((ip[4]! << 8) | ip[5]!, ip.length - 40)
    t.equal(ip.length, 1280)
    t.same([...ip.subarray(40, 42)], [2, 0])
    t.equal(new DataView(ip.buffer, ip.byteOffset).getUint32(44), mtu)
    t.equal(sum(ip.subarray(40), sum(ip.subarray(8, 40)) + ip.length - 40 + 58), 0xffff)
  }
  send(ipv6Frame(1280))
  t.equal(told(), undefined)
  t.equal(received().length, 1)
  t.end()
})

t.test('all others are told nothing, and are carried in pieces', t => {
  const { near, send, received, told } = pair()
  near.engine.setPathBytes(1, PATH_BYTES, true)
  const frames = [
    ipv4Frame(1330, { flags: 0 }),
    ipv4Frame(1330, { flags: 0x60 }),
    ipv4Frame(1330, { to: [224, 0, 0, 5] }),
    ipv4Frame(1330, { mac: [1, 0, 0x5e, 0, 0, 5] }),
    ipv4Frame(1330, { protocol: 1, type: 3 }),
    ipv6Frame(1330, 0xff),
    testFrame(1330),
  ]
  for (const frame of frames) {
    send(frame)
    t.same(received(), [frame])
    t.equal(told(), undefined)
  }
  send(ipv4Frame(1330), undefined, DATAGRAM_KIND.broadcast)
  t.equal(received().length, 1)
  near.engine.setPathBytes(1, PATH_BYTES, false)
  send(ipv4Frame(1330))
  t.equal(received().length, 1)
  t.equal(told(), undefined, 'while the path is searched nobody is told')
  t.match(near.engine.counters(), { fragmented: frames.length + 2, 'too-big-told': 0 })
  t.end()
})

t.test('nobody is told while the path to the relay is searched, however large that behind it is', t => {
  const { near, send, told } = pair()
  const key = new Uint8Array(32).fill(9)
  near.engine.setPeer(2, new Uint8Array(8).fill(2))
  const session = { peerIndex: 2, sendKey: key, receiveKey: key, receiverIndex: 7, remoteIndex: 8 }
  near.engine.addSession({ ...session, cipher: 'chacha20-poly1305' })
  near.engine.sealWith(2, 7)
  near.engine.setVia(2, 1)
  near.engine.setPathBytes(2, 1_400, true)
  for (const [isFound, bytes] of [
    [false, undefined],
    [true, 576],
  ] as const) {
    near.engine.setPathBytes(1, PATH_BYTES, isFound)
    send(ipv4Frame(1330), undefined, DATAGRAM_KIND.frame, 2)
    t.equal(told()?.subarray(14).length, bytes)
  }
  t.match(near.engine.counters(), { fragmented: 2, 'too-big-told': 1, 'drop:too-big': 0 })
  t.end()
})

t.test('who goes on is told no more than so often', t => {
  const { near, send, told } = pair()
  near.engine.setPathBytes(1, PATH_BYTES, true)
  const begun = performance.now()
  for (let i = 0; i < 2 * TOO_BIG_BURST; i++) {
    send(ipv4Frame(1100))
    while (told() !== undefined);
  }
  const counters = near.engine.counters()
  const most = TOO_BIG_BURST + 1 + ((performance.now() - begun) * TOO_BIG_PER_SECOND) / 1000
  t.ok(counters['too-big-told']! >= TOO_BIG_BURST && counters['too-big-told']! <= most)
  t.equal(counters['too-big-told']! + counters['too-big-untold']!, 2 * TOO_BIG_BURST)
  t.equal(counters['fragmented'], 2 * TOO_BIG_BURST)
  t.end()
})

t.test('segments of a UDP super-frame are datagrams that a path must carry, in pieces if it has to', t => {
  const { near, send, received } = pair()
  near.engine.setPathBytes(1, 600, false)
  const payload = 2500
  const frame = new Uint8Array(14 + 28 + payload).fill(3)
  frame.set([...MAC_TO, ...MAC_FROM, 8, 0, 0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 32, 0, 1, 10, 32, 0, 9])
  const length = 28 + payload
  frame.set([length >> 8, length & 255], 16)
  const vnet = Uint8Array.of(1, 5, 0, 0, 1000 & 255, 1000 >> 8, 34, 0, 6, 0)
  send(frame, vnet)
  t.same(
    received().map(({ length }) => length),
    [1042, 1042, 542],
  )
  t.equal(near.engine.counters()['fragmented'], 2, 'the last one fits')
  t.end()
})

t.test('on request a TCP connection learns from the start what fits, whichever end speaks', t => {
  const { near, far, send, received, told } = pair()
  near.engine.setPathBytes(1, PATH_BYTES)
  const syn = (optionsBefore: number[]) => {
    const options = [
      ...optionsBefore,
      2,
      4,
      0x05,
      0xb4,
      ...(optionsBefore.length % 4 === 0 ? [] : new Array<number>(4 - (optionsBefore.length % 4)).fill(1)),
    ]
    const frame = new Uint8Array(14 + 20 + 20 + options.length)
    frame.set([
      ...MAC_TO,
      ...MAC_FROM,
      ...[8, 0, 0x45, 0, 0, frame.length - 14, 0, 1, 0x40, 0, 64, 6, 0, 0],
      ...[10, 32, 0, 1, 10, 32, 0, 9],
    ])
    frame.set(
      [
        0x30,
        0x39,
        0,
        80,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        ((20 + options.length) / 4) << 4,
        2,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
        ...options,
      ],
      34,
    )
    const check = ~sum(frame.subarray(34), sum(frame.subarray(26, 34)) + 6 + frame.length - 34) & 0xffff
    frame.set([check >> 8, check & 255], 50)
    return frame
  }
  const isSound = (frame: Uint8Array) =>
    sum(frame.subarray(34), sum(frame.subarray(26, 34)) + 6 + frame.length - 34) === 0xffff
  const announced = (frame: Uint8Array, before: number[]) =>
    (frame[54 + before.length + 2]! << 8) | frame[54 + before.length + 3]!
  for (const before of [[], [1], [1, 3, 3, 7]]) {
    const frame = syn(before)
    t.ok(isSound(frame))
    send(frame)
    t.same(received(), [frame], 'not unless it was asked for')
    near.engine.setClamping(true)
    send(frame)
    const [out] = received()
    t.equal(announced(out!, before), ROOM - 40)
    t.ok(isSound(out!))
    near.engine.setClamping(false)
    far.engine.setClamping(true)
    far.engine.setPathBytes(1, 800)
    send(frame)
    t.same(received(), [frame], 'what may be passed on stays as it came')
    far.lane.deliveries[0] = 0
    far.lane.tapWrite(1)
    const inward = told(far.tap)
    t.equal(announced(inward!, before), 800 - 40 - 14 - 40)
    t.ok(isSound(inward!))
    far.engine.setClamping(false)
  }
  t.end()
})
