import { closeSync, writeSync } from 'node:fs'
import t from 'tap'
import { monotonicMillis } from '../../lib/io/clock.ts'
import { REPORT_BACKLOG_BYTES_MAX } from '../../lib/io/lane-backlog.ts'
import { Lanes } from '../../lib/io/lanes.ts'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { MAC_LOCAL } from '../../lib/overlay/mod.ts'
import { MAC_A, testFrame } from './packet-engine-fixture.ts'

/** Lane threads on an engine whose TAP is a socket pair, and a second engine that sends to it by its control side. */
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const VNET_BYTES = 10
const BODY_BYTES = 60_000
const WAIT_MS = 10_000
/** A lane with something to do does it within this, also on a busy machine. */
const SETTLE_MS = 200

interface Pair {
  readonly lanes: Lanes
  readonly receiver: NativeEngine
  readonly sender: NativeEngine
  /** The far end of the receiver's TAP. */
  readonly tap: number
  readonly bodies: Uint8Array[]
  readonly failures: string[]
}

async function withLanes(shape: 'split' | 'single', use: (pair: Pair) => Promise<void>): Promise<void> {
  const native = nativeBinding()
  const [tapFd, tap] = native.socketPair()
  const [senderFd, senderTap] = native.socketPair()
  const receiver = new NativeEngine({ tapFd, udp: { ip: LOOPBACK, port: 0 } })
  const sender = new NativeEngine({ tapFd: senderFd, udp: { ip: LOOPBACK, port: 0 } })
  const key = new Uint8Array(32).fill(3)
  const ends = [
    [receiver, sender, 21, 22],
    [sender, receiver, 22, 21],
  ] as const
  for (const [engine, other, receiverIndex, remoteIndex] of ends) {
    engine.setPeer(1, new Uint8Array(8).fill(remoteIndex))
    engine.addSession({
      peerIndex: 1,
      receiverIndex,
      remoteIndex,
      cipher: 'chacha20-poly1305',
      sendKey: key,
      receiveKey: key,
    })
    engine.sealWith(1, receiverIndex)
    engine.setEndpoint(1, { ip: LOOPBACK, port: other.describe().port })
  }
  const bodies: Uint8Array[] = []
  const failures: string[] = []
  const events = {
    onControl: (_peer: number, _receiver: number, body: Uint8Array) => void bodies.push(body),
    onMoved: () => undefined,
    onFailure: (message: string) => void failures.push(message),
  }
  const lanes = new Lanes(receiver, events, { shape, duplicateSeed: 1 })
  try {
    await use({ lanes, receiver, sender, tap, bodies, failures })
  } finally {
    await lanes.stop()
    for (const engine of [receiver, sender]) engine.close()
    for (const descriptor of [tap, senderTap]) closeSync(descriptor)
  }
}

async function eventually(what: () => boolean): Promise<boolean> {
  for (const end = monotonicMillis() + WAIT_MS; monotonicMillis() < end;) {
    if (what()) return true
    await new Promise(resolve => setImmediate(resolve))
  }
  return what()
}

/** Blocks the main thread, so that it takes nothing, until the lane has worked off the socket: its totals stand still. */
function settle(total: () => number): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  for (let last = -1, end = monotonicMillis() + WAIT_MS; total() !== last && monotonicMillis() < end;) {
    last = total()
    Atomics.wait(nobody, 0, 0, SETTLE_MS)
  }
}

for (const shape of ['split', 'single'] as const) {
  t.test(`${shape}: what a lane learns is as fresh by the clock of the main thread`, t =>
    withLanes(shape, async ({ lanes, tap, failures }) => {
      const before = Math.floor(monotonicMillis() / 1000)
      writeSync(tap, Buffer.concat([new Uint8Array(VNET_BYTES), testFrame(60)]))
      const entries = () => lanes.macs.entries(Math.floor(monotonicMillis() / 1000))
      t.ok(await eventually(() => entries().length > 0))
      const [entry] = entries()
      t.match(entry, { mac: MAC_A, peer: MAC_LOCAL })
      t.ok(entry!.lastSeenSeconds >= before, `${entry!.lastSeenSeconds} is not before ${before}`)
      t.same(failures, [])
    }),
  )

  t.test(`${shape}: a flood of control datagrams is dropped beyond a limit, and delivery goes on after`, t =>
    withLanes(shape, async ({ receiver, sender, bodies, failures }) => {
      const body = new Uint8Array(BODY_BYTES).fill(7)
      sender.sendControl(22, body)
      t.ok(await eventually(() => bodies.length === 1), 'the lanes run')
      const opened = () => receiver.sessionTotals(21)!.receivedDatagrams
      // The main thread takes nothing from the lanes as long as this loop lasts.
      const full = () => receiver.counters()['drop:control-full']!
      for (const end = monotonicMillis() + WAIT_MS; full() === 0 && monotonicMillis() < end;)
        sender.sendControl(22, body)
      t.ok(full() > 0, 'the lane drops')
      settle(() => opened() + full())
      const waiting = opened() - full() - 1
      const limit = REPORT_BACKLOG_BYTES_MAX / BODY_BYTES
      t.ok(waiting <= limit, `${waiting} wait, at most ${limit} may`)
      t.equal(bodies.length, 1)
      t.ok(await eventually(() => bodies.length + full() === opened()), 'each is delivered or counted')
      const kept = bodies.length
      sender.sendControl(22, body)
      t.ok(await eventually(() => bodies.length > kept), 'and then delivers again')
      t.same(failures, [])
    }),
  )
}
