import { closeSync, readdirSync, writeSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import t from 'tap'
import { monotonicMillis } from '../../lib/io/clock.ts'
import { REPORT_BACKLOG_BYTES_MAX } from '../../lib/io/lane-backlog.ts'
import { LanePlane } from '../../lib/io/lane-plane.ts'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { Forwarder, MAC_LOCAL, MacTable, changeBetween, type ForwardingTable } from '../../lib/overlay/mod.ts'
import { ethernetFrame } from '../support/frames.ts'
import { MAC_A, testFrame } from './packet-engine-fixture.ts'

/** Lane threads on an engine whose TAP is a socket pair, and a second engine that sends to it by its control side. */
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const VNET_BYTES = 10
const BODY_BYTES = 60_000
const WAIT_MS = 10_000
const EVERYBODY = 0xffff_ffff_ffff
const MAC_FAR = 0x0200_0000_1000
const ADDRESSES = 40
const ROUNDS = 40
const ORDERS = 6
/** A lane with something to do does it within this, also on a busy machine. */
const SETTLE_MS = 200

interface Pair {
  readonly plane: LanePlane
  readonly receiver: NativeEngine
  readonly sender: NativeEngine
  /** The far end of the receiver's TAP. */
  readonly tap: number
  readonly bodies: Uint8Array[]
  /** The far end of the sender's TAP; `forward` sends what was written to it. */
  readonly senderTap: number
  readonly forward: () => void
  readonly wanted: number[]
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
  sender.setSelf(new Uint8Array(8).fill(22))
  const bodies: Uint8Array[] = []
  const wanted: number[] = []
  const failures: string[] = []
  const events = {
    onControl: (_peer: number, _receiver: number, body: Uint8Array) => void bodies.push(body),
    onMoved: () => undefined,
    onWanted: (peer: number) => void wanted.push(peer),
    onLarge: () => undefined,
    onSpoofed: () => undefined,
    onNotice: () => undefined,
    onGroupFrame: () => true,
    onHanded: () => undefined,
    onFailure: (message: string) => void failures.push(message),
  }
  const plane = new LanePlane(receiver, events, { shape, macKey: [1, 2] })
  const senderLane = new NativeLane(sender.id)
  const hooks = {
    onControl: () => undefined,
    onControlFlood: () => undefined,
    onMoved: () => undefined,
    onWanted: () => undefined,
    onLarge: () => undefined,
    onSpoofed: () => undefined,
    onNotice: () => undefined,
    onGroupFrame: () => true,
    onHanded: () => undefined,
  }
  const forwarder = new Forwarder(senderLane, new MacTable(), hooks)
  forwarder.setTable(tableOf([1]))
  const forward = () => {
    while (forwarder.outbound(monotonicMillis()) >= 0);
  }
  try {
    await use({ plane, receiver, sender, tap, bodies, senderTap, forward, wanted, failures })
  } finally {
    await plane.stop()
    senderLane.close()
    sender.close()
    for (const descriptor of [tap, senderTap]) closeSync(descriptor)
  }
}

function tableOf(reachable: readonly number[]): ForwardingTable {
  const tree = Int32Array.from(reachable.flatMap(peer => [peer, 0]))
  return { selfIndex: 0, tree, adjacent: reachable, reachable, owners: undefined }
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

/** Of all threads of this process. */
function priorities(): number[] {
  return readdirSync('/proc/self/task').map(thread => getPriority(Number(thread)))
}

/** A thread that lowers its number can raise it again; the other way takes a right. */
function mayGoAhead(): boolean {
  const before = getPriority()
  try {
    setPriority(before + constants.priority.PRIORITY_HIGH)
    setPriority(before)
    return true
  } catch {
    return false
  }
}

for (const shape of ['split', 'single'] as const) {
  t.test(`${shape}: lanes go before other threads`, { skip: !mayGoAhead() && 'nice values below 0 need a right' }, t =>
    withLanes(shape, async () => {
      const own = getPriority()
      const ahead = () => priorities().filter(priority => priority < own)
      t.ok(await eventually(() => ahead().length === (shape === 'split' ? 2 : 1)), `${priorities().join()}`)
      t.equal(getPriority(), own)
    }),
  )

  t.test(`${shape}: a lane that sleeps takes an order at once`, t =>
    withLanes(shape, async ({ plane, receiver, failures }) => {
      const written = () => receiver.counters()['tap-tx-frames'] ?? 0
      const began = monotonicMillis()
      for (let frame = 1; frame <= ORDERS; frame++) {
        plane.deliver(testFrame(60))
        t.ok(await eventually(() => written() === frame))
      }
      // One that is found only at the end of a sleep takes a second.
      t.ok(monotonicMillis() - began < (ORDERS * 1000) / 2)
      t.same(failures, [])
    }),
  )

  t.test(`${shape}: what a lane learns is as fresh by the clock of the main thread`, t =>
    withLanes(shape, async ({ plane, tap, failures }) => {
      const before = Math.floor(monotonicMillis() / 1000)
      writeSync(tap, Buffer.concat([new Uint8Array(VNET_BYTES), testFrame(60)]))
      const entries = () => plane.macs(Math.floor(monotonicMillis() / 1000))
      t.ok(await eventually(() => entries().length > 0))
      const [entry] = entries()
      t.match(entry, { mac: MAC_A, peer: MAC_LOCAL })
      t.ok(entry!.lastSeenSeconds >= before, `${entry!.lastSeenSeconds} is not before ${before}`)
      t.same(failures, [])
    }),
  )

  t.test(`${shape}: a peer that is removed takes its addresses along, so that its index can be given to another`, t =>
    withLanes(shape, async ({ plane, receiver, sender, tap, senderTap, forward, wanted, failures }) => {
      const macs = () => plane.macs(Math.floor(monotonicMillis() / 1000))
      const atPeer = () => macs().filter(({ peer }) => peer === 1).length
      const send = (round: number) => {
        for (let low = 0; low < ADDRESSES; low++) {
          const frame = ethernetFrame(EVERYBODY, MAC_FAR + round * ADDRESSES + low, new Uint8Array(50))
          writeSync(senderTap, Buffer.concat([new Uint8Array(VNET_BYTES), frame]))
        }
        forward()
      }
      const received = () => receiver.counters()['rx-datagrams']!
      send(0)
      t.ok(await eventually(() => atPeer() === ADDRESSES), 'the addresses are known')
      for (let round = 1; round <= ROUNDS; round++) {
        // The peer goes while a lane is at work on its frames.
        const before = received()
        send(round)
        for (const end = monotonicMillis() + WAIT_MS; received() === before && monotonicMillis() < end;);
        plane.order({ op: 'remove-peer', peerIndex: 1 })
        t.ok(await eventually(() => received() === before + ADDRESSES), 'the lane took what was on its way')
        t.ok(await eventually(() => atPeer() === 0), 'and the addresses are forgotten')
        const receiverIndex = 100 + round
        plane.order({ op: 'set-peer', peerIndex: 1, shortId: new Uint8Array(8).fill(receiverIndex) })
        const key = new Uint8Array(32).fill(receiverIndex)
        const session = {
          remoteIndex: receiverIndex,
          cipher: 'chacha20-poly1305',
          sendKey: key,
          receiveKey: key,
        } as const
        plane.order({ op: 'add-session', session: { ...session, peerIndex: 1, receiverIndex } })
        plane.order({ op: 'seal-with', peerIndex: 1, receiverIndex })
        plane.order({ op: 'set-endpoint', peerIndex: 1, endpoint: { ip: LOOPBACK, port: sender.describe().port } })
        sender.setSelf(new Uint8Array(8).fill(receiverIndex))
        sender.addSession({ ...session, peerIndex: 1, receiverIndex })
        sender.sealWith(1, receiverIndex)
        // Each lane forgets by itself: one that was at work may have put back what the other had forgotten, for a moment.
        t.ok(await eventually(() => atPeer() === 0), 'and stay so')
      }
      // The index is another's now, who can be reached: what is for the one that went is not sent there.
      plane.changeTable(changeBetween(undefined, { ...tableOf([1]), tree: new Int32Array(0) })!)
      const lost = () => receiver.counters()['drop:no-destination']!
      const [lostBefore, sentBefore] = [lost(), receiver.counters()['tx-datagrams']!]
      writeSync(tap, Buffer.concat([new Uint8Array(VNET_BYTES), ethernetFrame(MAC_FAR, MAC_A, new Uint8Array(50))]))
      t.ok(await eventually(() => lost() === lostBefore + 1))
      t.equal(receiver.counters()['tx-datagrams'], sentBefore)
      t.same(wanted, [])
      t.same(failures, [])
    }),
  )

  t.test(`${shape}: says for whom there are frames and no way, and counts addresses that turn up elsewhere`, t =>
    withLanes(shape, async ({ plane, tap, senderTap, forward, wanted, failures }) => {
      // Of a virtual router, which may be anywhere at any time.
      const ROUTER = 0x5e00_0101
      const put = (fd: number, to: number, from: number) =>
        writeSync(fd, Buffer.concat([new Uint8Array(VNET_BYTES), ethernetFrame(to, from, new Uint8Array(50))]))
      const known = (peer: number) =>
        plane.macs(Math.floor(monotonicMillis() / 1000)).some(entry => entry.mac === ROUTER && entry.peer === peer)
      put(senderTap, EVERYBODY, ROUTER)
      forward()
      t.ok(await eventually(() => known(1)))
      put(tap, ROUTER, MAC_A)
      t.ok(await eventually(() => wanted.length > 0))
      t.same(wanted, [1])
      const sent = () => plane.counters()['drop:no-session']! + plane.counters()['tx-datagrams']!
      const sentBefore = sent()
      plane.changeTable(changeBetween(undefined, { ...tableOf([]), reachable: [1] })!)
      t.ok(await eventually(() => sent() === sentBefore + 1), 'the frame waited for a way, and left then')
      put(tap, EVERYBODY, ROUTER)
      t.ok(await eventually(() => known(MAC_LOCAL)))
      t.equal(plane.counters()['local-moves'], 0)
      put(senderTap, EVERYBODY, ROUTER)
      forward()
      t.ok(await eventually(() => plane.counters()['local-moves'] === 1))
      t.same(failures, [])
      await plane.stop()
      t.same(
        [plane.counters(), plane.sessionTotals(21)],
        [{}, undefined],
        'nothing is asked of an engine that is closed',
      )
      plane.order({ op: 'remove-peer', peerIndex: 1 })
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
