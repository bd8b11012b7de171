import type { Mac } from '../address/mod.ts'
import type {
  DataPlane,
  DataPlaneEvents,
  EngineOp,
  ForwardingChange,
  FrameSample,
  MacEntry,
  MeasuredCount,
  SessionTotals,
} from '../overlay/mod.ts'
import { applyEngineOp } from '../overlay/mod.ts'
import { Lanes, type LanesOptions } from './lanes.ts'
import type { NativeEngine } from './native-engine.ts'

/** The data plane of the daemon: the native engine, which it owns from here on, and the lanes that run on it. */
export class LanePlane implements DataPlane {
  readonly #engine: NativeEngine
  readonly #lanes: Lanes
  #stopping: Promise<void> | undefined

  /** Starts the lanes. */
  constructor(engine: NativeEngine, events: DataPlaneEvents, options: LanesOptions) {
    this.#engine = engine
    this.#lanes = new Lanes(engine, events, options)
  }

  order(op: EngineOp): void {
    if (this.#stopping !== undefined) return
    applyEngineOp(this.#engine, op)
    // After the engine let go of the peer: its sessions open nothing any more that a lane could learn from.
    if (op.op === 'remove-peer') this.forgetPeer(op.peerIndex)
    if (op.op === 'send-control') this.#takeHanded()
  }

  changeTable(change: ForwardingChange): void {
    this.#lanes.changeTable(change)
  }

  forgetPeer(peerIndex: number): void {
    this.#lanes.forgetPeer(peerIndex)
  }

  forgetMac(mac: Mac): void {
    this.#lanes.macs.forget(mac)
  }

  deliver(frame: Uint8Array): void {
    if (this.#stopping === undefined) this.#lanes.deliver(frame)
  }

  counters(): Record<string, number> {
    return this.#stopping === undefined ? this.#engine.counters() : {}
  }

  macs(nowSeconds: number): MacEntry[] {
    return this.#lanes.macs.entries(nowSeconds)
  }

  sessionTotals(receiverIndex: number): SessionTotals | undefined {
    return this.#stopping === undefined ? this.#engine.sessionTotals(receiverIndex) : undefined
  }

  sample(): FrameSample | undefined {
    return this.#stopping === undefined ? this.#lanes.sample() : undefined
  }

  sendMeasured(peerIndex: number, body: Uint8Array, first: number, count: number, isRaw: boolean): number {
    if (this.#stopping !== undefined) return 0
    const left = this.#engine.sendMeasured(peerIndex, body, first, count, isRaw)
    this.#takeHanded()
    return left
  }

  countMeasured(token: Uint8Array, isRaw: boolean): MeasuredCount {
    const counting = this.#lanes.countMeasured(token)
    this.#takeRaw(isRaw ? token : undefined)
    const end = () => {
      this.#takeRaw(undefined)
      counting.end()
    }
    return { counts: () => counting.counts(), end }
  }

  offloads(): Readonly<Record<string, boolean>> {
    if (this.#stopping !== undefined) return {}
    const { checksum, tapGso, tapUso, udpGso, udpGro, tapQueues, udpClasses } = this.#engine.describe()
    return { checksum, tapGso, tapUso, udpGso, udpGro, tapQueues, udpClasses }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#lanes.stop().then(() => this.#engine.close())
    return this.#stopping
  }

  #takeRaw(token: Uint8Array | undefined): void {
    if (this.#stopping === undefined) this.#engine.takeRaw(token)
  }

  /** Hands on what was sealed for links by the main thread. */
  #takeHanded(): void {
    if (this.#engine.tellHanded()) setImmediate(() => this.#lanes.takeHanded())
  }
}
