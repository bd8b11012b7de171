import type { Test } from 'tap'
import { type EndpointParts } from '../../../lib/address/mod.ts'
import { Forwarder, type ForwarderOptions } from '../../../lib/overlay/forwarder.ts'
import type { ForwardingTable } from '../../../lib/overlay/forwarding.ts'
import { MacTable } from '../../../lib/overlay/mac-table.ts'
import { ROW, SEND, WAY_CHILD_AT, type EngineLane, type SwitchDrop } from '../../../lib/overlay/packet-engine.ts'
import type { SwitchNotice } from '../../../lib/overlay/switch-notice.ts'
import { DATAGRAM_KIND, PASSES_ONLY, WAY_ENTRY_BYTES } from '../../../lib/wire/datagram.ts'
import { ethernetFrame } from '../../support/frames.ts'
import { fillFrameFields } from '../../support/frame-fields.ts'

export const SELF = 0
export const [MAC_A, MAC_B, MAC_X] = [0x0200_0000_000a, 0x0200_0000_000b, 0x0200_0000_00ff]
export const EVERYBODY = 0xffff_ffff_ffff

export interface RowInput {
  readonly frame: Uint8Array
  readonly kind?: number
  readonly from?: number
  readonly origin?: number
  readonly flags?: number
  /** Of a broadcast: peers, and how many that follow are below each, in preorder. */
  readonly way?: readonly (readonly [number, number])[]
  readonly gsoSize?: number
  readonly receiverIndex?: number
}

const WAY_BYTES = 256

type Shortcut = Parameters<EngineLane['addShortcut']>

/** A lane whose batches the test writes, and which notes what it is told to do. */
export class ScriptedLane implements EngineLane {
  readonly rowsMax = 16
  readonly sendsMax: number
  /** Rows, and behind them a way for each. */
  readonly slab = new Uint8Array(16 * 2048 + 16 * WAY_BYTES)
  readonly ways = new Int32Array(1024)
  readonly rows = new Int32Array(16 * ROW.columns)
  readonly sends: Int32Array
  readonly deliveries = new Int32Array(16)
  /** Per call of `send`: peer, row, kind, way, lower half of the sequence. A way is told as `wayText` does. */
  readonly sent: (number | string)[][][] = []
  readonly written: number[][] = []
  /** The first bytes of each frame that is sent, in hex. */
  readonly frames: string[] = []
  readonly drops = new Map<SwitchDrop, number>()
  readonly order: string[] = []
  localMoves = 0
  /** That were told since they were last forgotten. */
  readonly shortcuts: Shortcut[] = []
  #next: readonly RowInput[] = []

  constructor(sendsMax = 32) {
    this.sendsMax = sendsMax
    this.sends = new Int32Array(sendsMax * SEND.columns)
  }

  script(...rows: RowInput[]): void {
    this.#next = rows
  }

  countLocalMove(): void {
    this.localMoves++
  }

  addShortcut(...told: Shortcut): void {
    this.shortcuts.push(told)
  }

  forgetShortcuts(): void {
    this.shortcuts.length = 0
  }

  tapRead(): number {
    return this.#fill()
  }

  udpRead(): number {
    return this.#next.length === 0 ? -1 : this.#fill()
  }

  send(count: number): number {
    this.order.push('send')
    const call: (number | string)[][] = []
    for (let i = 0; i < count; i++) {
      const at = i * SEND.columns
      const row = this.sends[at + SEND.row]! * ROW.columns
      const offset = this.rows[row + ROW.offset]!
      this.frames.push(Buffer.from(this.slab.subarray(offset, offset + this.rows[row + ROW.length]!)).toString('hex'))
      const [peer, kind, low] = [SEND.peer, SEND.kind, SEND.sequenceLow].map(column => this.sends[at + column]!)
      call.push([peer!, row / ROW.columns, kind!, this.#wayText(at), low!])
    }
    this.sent.push(call)
    return count
  }

  tapWrite(count: number): number {
    this.order.push('tapWrite')
    this.written.push([...this.deliveries.subarray(0, count)])
    return count
  }

  source(row: number): EndpointParts {
    return { ip: Uint8Array.of(10, 0, 0, row), port: 6783 }
  }

  wait(): number {
    return 0
  }

  countDrop(reason: SwitchDrop, count: number): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + count)
  }

  /** What the copy of a send row says of its way: the peer, those below it in brackets; a star for who only passes on. */
  #wayText(at: number): string {
    const wayAt = this.sends[at + SEND.wayAt]!
    if (this.sends[at + SEND.kind] !== DATAGRAM_KIND.broadcast) return ''
    const entryAt = (place: number): [number, number] =>
      wayAt < 0
        ? [this.ways[-1 - wayAt + 2 * place]!, this.ways[-wayAt + 2 * place]!]
        : [
            new DataView(this.slab.buffer).getInt32(wayAt + place * WAY_ENTRY_BYTES + WAY_CHILD_AT, true),
            new DataView(this.slab.buffer).getUint16(wayAt + place * WAY_ENTRY_BYTES, true),
          ]
    const text = (place: number): string => {
      const [peer, first] = entryAt(place)
      const below = first & ~PASSES_ONLY
      const parts: string[] = []
      for (let next = place + 1; next <= place + below; next += 1 + (entryAt(next)[1] & ~PASSES_ONLY))
        parts.push(text(next))
      return `${peer}${first === below ? '' : '*'}${below === 0 ? '' : `(${parts.join(' ')})`}`
    }
    return text(0)
  }

  #writeWay(row: number, way: readonly (readonly [number, number])[]): void {
    const from = 16 * 2048 + row * WAY_BYTES
    const view = new DataView(this.slab.buffer)
    view.setUint16(from, way.length, true)
    for (const [place, [peer, below]] of way.entries()) {
      view.setUint16(from + 2 + place * WAY_ENTRY_BYTES, below, true)
      view.setInt32(from + 2 + place * WAY_ENTRY_BYTES + WAY_CHILD_AT, peer, true)
    }
    this.rows[row * ROW.columns + ROW.wayAt] = from + 2
  }

  #fill(): number {
    const count = this.#next.length
    this.rows.fill(0)
    for (const [row, input] of this.#next.entries()) {
      const at = row * ROW.columns
      this.slab.set(input.frame, row * 2048)
      this.rows[at + ROW.offset] = row * 2048
      this.rows[at + ROW.length] = input.frame.length
      this.rows[at + ROW.kind] = input.kind ?? DATAGRAM_KIND.frame
      this.rows[at + ROW.fromPeer] = input.from ?? -1
      this.rows[at + ROW.originPeer] = input.origin ?? input.from ?? -1
      this.rows[at + ROW.flags] = input.flags ?? 0
      this.#writeWay(row, input.way ?? [])
      this.rows[at + ROW.gsoSize] = input.gsoSize ?? 0
      this.rows[at + ROW.receiverIndex] = input.receiverIndex ?? 0
      if (input.kind !== DATAGRAM_KIND.control) fillFrameFields(this.rows, at, input.frame)
    }
    this.#next = []
    return count
  }
}

export function frame(destination: number, source: number): Uint8Array {
  return ethernetFrame(destination, source, new Uint8Array(46))
}

/** The children of this peer in the tree of each source, when nothing else is said. */
const CHILDREN: Readonly<Record<number, readonly number[]>> = { 1: [2, 3], 3: [1, 3, 4] }

export function broadcast(from: number, origin: number, way?: RowInput['way']): RowInput {
  const frames = { frame: frame(EVERYBODY, MAC_X), kind: DATAGRAM_KIND.broadcast, from, origin }
  return { ...frames, way: way ?? CHILDREN[origin]?.map(child => [child, 0]) ?? [] }
}

export const NOTHING_LENT = { lentAddresses: new Uint32Array(0), lentTo: new Int32Array(0) }

export const TABLE: ForwardingTable = {
  selfIndex: SELF,
  tree: Int32Array.of(1, 1, 3, 0, 2, 0),
  adjacent: [1, 2, 3, 4],
  reachable: [1, 2, 3, 4],
  owners: undefined,
}

export function setUp(options: ForwarderOptions & { sendsMax?: number; table?: Partial<ForwardingTable> } = {}) {
  const lane = new ScriptedLane(options.sendsMax)
  const macs = new MacTable(new ArrayBuffer(MacTable.bytesFor(256)))
  const controls: unknown[][] = []
  const moves: unknown[][] = []
  let controlFloods = 0
  const wanted: number[] = []
  const large: number[] = []
  const spoofed: [number, number][] = []
  const notices: SwitchNotice[] = []
  const groupFrames: (Uint8Array | undefined)[] = []
  const forwarder = new Forwarder(
    lane,
    macs,
    {
      onControl: (...args) => controls.push(args),
      onControlFlood: () => controlFloods++,
      onMoved: (...args) => moves.push(args),
      onWanted: peer => wanted.push(peer),
      onLarge: peer => large.push(peer),
      onSpoofed: (...args) => spoofed.push(args),
      onNotice: notice => notices.push(notice),
      onGroupFrame: frame => groupFrames.push(frame) > 0,
    },
    options,
  )
  const table = { ...TABLE, ...options.table }
  forwarder.setTable(table)
  const where = (mac: number) => macs.lookup(Math.floor(mac / 2 ** 32), mac % 2 ** 32, 1)
  const outAt = (now: number, ...rows: RowInput[]) => {
    lane.script(...rows)
    return forwarder.outbound(now)
  }
  const out = (...rows: RowInput[]) => outAt(1000, ...rows)
  const inAt = (now: number, ...rows: RowInput[]) => {
    lane.script(...rows)
    return forwarder.inbound(now)
  }
  const inward = (...rows: RowInput[]) => inAt(1000, ...rows)
  return {
    lane,
    macs,
    forwarder,
    controls,
    controlFloods: () => controlFloods,
    moves,
    wanted,
    large,
    spoofed,
    notices,
    groupFrames,
    table,
    where,
    out,
    outAt,
    inward,
    inAt,
  }
}

export function expectDrop(t: Test, lane: ScriptedLane, reason: SwitchDrop, count = 1): void {
  t.same([...lane.drops], [[reason, count]], `dropped as ${reason}`)
}
