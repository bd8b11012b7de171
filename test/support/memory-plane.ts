import {
  Forwarder,
  MEASURED_MEMORY_BYTES,
  MacTable,
  MeasuredCounter,
  applyEngineOp,
  changedTable,
  measuredCounts,
  type DataPlane,
  type DataPlaneEvents,
  type EngineOp,
  type ForwarderOptions,
  type ForwardingChange,
  type ForwardingTable,
  type MeasuredCount,
  type FrameSample,
  type MacEntry,
  type SessionTotals,
} from '../../lib/overlay/mod.ts'
import type { Mac } from '../../lib/address/mod.ts'
import type { Millis } from '../../lib/base/mod.ts'
import type { MemoryEngine } from './memory-engine.ts'

/** The data plane of the simulator: the in-memory engine and one forwarder, run by `pump` in place of threads. */
export class MemoryPlane implements DataPlane {
  readonly engine: MemoryEngine
  readonly #macs: MacTable
  readonly #forwarder: Forwarder
  #table: ForwardingTable | undefined
  #lastSample = 0
  #now: Millis = 0
  readonly #events: Omit<DataPlaneEvents, 'onFailure'>

  constructor(
    engine: MemoryEngine,
    events: Omit<DataPlaneEvents, 'onFailure'>,
    options: ForwarderOptions & { readonly macSlots: number },
  ) {
    this.engine = engine
    this.#events = events
    this.#macs = new MacTable(new ArrayBuffer(MacTable.bytesFor(options.macSlots)))
    const onGroupFrame = (frame: Uint8Array | undefined) => {
      events.onGroupFrame(frame)
      return true
    }
    this.#forwarder = new Forwarder(
      engine,
      this.#macs,
      { ...events, onGroupFrame, onControlFlood: () => undefined },
      options,
    )
  }

  /** One batch of each direction; false when there was none. */
  pump(now: Millis): boolean {
    this.#now = now
    const didOut = this.#forwarder.outbound(now) >= 0
    const didIn = this.#forwarder.inbound(now) >= 0
    for (const { peerIndex, bundle } of this.engine.takeHanded()) this.#events.onHanded(peerIndex, bundle)
    return didOut || didIn
  }

  order(op: EngineOp): void {
    applyEngineOp(this.engine, op)
    if (op.op === 'remove-peer') this.forgetPeer(op.peerIndex)
  }

  changeTable(change: ForwardingChange): void {
    this.#table = changedTable(this.#table, change)
    this.#forwarder.setTable(this.#table)
  }

  forgetPeer(peerIndex: number): void {
    this.#forwarder.forgetPeer(peerIndex)
  }

  forgetMac(mac: Mac): void {
    this.#macs.forget(mac)
  }

  deliver(frame: Uint8Array): void {
    this.#forwarder.deliver(frame)
  }

  counters(): Record<string, number> {
    return this.engine.counters()
  }

  macs(nowSeconds: number): MacEntry[] {
    return this.#macs.entries(nowSeconds)
  }

  sessionTotals(receiverIndex: number): SessionTotals | undefined {
    return this.engine.sessionTotals(receiverIndex)
  }

  sample(): FrameSample {
    const id = ++this.#lastSample
    this.#forwarder.samples.begin(id, () => 0.5, this.#now)
    return { end: () => Promise.resolve(this.#forwarder.samples.end(id)) }
  }

  sendMeasured(peerIndex: number, body: Uint8Array, first: number, count: number, isRaw: boolean): number {
    return this.engine.sendMeasured(peerIndex, body, first, count, isRaw)
  }

  countMeasured(token: Uint8Array, isRaw: boolean): MeasuredCount {
    this.engine.takeRaw(isRaw ? token : undefined)
    const memory = new ArrayBuffer(MEASURED_MEMORY_BYTES)
    this.#forwarder.measured = new MeasuredCounter(token, memory, () => this.#now * 1_000)
    return { counts: () => measuredCounts(memory), end: () => this.#endMeasured() }
  }

  #endMeasured(): void {
    this.engine.takeRaw(undefined)
    this.#forwarder.measured = undefined
  }

  offloads(): Readonly<Record<string, boolean>> {
    return {}
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }
}
