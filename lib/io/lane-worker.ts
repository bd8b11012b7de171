import { getPriority, setPriority } from 'node:os'
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { assert, errorText } from '../base/mod.ts'
import { Forwarder, MacTable, MeasuredCounter, READY, ROW, changedTable, type ForwardingTable } from '../overlay/mod.ts'
import { monotonicMillis } from './clock.ts'
import { ReportBacklog } from './lane-backlog.ts'
import type { LaneOrder, LaneReport, LaneStart } from './lane-messages.ts'
import { NativeLane } from './native-lane.ts'

/** Bounds how long a lane stays in its loop without looking for orders, however much traffic there is. */
const BATCHES_PER_LOOK = 64
/** A batch of fewer is mostly all that there was, unless one is longer than this: behind a piece of a stream there is more. */
const FEW_FRAMES = 3
const SUPER_FRAME_BYTES = 16_384
/** Nothing depends on it: orders come with a wake, that to stop too. A fault of ours that misses one costs no more. */
const SLEEP_MS = 10_000
/** More processor than that of whoever has no priority: the frames of all of them wait while a lane waits for its turn. */
const NICENESS = -5
const NICENESS_MIN = -20

/** Entry of a lane's thread: drain until nothing is there, and only then sleep in `wait`. */
function run(): void {
  const port = parentPort
  assert(port !== null, 'a lane runs in a worker thread')
  const start = workerData as LaneStart
  const lane = new NativeLane(start.engineId, start.macTable)
  const backlog = new ReportBacklog(start.backlog)
  const post = (report: LaneReport): void => port.postMessage(report)
  const macs = new MacTable(start.macTable)
  const forwarder = new Forwarder(
    lane,
    macs,
    {
      onControl: (peerIndex, receiverIndex, body, source) => {
        if (backlog.admit(body.length)) post({ kind: 'control', peerIndex, receiverIndex, body, source })
        else lane.countControlFull()
      },
      onControlFlood: () => lane.countControlFull(),
      // What is not told now is told with the next batch.
      onMoved: (peerIndex, receiverIndex, source) => {
        if (backlog.admit(0)) post({ kind: 'moved', peerIndex, receiverIndex, source })
      },
      onWanted: peerIndex => {
        if (backlog.admit(0)) post({ kind: 'wanted', peerIndex })
      },
      onLarge: peerIndex => {
        if (backlog.admit(0)) post({ kind: 'large', peerIndex })
      },
      onSpoofed: (peerIndex, sourceIpv4) => {
        if (backlog.admit(0)) post({ kind: 'spoofed', peerIndex, sourceIpv4 })
      },
      onNotice: notice => {
        if (backlog.admit(0)) post({ kind: 'notice', notice })
      },
      onGroupFrame: frame => {
        if (!backlog.admit(frame?.length ?? 0)) return false
        post({ kind: 'group-frame', frame })
        return true
      },
    },
    { laneNumber: start.laneNumber, rules: start.rules },
  )
  let table: ForwardingTable | undefined
  // It is told once until it is taken, so this needs no bound of its own.
  const tellHanded = () => {
    if (lane.tellHanded()) post({ kind: 'handed' })
  }
  takePriority()
  try {
    // Whoever gives an order wakes the lane: looking for one costs about what a frame does.
    for (let ready: number = READY.woken; ;) {
      const looks = ready === 0 || (ready & READY.woken) !== 0
      for (let order = looks ? nextOrder(port) : undefined; order !== undefined; order = nextOrder(port)) {
        if (order.kind === 'stop') return
        if (order.kind === 'forget') forwarder.forgetPeer(order.peerIndex)
        else if (order.kind === 'deliver') forwarder.deliver(order.frame)
        else if (order.kind === 'count')
          forwarder.measured =
            order.into && new MeasuredCounter(order.into.token, order.into.memory, () => performance.now() * 1_000)
        else if (order.kind === 'sample') forwarder.samples.begin(order.id, Math.random, monotonicMillis())
        else if (order.kind === 'end-sample')
          post({ kind: 'sampled', id: order.id, tally: forwarder.samples.end(order.id) })
        else forwarder.setTable((table = changedTable(table, order.change)))
      }
      const isMore = drain(lane, forwarder, ready & start.mask, start.mask, tellHanded)
      ready = lane.wait(start.mask, isMore ? 0 : SLEEP_MS)
      assert(ready >= 0, 'epoll_wait')
    }
  } catch (thrown) {
    post({ kind: 'failure', message: errorText(thrown) })
  } finally {
    lane.close()
    port.close()
  }
}

function nextOrder(port: MessagePort): LaneOrder | undefined {
  return receiveMessageOnPort(port)?.message as LaneOrder | undefined
}

/** Of this thread alone; without the right to (root, or LimitNICE of systemd) it is one among all. */
function takePriority(): void {
  try {
    setPriority(Math.max(NICENESS_MIN, getPriority() + NICENESS))
  } catch {
    return
  }
}

/** Whether one of the rows is a piece of a stream. */
function isStream(lane: NativeLane, rows: number): boolean {
  for (let row = 0; row < rows; row++) {
    if (lane.rows[row * ROW.columns + ROW.length]! >= SUPER_FRAME_BYTES) return true
  }
  return false
}

/** First of what is `ready`, if that is known (not 0), then of all. True when there may be more. */
function drain(lane: NativeLane, forwarder: Forwarder, ready: number, all: number, afterBatch: () => void): boolean {
  let mask = ready === 0 ? all : ready
  for (let batch = 0; batch < BATCHES_PER_LOOK; batch++) {
    // One reading of the clock per batch: the MAC table ages in seconds. The clock is the one that the main thread has,
    // which reads the same table.
    const now = monotonicMillis()
    const outbound = (mask & READY.tap) === 0 ? -1 : forwarder.outbound(now)
    const inbound = (mask & READY.udp) === 0 ? -1 : forwarder.inbound(now)
    afterBatch()
    if (outbound < 0 && inbound < 0) return false
    // Looking in vain costs a system call: of few it is left to `wait`, which has to look anyway.
    if (outbound < FEW_FRAMES && inbound < FEW_FRAMES && !isStream(lane, Math.max(outbound, inbound))) return false
    mask = all
  }
  return true
}

run()
