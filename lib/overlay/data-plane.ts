import type { Mac } from '../address/mod.ts'
import type { MeasuredCounts } from '../wire/mod.ts'
import type { EngineOp } from './engine-op.ts'
import type { ForwarderHooks } from './forwarder.ts'
import type { ForwardingChange } from './forwarding-change.ts'
import type { FrameTally } from './frame-tally.ts'
import type { MacEntry } from './mac-table.ts'
import type { SessionTotals } from './packet-engine.ts'

/**
 * Whatever carries frames, as the shell of a node sees it: today the packet engine with its lanes (`LanePlane` in io),
 * and in the simulator the engine's in-memory twin with one forwarder. It is driven by what the node puts out, in that
 * order, and tells what it sees by `DataPlaneEvents`, never from within a call.
 */
export interface DataPlane {
  /**
   * Carries out one order; it holds for the next batch of every lane. `remove-peer` also forgets the peer's addresses
   * (as `forgetPeer`), so that its index can be given to another peer at once. Nothing happens after `stop`.
   */
  order(op: EngineOp): void
  /** Makes the next table of the last one; the first change makes one of none. */
  changeTable(change: ForwardingChange): void
  /** Forgets every address that was seen at the peer, and what a lane is just about to learn of it. */
  forgetPeer(peerIndex: number): void
  /** Forgets where an address was seen: it is not plugged into this host any more. */
  forgetMac(mac: Mac): void
  /** Hands an Ethernet frame to the own bridge, as if a peer had sent it. */
  deliver(frame: Uint8Array): void
  /** Totals since the start: `rx-datagrams`, `tx-bytes`, … and `drop:<reason>`. */
  counters(): Record<string, number>
  /** The addresses that are known at `nowSeconds` of the monotonic clock. */
  macs(nowSeconds: number): MacEntry[]
  /** Undefined when there is no such session. */
  sessionTotals(receiverIndex: number): SessionTotals | undefined
  /** Looks at some of the frames that pass from now on. Undefined: FRAME_SAMPLES_MAX are under way. */
  sample(): FrameSample | undefined
  /** Sends test datagrams as `EngineControl.sendMeasured` does; how many left. */
  sendMeasured(peerIndex: number, body: Uint8Array, first: number, count: number, isRaw: boolean): number
  /** Counts test datagrams with this token, in place of what was counted before. `isRaw`: those past the session too. */
  countMeasured(token: Uint8Array, isRaw: boolean): MeasuredCount
  /** Which offloads are on. */
  offloads(): Readonly<Record<string, boolean>>
  /** Ends, and lets go of device and socket. No event follows. */
  stop(): Promise<void>
}

/** A sample that is being taken; it sees nothing more after SAMPLE_MS_MAX, and has to be ended all the same. */
export interface FrameSample {
  /** Ends it: what all lanes saw. To be called once. */
  end(): Promise<FrameTally>
}

/** Test datagrams that are being counted. */
export interface MeasuredCount {
  /** So far. */
  counts(): MeasuredCounts
  end(): void
}

/** What a data plane tells the main thread: what each of its lanes does, and these. */
export interface DataPlaneEvents extends Omit<ForwarderHooks, 'onGroupFrame' | 'onControlFlood'> {
  /** As of a lane, which need not be told that it was taken. */
  onGroupFrame(frame: Uint8Array | undefined): void
  /** Sealed datagrams for the control link to the peer (a bundle). */
  onHanded(peerIndex: number, bundle: Uint8Array): void
  /** It ended by itself: the device is gone, or a bug. Frames no longer flow. */
  onFailure(message: string): void
}
