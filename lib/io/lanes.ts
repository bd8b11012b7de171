import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import {
  MacTable,
  READY,
  DEFAULT_SWITCH_RULES,
  type DataPlaneEvents,
  type ForwardingChange,
  MEASURED_MEMORY_BYTES,
  measuredCounts,
  type FrameSample,
  type MeasuredCount,
  type SwitchRules,
} from '../overlay/mod.ts'
import { ReportBacklog } from './lane-backlog.ts'
import type { LaneOrder, LaneReport, LaneStart } from './lane-messages.ts'
import { LaneSamples } from './lane-samples.ts'
import type { NativeEngine } from './native-engine.ts'

export interface LanesOptions {
  /** `split`: one thread reads the TAP, another the socket; `single`: one thread does both. */
  readonly shape?: 'split' | 'single'
  /** Of the MAC table: two random u32 that nobody else knows. */
  readonly macKey: readonly [number, number]
  /** Slots of the MAC table: a power of two. */
  readonly macCapacity?: number
  readonly rules?: SwitchRules
}

const SHAPES = { split: [READY.tap, READY.udp], single: [READY.tap | READY.udp] } as const

/** The worker threads of one engine, seen from the main thread. Runs from construction to `stop`. */
export class Lanes {
  /** The MAC table that the lanes share, to look into. */
  readonly macs: MacTable
  readonly #engine: NativeEngine
  readonly #events: DataPlaneEvents
  readonly #workers: Worker[] = []
  readonly #exits: Promise<void>[] = []
  readonly #samples: LaneSamples
  /** However the process ends, it waits for its threads: nobody else wakes one that sleeps. */
  readonly #onExit = () => this.#order({ kind: 'stop' })
  #isStopping = false

  constructor(engine: NativeEngine, events: DataPlaneEvents, options: LanesOptions) {
    this.#engine = engine
    this.#events = events
    const macTable = new SharedArrayBuffer(MacTable.bytesFor(options.macCapacity))
    this.macs = new MacTable(macTable, options.macKey)
    // Else each thread has a copy of the runtime's built-in functions near its own code, 1.5 MiB, to call them a little faster.
    setFlagsFromString('--no-short-builtin-calls')
    const masks = SHAPES[options.shape ?? 'split']
    this.#samples = new LaneSamples(masks.length, order => this.#order(order))
    masks.forEach((mask, laneNumber) => {
      const backlog = new ReportBacklog()
      const start: LaneStart = {
        engineId: engine.id,
        laneNumber,
        mask,
        macTable,
        rules: options.rules ?? DEFAULT_SWITCH_RULES,
        backlog: backlog.buffer,
      }
      this.#start(start, backlog, events)
    })
    process.on('exit', this.#onExit)
  }

  #start(start: LaneStart, backlog: ReportBacklog, events: DataPlaneEvents): void {
    const worker = new Worker(workerUrl(), { workerData: start, name: `weave-lane-${start.laneNumber}` })
    let failure: string | undefined
    worker.on('message', (report: LaneReport) => {
      if (report.kind === 'sampled') return this.#samples.handle(report.id, report.tally)
      if (report.kind !== 'failure' && report.kind !== 'handed') backlog.release(bodyBytes(report))
      if (this.#isStopping) return
      if (report.kind === 'control')
        events.onControl(report.peerIndex, report.receiverIndex, report.body, report.source)
      else if (report.kind === 'moved') events.onMoved(report.peerIndex, report.receiverIndex, report.source)
      else if (report.kind === 'wanted') events.onWanted(report.peerIndex)
      else if (report.kind === 'large') events.onLarge(report.peerIndex)
      else if (report.kind === 'spoofed') events.onSpoofed(report.peerIndex, report.sourceIpv4)
      else if (report.kind === 'notice') events.onNotice(report.notice)
      else if (report.kind === 'group-frame') events.onGroupFrame(report.frame)
      else if (report.kind === 'handed') this.takeHanded()
      else failure = report.message
    })
    worker.on('error', thrown => (failure = String(thrown)))
    this.#exits.push(
      new Promise(resolve => {
        worker.once('exit', code => {
          if (!this.#isStopping) events.onFailure(failure ?? `lane ${start.laneNumber} ended with status ${code}`)
          resolve()
        })
      }),
    )
    this.#workers.push(worker)
  }

  /** Hands on what the engine sealed for links. */
  takeHanded(): void {
    if (this.#isStopping) return
    for (const { peerIndex, bundle } of this.#engine.takeHanded()) this.#events.onHanded(peerIndex, bundle)
  }

  /** Tells every lane what is new in its table; it holds for their next batch. */
  changeTable(change: ForwardingChange): void {
    this.#order({ kind: 'change', change })
  }

  /**
   * Forgets the peer's addresses now; and in every lane once it is done with the batch at hand, from which it may learn
   * one anew. A lane takes orders in their order: a table that follows, with another peer under the index, finds none
   * of them.
   */
  forgetPeer(peerIndex: number): void {
    this.macs.forgetPeer(peerIndex)
    this.#order({ kind: 'forget', peerIndex })
  }

  /** Hands a frame to the own bridge, by the lane that has it. */
  deliver(frame: Uint8Array): void {
    this.#workers[0]?.postMessage({ kind: 'deliver', frame } satisfies LaneOrder)
    this.#engine.wake()
  }

  /** Looks at some of the frames that pass; undefined: there are enough who do. */
  sample(): FrameSample | undefined {
    return this.#samples.begin()
  }

  /** Counts test datagrams with this token, in the lane that reads the socket. */
  countMeasured(token: Uint8Array): MeasuredCount {
    const memory = new SharedArrayBuffer(MEASURED_MEMORY_BYTES)
    this.#order({ kind: 'count', into: { token, memory } })
    return { counts: () => measuredCounts(memory), end: () => this.#order({ kind: 'count' }) }
  }

  /** Ends the threads. No event follows. The engine stays open: close it after. */
  async stop(): Promise<void> {
    this.#isStopping = true
    process.off('exit', this.#onExit)
    this.#order({ kind: 'stop' })
    this.#samples.stop()
    await Promise.all(this.#exits)
  }

  #order(order: LaneOrder): void {
    for (const worker of this.#workers) worker.postMessage(order)
    this.#engine.wake()
  }
}

/** What an admitted report was taken to cost beside what each does. */
function bodyBytes(report: LaneReport): number {
  if (report.kind === 'control') return report.body.length
  return report.kind === 'group-frame' ? (report.frame?.length ?? 0) : 0
}

/** The compiled worker, or its source where Node.js runs TypeScript itself. */
function workerUrl(): URL {
  const compiled = new URL('./lane-worker.js', import.meta.url)
  return existsSync(fileURLToPath(compiled)) ? compiled : new URL('./lane-worker.ts', import.meta.url)
}
