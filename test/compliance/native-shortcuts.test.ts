import { closeSync, readSync, writeSync } from 'node:fs'
import t, { type Test } from 'tap'
import { monotonicMillis } from '../../lib/io/clock.ts'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { LARGE_FRAME_BYTES } from '../../lib/overlay/constants.ts'
import { Forwarder, MAC_LOCAL, MacTable, READY, ROW } from '../../lib/overlay/mod.ts'
import { ethernetFrame } from '../support/frames.ts'
import { MAC_A, MAC_B } from './packet-engine-fixture.ts'

/** Two engines, each with one lane in this thread whose switch is visited only when the test says so. MAC_A is at the first, MAC_B at the second. */
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const VNET_BYTES = 10
const BOTH = READY.tap | READY.udp
const ARRIVES_MS = 5_000
const LONG_BYTES = 900
const PEER = 1
/** What the switch is told: it gives each shortcut a second. */
const NOW = 5_000

interface End {
  readonly engine: NativeEngine
  readonly lane: NativeLane
  readonly macs: MacTable
  readonly forwarder: Forwarder
  readonly tap: number
  readonly large: number[]
  /** The switch sees what there is. */
  visit(): void
}

function endOf(): End {
  const native = nativeBinding()
  const [tapFd, tap] = native.socketPair()
  const engine = new NativeEngine({ tapFd, udp: { ip: LOOPBACK, port: 0 } })
  const memory = new SharedArrayBuffer(MacTable.bytesFor(64))
  const macs = new MacTable(memory, [1, 2])
  const lane = new NativeLane(engine.id, memory)
  const large: number[] = []
  const forwarder = new Forwarder(lane, macs, {
    onControl: () => undefined,
    onControlFlood: () => undefined,
    onMoved: () => undefined,
    onWanted: () => undefined,
    onLarge: peer => void large.push(peer),
    onSpoofed: () => undefined,
    onNotice: () => undefined,
    onGroupFrame: () => true,
  })
  const visit = () => {
    forwarder.outbound(NOW)
    forwarder.inbound(NOW)
  }
  return { engine, lane, macs, forwarder, tap, large, visit }
}

function tableOf() {
  return { selfIndex: 0, tree: Int32Array.of(PEER, 0), adjacent: [PEER], reachable: [PEER], owners: undefined }
}

function write(end: End, destination: number, source: number, bytes = 46): void {
  const frame = ethernetFrame(destination, source, new Uint8Array(bytes))
  writeSync(end.tap, Buffer.concat([new Uint8Array(VNET_BYTES), frame]))
}

async function withPair(t: Test, use: (near: End, far: End) => Promise<void>): Promise<void> {
  const [near, far] = [endOf(), endOf()]
  const key = new Uint8Array(32).fill(3)
  for (const [end, other, receiverIndex, remoteIndex] of [
    [near, far, 21, 22],
    [far, near, 22, 21],
  ] as const) {
    end.engine.setSelf(new Uint8Array(8).fill(receiverIndex))
    end.engine.setPeer(PEER, new Uint8Array(8).fill(remoteIndex))
    end.engine.addSession({
      peerIndex: PEER,
      receiverIndex,
      remoteIndex,
      cipher: 'chacha20-poly1305',
      sendKey: key,
      receiveKey: key,
    })
    end.engine.sealWith(PEER, receiverIndex)
    end.engine.setEndpoint(PEER, { ip: LOOPBACK, port: other.engine.describe().port })
    end.forwarder.setTable(tableOf())
  }
  try {
    // Each learns where the other's address is.
    write(far, MAC_A, MAC_B)
    far.visit()
    t.equal(near.lane.wait(READY.udp, ARRIVES_MS), READY.udp)
    near.visit()
    write(near, MAC_B, MAC_A)
    near.visit()
    t.equal(far.lane.wait(READY.udp, ARRIVES_MS), READY.udp)
    far.visit()
    write(far, MAC_A, MAC_B)
    far.visit()
    t.equal(near.lane.wait(READY.udp, ARRIVES_MS), READY.udp)
    near.visit()
    for (const end of [near, far]) while (taken(end) !== undefined);
    await use(near, far)
  } finally {
    for (const end of [near, far]) {
      end.lane.close()
      end.engine.close()
      closeSync(end.tap)
    }
  }
}

/** The source of the next frame that was written to the TAP. */
function taken(end: End): number | undefined {
  const bytes = Buffer.alloc(2048)
  try {
    const length = readSync(end.tap, bytes)
    return length === 0 ? undefined : bytes.readUIntBE(VNET_BYTES + 6, 6)
  } catch {
    return undefined
  }
}

t.test('the engine and the switch mean the same by a large frame', async t => {
  t.equal(nativeBinding().LARGE_FRAME_BYTES, LARGE_FRAME_BYTES)
})

t.test('what the switch decided goes on without it, in both directions', t =>
  withPair(t, async (near, far) => {
    write(near, MAC_B, MAC_A)
    t.equal(near.lane.wait(BOTH, 0), 0, 'nothing is left to be seen')
    t.equal(near.engine.counters()['tx-datagrams'], 2)
    t.equal(
      far.lane.wait(READY.udp, ARRIVES_MS),
      READY.udp,
      'the first of its kind here was before the source was known',
    )
    far.visit()
    t.equal(taken(far), MAC_A)
    write(near, MAC_B, MAC_A)
    near.lane.wait(BOTH, 0)
    for (let i = 0; taken(far) === undefined && i < 1000; i++) t.equal(far.lane.wait(READY.udp, 10), 0)
    t.equal(far.engine.counters()['tap-tx-frames'], 3)
  }),
)

t.test('what has none is read, and is what the next reading gives', t =>
  withPair(t, async near => {
    write(near, 0x0200_0000_0099, MAC_A)
    write(near, MAC_B, MAC_A)
    t.equal(near.lane.wait(BOTH, 0), READY.tap)
    t.equal(near.lane.udpRead(), -1, 'the rows are those of the TAP')
    t.equal(near.lane.tapRead(), 2)
    t.equal(near.lane.rows[ROW.destinationLow], 0x99)
    t.equal(near.lane.tapRead(), 0)
    t.equal(near.engine.counters()['tx-datagrams'], 1, 'nothing left')
  }),
)

t.test('what was read ahead is told of until it is taken, and nothing else', t =>
  withPair(t, async (near, far) => {
    for (let i = 0; i < 4; i++) write(near, MAC_B, MAC_A)
    write(far, 0x0200_0000_0099, MAC_B)
    far.visit()
    const deadline = monotonicMillis() + ARRIVES_MS
    let ready = 0
    while (ready !== READY.udp && monotonicMillis() < deadline) ready = near.lane.wait(BOTH, 10)
    t.equal(ready, READY.udp, 'what came from the TAP went on')
    write(near, MAC_B, MAC_A)
    t.equal(near.lane.wait(BOTH, 0), READY.udp, 'still')
    t.equal(near.lane.tapRead(), 0)
    t.equal(near.lane.udpRead(), 1)
    t.equal(near.lane.wait(BOTH, 0), 0)
    t.equal(near.engine.counters()['tx-datagrams'], 6)
  }),
)

t.test('an address that was seen elsewhere, or forgotten, is decided on anew', t =>
  withPair(t, async near => {
    near.macs.learn(0x0200, 0x0b, 2, NOW / 1000)
    write(near, MAC_B, MAC_A)
    t.equal(near.lane.wait(BOTH, 0), READY.tap)
    near.lane.tapRead()
    near.macs.forget(MAC_A)
    write(near, MAC_B, MAC_A)
    t.equal(near.lane.wait(BOTH, 0), READY.tap)
  }),
)

t.test('so it is with another table, another peer, and while frames are sampled', t =>
  withPair(t, async near => {
    const asks = [
      () => near.forwarder.setTable(tableOf()),
      () => near.forwarder.samples.begin(1, () => 0, NOW),
      () => near.forwarder.forgetPeer(2),
    ]
    for (const ask of asks) {
      ask()
      write(near, MAC_B, MAC_A)
      t.equal(near.lane.wait(BOTH, 0), READY.tap)
      near.visit()
    }
    near.forwarder.samples.end(1)
    write(near, MAC_B, MAC_A)
    t.equal(near.lane.wait(BOTH, 0), READY.tap, 'while it lasted none was made')
    near.visit()
    write(near, MAC_B, MAC_A)
    t.equal(near.lane.wait(BOTH, 0), 0)
  }),
)

t.test('that large frames go to a peer is told before they go by themselves', t =>
  withPair(t, async near => {
    write(near, MAC_B, MAC_A, LONG_BYTES)
    t.equal(near.lane.wait(BOTH, 0), READY.tap)
    near.visit()
    t.same(near.large, [PEER])
    write(near, MAC_B, MAC_A, LONG_BYTES)
    t.equal(near.lane.wait(BOTH, 0), 0)
    t.equal(near.engine.counters()['tx-datagrams'], 3)
  }),
)

t.test('a shortcut holds for its time, and so do the words that it depends on', t =>
  withPair(t, async near => {
    const told = (validMs: number, word: number, value: number) => {
      write(near, MAC_B, MAC_A)
      near.lane.wait(BOTH, 0)
      near.lane.forgetShortcuts()
      write(near, MAC_B, MAC_A)
      near.lane.tapRead()
      near.lane.addShortcut(0, PEER, word, value, -1, 0, validMs, 0)
      write(near, MAC_B, MAC_A)
      const ready = near.lane.wait(BOTH, 0)
      if (ready !== 0) near.lane.tapRead()
      return ready
    }
    t.equal(told(60_000, -1, 0), 0)
    t.equal(told(0, -1, 0), READY.tap)
    t.equal(told(60_000, 0, 1), 0, 'the first word is the key of the table')
    t.equal(told(60_000, 0, 2), READY.tap)
    t.equal(told(60_000, 1 << 20, 0), READY.tap, 'no such word')
    t.equal(near.macs.lookup(0x0200, 0x0a, NOW / 1000), MAC_LOCAL)
  }),
)
