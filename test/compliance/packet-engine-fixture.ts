import { ChaCha20Poly1305 } from '@stablelib/chacha20poly1305'
import type { Test } from 'tap'
import { endpointOf, type Endpoint, type EndpointParts } from '../../lib/address/mod.ts'
import { concatBytes } from '../../lib/base/mod.ts'
import {
  READY,
  ROW,
  ROW_FLAG,
  SEND,
  type CipherName,
  type EngineControl,
  type EngineLane,
} from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_CLASS, DATAGRAM_HEADER_BYTES, DATAGRAM_KIND } from '../../lib/wire/datagram.ts'
import { ethernetFrame } from '../support/frames.ts'

/** One engine under test, with its TAP in the test's hands. */
export interface SuiteEngine {
  readonly control: EngineControl
  readonly lane: EngineLane
  /** Where the others reach its socket. */
  readonly endpoint: EndpointParts
  pushTap(frame: Uint8Array): void
  /** The frames written to the TAP since the last call. */
  takeTap(): Uint8Array[]
}

/** Engines that can reach each other, without peers or sessions yet, and a bare socket beside them. */
export interface SuiteMesh {
  readonly engines: readonly SuiteEngine[]
  readonly strangerEndpoint: EndpointParts
  strangerSend(to: EndpointParts, bytes: Uint8Array): void | Promise<void>
  strangerTake(): Uint8Array[] | Promise<Uint8Array[]>
  close(): void | Promise<void>
}

export type MakeMesh = (count: number) => SuiteMesh | Promise<SuiteMesh>

/** What the suite keeps of a row; the engine's own are gone with the next read. */
export interface RowCopy {
  readonly bytes: Uint8Array
  readonly columns: Int32Array
  readonly source: Endpoint
}

export interface LinkKeys {
  readonly cipher: CipherName
  /** Towards the second engine, and towards the first. */
  readonly forward: Uint8Array
  readonly back: Uint8Array
  /** What the first and the second engine are addressed by. */
  readonly firstIndex: number
  readonly secondIndex: number
}

const POLLS_MAX = 200
const POLL_MS = 5
export const PATH_BYTES = 1452
export const MAC_A = 0x0200_0000_000a
export const MAC_B = 0x0200_0000_000b

let sessionsMade = 0

/** The index by which engine `at` knows engine `of`: another on each, as in life. */
export function peerIndex(at: number, of: number): number {
  return 100 * (at + 1) + of
}

export function shortIdOf(engine: number): Uint8Array {
  return Uint8Array.of(0xf0, engine, 2, 3, 4, 5, 6, 0xff - engine)
}

export function testFrame(bytes: number, mark = 0): Uint8Array {
  return ethernetFrame(
    MAC_B,
    MAC_A,
    Uint8Array.from({ length: bytes - 14 }, (_, i) => i + mark),
  )
}

function engineAt(mesh: SuiteMesh, at: number): SuiteEngine {
  const engine = mesh.engines[at]
  if (engine === undefined) throw new Error(`no engine ${at}`)
  return engine
}

/** Runs `use` on a mesh in which every engine knows every other and its endpoint, and nobody has a session. */
export async function withMesh(
  makeMesh: MakeMesh,
  count: number,
  use: (mesh: SuiteMesh, ...engines: SuiteEngine[]) => Promise<void>,
): Promise<void> {
  const mesh = await makeMesh(count)
  try {
    for (let at = 0; at < count; at++) {
      const { control } = engineAt(mesh, at)
      control.setSelf(shortIdOf(at))
      for (let of = 0; of < count; of++) {
        if (of === at) continue
        control.setPeer(peerIndex(at, of), shortIdOf(of))
        control.setEndpoint(peerIndex(at, of), engineAt(mesh, of).endpoint)
        control.setPathBytes(peerIndex(at, of), PATH_BYTES)
      }
    }
    await use(mesh, ...mesh.engines)
  } finally {
    await mesh.close()
  }
}

/** Gives two engines a session and lets both seal with it. */
export function linkUp(
  mesh: SuiteMesh,
  first: number,
  second: number,
  options: { cipher?: CipherName; firstCounter?: number; seal?: boolean; wrongKey?: boolean } = {},
): LinkKeys {
  const serial = ++sessionsMade
  // Every other index has its top bit set: they are unsigned.
  const top = serial % 2 === 0 ? 0x8000_0000 : 0
  const keys: LinkKeys = {
    cipher: options.cipher ?? 'chacha20-poly1305',
    forward: new Uint8Array(32).fill(serial & 0xff),
    back: new Uint8Array(32).fill((serial & 0xff) ^ 0x55),
    firstIndex: top + 1000 + serial * 2,
    secondIndex: top + 1001 + serial * 2,
  }
  const { cipher, forward, back, firstIndex, secondIndex } = keys
  const firstCounter = options.firstCounter ?? 0
  const a = engineAt(mesh, first).control
  const b = engineAt(mesh, second).control
  a.addSession({
    peerIndex: peerIndex(first, second),
    receiverIndex: firstIndex,
    remoteIndex: secondIndex,
    cipher,
    sendKey: forward,
    receiveKey: back,
    firstCounter,
  })
  b.addSession({
    peerIndex: peerIndex(second, first),
    receiverIndex: secondIndex,
    remoteIndex: firstIndex,
    cipher,
    sendKey: back,
    receiveKey: options.wrongKey === true ? forward.map(byte => byte ^ 1) : forward,
    firstCounter,
  })
  if (options.seal !== false) {
    a.sealWith(peerIndex(first, second), firstIndex)
    b.sealWith(peerIndex(second, first), secondIndex)
  }
  return keys
}

/** The key of what engine `source` floods for engine `receiver`. */
export function originKeyOf(source: number, receiver: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, at) => 16 * source + receiver + at)
}

/** Gives every engine the keys with every other. */
export function giveOriginKeys(mesh: SuiteMesh): void {
  for (const [at, { control }] of mesh.engines.entries()) {
    for (const [of] of mesh.engines.entries())
      if (of !== at) control.setOriginKeys(peerIndex(at, of), originKeyOf(at, of), originKeyOf(of, at))
  }
}

/** Repeats `probe` until it gives something, waiting on the lane in between; undefined when the bound is reached. */
export async function until<T>(
  lane: EngineLane,
  mask: number,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    const found = await probe()
    if (found !== undefined) return found
    lane.wait(mask, POLL_MS)
    await new Promise(resolve => setImmediate(resolve))
  }
  return undefined
}

/** Puts the frames on the TAP, reads them as one batch and sends each to the peer. Returns what `send` said. */
export async function sendFrames(
  engine: SuiteEngine,
  peer: number,
  frames: readonly Uint8Array[],
  row: Partial<Record<'kind' | 'wayAt' | 'sequence', number>> = {},
): Promise<number> {
  const { lane } = engine
  let sent = 0
  for (const frame of frames) engine.pushTap(frame)
  for (let left = frames.length; left > 0;) {
    const count = await until(lane, READY.tap, () => positive(lane.tapRead()))
    if (count === undefined) throw new Error('the TAP gave no frame')
    for (let i = 0; i < count; i++) {
      const at = i * SEND.columns
      lane.sends[at + SEND.row] = i
      lane.sends[at + SEND.peer] = peer
      lane.sends[at + SEND.kind] = row.kind ?? DATAGRAM_KIND.frame
      lane.sends[at + SEND.wayAt] = row.wayAt ?? 0
      lane.sends[at + SEND.sequenceLow] = row.sequence ?? 0
      lane.sends[at + SEND.sequenceHigh] = Math.floor((row.sequence ?? 0) / 2 ** 32)
    }
    sent += lane.send(count)
    left -= count
  }
  return sent
}

/** Reads until `count` rows came; fewer when the bound was reached. */
export async function receiveRows(engine: SuiteEngine, count = 1): Promise<RowCopy[]> {
  const copies: RowCopy[] = []
  await until(engine.lane, READY.udp, () => {
    copies.push(...copyRows(engine.lane, engine.lane.udpRead(), true))
    return copies.length >= count ? true : undefined
  })
  return copies
}

export function copyRows(lane: EngineLane, count: number, isFromSocket: boolean): RowCopy[] {
  const copies: RowCopy[] = []
  for (let row = 0; row < count; row++) {
    const columns = lane.rows.slice(row * ROW.columns, (row + 1) * ROW.columns)
    // How much a flow sends is no part of what engines have in common (native-classes.test.ts).
    columns[ROW.flags]! &= ~ROW_FLAG.expedited
    const offset = columns[ROW.offset]!
    const source = isFromSocket ? lane.source(row) : { ip: new Uint8Array(4), port: 0 }
    copies.push({
      bytes: lane.slab.slice(offset, offset + columns[ROW.length]!),
      columns,
      source: endpointOf(source.ip, source.port),
    })
  }
  return copies
}

/** Waits until a counter has grown to `value`, reading the socket meanwhile; every row read is a failure. */
export async function expectDrops(t: Test, engine: SuiteEngine, name: string, value: number): Promise<void> {
  let rows = 0
  await until(engine.lane, READY.udp, () => {
    rows += Math.max(0, engine.lane.udpRead())
    return counter(engine, name) >= value ? true : undefined
  })
  t.equal(counter(engine, name), value, `${name} counts ${value}`)
  t.equal(rows, 0, 'nothing gets through')
}

export function counter(engine: SuiteEngine, name: string): number {
  return engine.control.counters()[name] ?? 0
}

/** All datagrams dropped so far, for whatever reason. */
export function drops(engine: SuiteEngine): number {
  let sum = 0
  for (const [name, value] of Object.entries(engine.control.counters())) if (name.startsWith('drop:')) sum += value
  return sum
}

/** What engine `from` would send to `to` for the frame, caught by the stranger. */
export async function capture(mesh: SuiteMesh, from: number, to: number, frame: Uint8Array): Promise<Uint8Array> {
  const engine = engineAt(mesh, from)
  const peer = peerIndex(from, to)
  engine.control.setEndpoint(peer, mesh.strangerEndpoint)
  await sendFrames(engine, peer, [frame])
  const caught = await until(engine.lane, 0, async () => (await mesh.strangerTake())[0])
  engine.control.setEndpoint(peer, engineAt(mesh, to).endpoint)
  if (caught === undefined) throw new Error('nothing was captured')
  return caught
}

/** A datagram made by hand from the description in lib/wire/datagram.ts. ChaCha20-Poly1305 only. */
export function craft(
  key: Uint8Array,
  receiverIndex: number,
  counterValue: bigint,
  plaintext: Uint8Array,
  datagramClass: number = DATAGRAM_CLASS.bulk,
): Uint8Array {
  const header = new Uint8Array(DATAGRAM_HEADER_BYTES)
  const view = new DataView(header.buffer)
  header.set([1, datagramClass])
  view.setUint32(4, receiverIndex, true)
  view.setBigUint64(8, counterValue, true)
  const nonce = concatBytes(new Uint8Array(4), header.subarray(8))
  return concatBytes(header, new ChaCha20Poly1305(key).seal(nonce, plaintext, header))
}

export function plainFrame(frame: Uint8Array, kind: number = DATAGRAM_KIND.frame): Uint8Array {
  return concatBytes(Uint8Array.of(kind, 0, 0, 0, 0, 0, 0, 0), frame)
}

function positive(count: number): number | undefined {
  return count > 0 ? count : undefined
}
