import { DEFAULT_SWITCH_RULES, Forwarder, MacTable, ROW, SEND, type EngineLane } from '../../../lib/overlay/mod.ts'
import { DATAGRAM_KIND } from '../../../lib/wire/datagram.ts'
import { percentile } from '../statistics.ts'
import type { MicroResult } from './report.ts'

const BATCH = 32
const BATCHES = 400
const REPEATS = 25
const MACS = 1024
const FRAME_BYTES = 106
const OWN_MAC = [0x0200, 1] as const
const FAR_MAC = [0x0200, 2] as const
const NANO = 1e6

/** A lane whose batches are always the same rows: what is measured is the decision alone. */
class SameRows implements EngineLane {
  readonly rowsMax = 2048
  readonly sendsMax = 8192
  readonly slab = new Uint8Array(1 << 17)
  readonly rows = new Int32Array(this.rowsMax * ROW.columns)
  readonly sends = new Int32Array(this.sendsMax * SEND.columns)
  readonly ways = new Int32Array(65_536)
  readonly deliveries = new Int32Array(this.rowsMax)
  sent = 0
  written = 0
  next = 0

  fill(fromPeer: number, destination: readonly [number, number], source: readonly [number, number]): void {
    for (let i = 0; i < BATCH; i++) {
      const row = this.rows.subarray(i * ROW.columns, (i + 1) * ROW.columns).fill(0)
      row[ROW.offset] = i * 256
      row[ROW.length] = FRAME_BYTES
      row[ROW.kind] = DATAGRAM_KIND.frame
      row[ROW.fromPeer] = row[ROW.originPeer] = fromPeer
      row.set([...destination, ...source], ROW.destinationHigh)
      row[ROW.etherType] = 0x0800
      row[ROW.sourceIpv4] = 0x0a200000 + source[1]
    }
    this.next = BATCH
  }

  tapRead(): number {
    return this.next
  }

  udpRead(): number {
    return this.next
  }

  send(count: number): number {
    this.sent += count
    return count
  }

  tapWrite(count: number): number {
    this.written += count
    return count
  }

  addShortcut(): void {}

  forgetShortcuts(): void {}

  source() {
    return { ip: new Uint8Array(4), port: 0 }
  }

  wait(): number {
    return 0
  }

  countDrop(): void {
    throw new Error('the switch drops what it is to forward')
  }

  countLocalMove(): void {
    throw new Error('the switch takes an address for moved')
  }
}

/** What the switch takes to decide where a known unicast frame goes: from the bridge to a peer, and the other way. Of batches of 32. */
export function measureSwitch(batches = BATCHES, repeats = REPEATS): MicroResult[] {
  const lane = new SameRows()
  const macs = new MacTable(new ArrayBuffer(MacTable.bytesFor(MACS)))
  const nothing = () => undefined
  const telling = { onControl: nothing, onControlFlood: nothing, onMoved: nothing, onWanted: nothing }
  const hooks = { ...telling, onLarge: nothing, onSpoofed: nothing }
  const forwarder = new Forwarder(
    lane,
    macs,
    { ...hooks, onNotice: nothing, onGroupFrame: () => true },
    { rules: DEFAULT_SWITCH_RULES },
  )
  forwarder.setTable({
    selfIndex: 0,
    tree: Int32Array.of(1, 0),
    adjacent: [1],
    reachable: [1],
    owners: undefined,
  })
  let now = 1
  const inbound = timed('switch-in', () => {
    lane.fill(1, OWN_MAC, FAR_MAC)
    return () => forwarder.inbound(now)
  })
  const outbound = timed('switch-out', () => {
    lane.fill(-1, FAR_MAC, OWN_MAC)
    return () => forwarder.outbound(now)
  })
  function timed(name: string, ready: () => () => number): MicroResult {
    const values: number[] = []
    const step = ready()
    for (let repeat = 0; repeat <= repeats; repeat++) {
      const began = performance.now()
      for (let batch = 0; batch < batches; batch++) step()
      const ns = ((performance.now() - began) * NANO) / (batches * BATCH)
      // The first is compiled while it runs.
      if (repeat > 0) values.push(ns)
      now++
    }
    return { name, cipher: '', bytes: FRAME_BYTES, ns: percentile(values, 0.5)!, nsLeast: Math.min(...values) }
  }
  const all = (repeats + 1) * batches * BATCH
  if (lane.written !== all || lane.sent !== all)
    throw new Error(`of ${all} frames each way ${lane.sent} left and ${lane.written} came in`)
  return [outbound, inbound]
}
