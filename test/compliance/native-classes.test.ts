import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, writeSync } from 'node:fs'
import t, { type Test } from 'tap'
import { monotonicMillis } from '../../lib/io/clock.ts'
import { nativeBinding } from '../../lib/io/native-binding.ts'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { READY, ROW, ROW_FLAG, SEND } from '../../lib/overlay/packet-engine.ts'
import { DATAGRAM_CLASS, DATAGRAM_KIND, DATAGRAM_TYPE_DATA } from '../../lib/wire/datagram.ts'
import { LOOPBACK, sealTowards } from '../support/engine-session.ts'
import { ethernetFrame } from '../support/frames.ts'
import { MAC_A, MAC_B } from './packet-engine-fixture.ts'

/** Which datagrams go before others: those of the class `expedited` (docs/protocol.md §9.1). */
const KEY = new Uint8Array(32).fill(9)
const VNET_BYTES = 10
const LONG = 1_000
const WAIT_MS = 10_000
/** More than a batch of a lane, and fewer than the kernel lets wait. */
const MANY = 60
/** Expedited datagrams that are read at once, for how many such readings bulk waits, and more than those take. */
const READING = 8
const DEFERRALS_MAX = 32
const FLOOD = 320
/** How often such a reading is followed at once by another, where nothing of it was of a session. */
const FORGED_READINGS_MAX = 16
/** More than a path carries. */
const JUMBO = 30_000
const CLASS_AT = 1
/** More than a flow rests before it is sparse again. */
const REST_MS = 150

interface End {
  readonly engine: NativeEngine
  readonly lane: NativeLane
  /** Sends what was written to the TAP to peer 1, and returns what the rows said of themselves. */
  forward(): number[]
  write(bytes: number, number?: number): void
}

function openEnd(test: Test): End {
  const [inside, outside] = nativeBinding().socketPair()
  const engine = new NativeEngine({ tapFd: inside, udp: { ip: LOOPBACK, port: 0 }, offloads: { udpGso: false } })
  const lane = new NativeLane(engine.id)
  test.teardown(() => {
    lane.close()
    engine.close()
    closeSync(outside)
  })
  return {
    engine,
    lane,
    write: (bytes, number = 0) => {
      const frame = ethernetFrame(MAC_B, MAC_A, new Uint8Array(bytes - 14).fill(number))
      writeSync(outside, Buffer.concat([new Uint8Array(VNET_BYTES), frame]))
    },
    forward: () => {
      const count = lane.tapRead()
      const flags = Array.from({ length: Math.max(0, count) }, (_, row) => lane.rows[row * ROW.columns + ROW.flags]!)
      for (let row = 0; row < count; row++) {
        const at = row * SEND.columns
        lane.sends.set([row, 1, DATAGRAM_KIND.frame, 0, 0, 0], at)
      }
      lane.send(Math.max(0, count))
      return flags
    },
  }
}

/** What the near one sends to its peer 1 the far one opens. */
function openPair(test: Test): { near: End; far: End } {
  const near = openEnd(test)
  const far = openEnd(test)
  sealTowards(near.engine, far.engine, KEY)
  return { near, far }
}

/** A socket in place of the far engine, so that the test sees what leaves. */
async function listenFor(test: Test, near: NativeEngine): Promise<{ socket: Socket; classes: number[] }> {
  const socket = createSocket('udp4')
  const classes: number[] = []
  socket.on('message', bytes => classes.push(bytes[CLASS_AT]!))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  test.teardown(() => void socket.close())
  near.setEndpoint(1, { ip: LOOPBACK, port: socket.address().port })
  return { socket, classes }
}

async function until(what: () => boolean): Promise<boolean> {
  for (const end = monotonicMillis() + WAIT_MS; monotonicMillis() < end;) {
    if (what()) return true
    await new Promise(resolve => setImmediate(resolve))
  }
  return what()
}

t.test('what sends little is expedited, until it sends much, and again when it sends little', async test => {
  const { near } = openPair(test)
  const { classes } = await listenFor(test, near.engine)
  near.write(60)
  test.equal(near.forward()[0]! & ROW_FLAG.expedited, ROW_FLAG.expedited)
  test.ok(await until(() => classes.length === 1))
  test.same(classes.splice(0), [DATAGRAM_CLASS.expedited])

  for (let i = 0; i < MANY; i++) near.write(LONG)
  let sent = 0
  const flags: number[] = []
  while (sent < MANY) {
    const batch = near.forward()
    sent += batch.length
    flags.push(...batch)
  }
  // Nothing is waited for before this one: it would be sparse again soon.
  near.write(60)
  flags.push(...near.forward())
  test.equal(flags.at(-1)! & ROW_FLAG.expedited, 0, 'not at once: what it sent may be under way still')
  test.ok(await until(() => classes.length === MANY + 1), `${classes.length} of ${MANY + 1} came`)
  const [first, last] = [classes[0], classes.at(-1)]
  test.same([first, last], [DATAGRAM_CLASS.expedited, DATAGRAM_CLASS.bulk])
  test.equal(
    classes.filter(one => one === DATAGRAM_CLASS.bulk).length,
    flags.filter(one => (one & ROW_FLAG.expedited) === 0).length,
    'the class is that of the row',
  )
  classes.length = 0
  await new Promise(resolve => setTimeout(resolve, REST_MS))
  near.write(60)
  test.equal(near.forward()[0]! & ROW_FLAG.expedited, ROW_FLAG.expedited, 'it is sparse again')
})

t.test('control datagrams are expedited, trains of probes are not', async test => {
  const { near } = openPair(test)
  const { classes, socket } = await listenFor(test, near.engine)
  const endpoint = { ip: LOOPBACK, port: socket.address().port }
  test.ok(near.engine.sendControl(5, new Uint8Array(20)))
  test.ok(near.engine.sendControl(5, new Uint8Array(20), endpoint, 2))
  test.ok(await until(() => classes.length === 3))
  test.same(classes.sort(), [DATAGRAM_CLASS.bulk, DATAGRAM_CLASS.bulk, DATAGRAM_CLASS.expedited])
})

/** Bulk waits at the far end already when expedited datagrams come. */
function waitingBulk(test: Test): { near: End; far: End } {
  const { near, far } = openPair(test)
  for (let i = 0; i < MANY; i++) near.write(LONG)
  for (let sent = 0; sent < MANY;) sent += near.forward().length
  return { near, far }
}

/** Whether a row is of a datagram that is not expedited. */
function isBulk(lane: NativeLane, row: number): boolean {
  return (lane.rows[row * ROW.columns + ROW.flags]! & ROW_FLAG.expedited) === 0
}

function kindsRead(lane: NativeLane): number[] {
  const count = lane.udpRead()
  return Array.from({ length: Math.max(0, count) }, (_, row) => lane.rows[row * ROW.columns + ROW.kind]!)
}

t.test('an expedited datagram is read before bulk that came earlier', test => {
  const { near, far } = waitingBulk(test)
  test.ok(near.engine.sendControl(5, new Uint8Array(20)))
  test.equal(far.lane.wait(READY.udp, WAIT_MS), READY.udp)
  const kinds: number[] = []
  let bulk = -1
  while (bulk < 0 && far.lane.wait(READY.udp, WAIT_MS) === READY.udp) {
    const before = kinds.length
    kinds.push(...kindsRead(far.lane))
    const first = kinds.slice(before).findIndex((_, row) => isBulk(far.lane, row))
    if (first >= 0) bulk = before + first
  }
  const control = kinds.indexOf(DATAGRAM_KIND.control)
  test.ok(control >= 0)
  test.ok(bulk > control, `row ${control} of control, row ${bulk} of bulk`)
  test.end()
})

/** How many readings it takes until one holds bulk. */
function readUntilBulk(lane: NativeLane): number {
  for (let reading = 1; ; reading++) {
    if (lane.wait(READY.udp, WAIT_MS) !== READY.udp) return Infinity
    const count = lane.udpRead()
    for (let row = 0; row < count; row++) if (isBulk(lane, row)) return reading
  }
}

/** The numbers of so many frames as they come, and what `between` does before each reading. */
function readNumbers(lane: NativeLane, count: number, between = () => undefined as unknown): number[] {
  const numbers: number[] = []
  while (numbers.length < count && lane.wait(READY.udp, WAIT_MS) === READY.udp) {
    between()
    const rows = lane.udpRead()
    for (let row = 0; row < rows; row++) numbers.push(lane.slab[lane.rows[row * ROW.columns + ROW.offset]! + 14]!)
  }
  return numbers
}

/** First so many short frames, which are expedited, then long ones, of which the last are bulk; all of them numbered. */
function turnToBulk(test: Test, near: End): number[] {
  const flags: number[] = []
  for (let number = 0; number < 2 * MANY; number++) {
    near.write(number < MANY ? 60 : LONG, number)
    flags.push(...near.forward())
  }
  const expedited = flags.filter(one => (one & ROW_FLAG.expedited) !== 0).length
  test.ok(expedited >= MANY && expedited < 2 * MANY, `${expedited} of ${2 * MANY} expedited`)
  return Array.from(flags, (_, number) => number)
}

t.test('a flow that turns from sparse to bulk does not overtake itself, however much of it waits', test => {
  const { near, far } = openPair(test)
  const sent = turnToBulk(test, near)
  test.same(readNumbers(far.lane, sent.length), sent)
  test.end()
})

t.test('nor after a time of expedited datagrams alone', test => {
  const { near, far } = openPair(test)
  for (let i = 0; i < READING * DEFERRALS_MAX; i++) near.engine.sendControl(5, new Uint8Array(20))
  readNumbers(far.lane, READING * DEFERRALS_MAX)
  test.equal(far.lane.udpRead(), -1)
  const sent = turnToBulk(test, near)
  test.same(readNumbers(far.lane, sent.length), sent)
  test.end()
})

t.test('bulk that waits in the slab is left alone by what the TAP has', test => {
  const { near, far } = openPair(test)
  const sent = turnToBulk(test, near)
  const numbers = readNumbers(far.lane, sent.length, () => {
    for (let i = 0; i < READING; i++) far.write(JUMBO, 251)
    test.ok(far.lane.tapRead() > 0)
  })
  test.same(numbers, sent)
  test.equal(far.engine.counters()['drop:auth'], 0)
  test.end()
})

t.test('bulk waits for no more than so many readings of what a member calls expedited', test => {
  const { near, far } = waitingBulk(test)
  for (let i = 0; i < FLOOD; i++) near.engine.sendControl(5, new Uint8Array(20))
  test.equal(readUntilBulk(far.lane), DEFERRALS_MAX + 1)
  test.ok(kindsRead(far.lane).includes(DATAGRAM_KIND.control), 'more of that waits still')
  test.end()
})

/** Sends so many expedited datagrams of no session to a port here, and does `between` before each. */
async function forge(test: Test, port: number, count: number, between: (i: number) => void = () => undefined) {
  const stranger = createSocket('udp4')
  test.teardown(() => stranger.close())
  const forged = new Uint8Array(64)
  forged.set([DATAGRAM_TYPE_DATA, DATAGRAM_CLASS.expedited])
  for (let i = 0; i < count; i++) {
    between(i)
    await new Promise(resolve => stranger.send(forged, port, '127.0.0.1', () => resolve(undefined)))
  }
}

t.test('bulk does not wait for what a stranger calls expedited', async test => {
  const { near, far } = openPair(test)
  await forge(test, far.engine.describe().port, FLOOD, i => {
    if (i % READING === 0) near.engine.sendControl(5, new Uint8Array(20))
  })
  for (let number = 0; number < MANY; number++) {
    near.write(LONG)
    near.forward()
  }
  test.equal(readUntilBulk(far.lane), 1)
  test.end()
})

for (const [readings, reached] of [[FORGED_READINGS_MAX, 1] as const, [FORGED_READINGS_MAX + 1, 2] as const])
  t.test(`behind ${readings} readings of a stranger's a member is reached in turn ${reached}`, async test => {
    const { near, far } = openPair(test)
    await forge(test, far.engine.describe().port, readings * READING)
    near.engine.sendControl(5, new Uint8Array(20))
    for (let turn = 1; turn < reached; turn++) test.equal(far.lane.udpRead(), 0)
    test.same(kindsRead(far.lane), [DATAGRAM_KIND.control])
    test.equal(far.engine.counters()['drop:no-session'], readings * READING)
    test.end()
  })

t.test('the port is taken all the same: a second engine cannot have it', test => {
  const { engine } = openEnd(test)
  const [inside, outside] = nativeBinding().socketPair()
  test.teardown(() => closeSync(outside))
  test.throws(() => new NativeEngine({ tapFd: inside, udp: { ip: LOOPBACK, port: engine.describe().port } }), {
    message: /EADDRINUSE|in use/i,
  })
  test.end()
})
