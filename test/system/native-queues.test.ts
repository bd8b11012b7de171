/**
 * The queues of a real TAP: what sends little does not wait behind what sends much.
 *
 *     namespace wq-PID: TAP 198.51.100.1 ══ engine, without lanes: the test reads
 */
import assert from 'node:assert'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { NativeEngine } from '../../lib/io/native-engine.ts'
import { NativeLane } from '../../lib/io/native-lane.ts'
import { READY, ROW, ROW_FLAG } from '../../lib/overlay/packet-engine.ts'
import { LOOPBACK } from '../support/engine-session.ts'

const NAMESPACE = `wq-${process.pid}`
const TAP_NAME = `wq${process.pid}`.slice(0, 15)
const skip = process.getuid?.() === 0 ? false : 'needs root: makes a TAP device and a namespace'
const WAIT_MS = 10_000
const ICMP = 1
const UDP = 17
const PROTOCOL_AT = 23
const FLOOD = 400
const NEIGHBOURS = 16
/** One in eight flows shares the queue of the flood; of 16 there are more than half that do once in a million runs. */
const PINGS_FIRST_MIN = 8
const FLOODER = `
  const socket = require('node:dgram').createSocket('udp4')
  let left = ${FLOOD}
  const next = () => left-- > 0 ? socket.send(Buffer.alloc(1200), 9, '198.51.100.100', next) : socket.close()
  next()`

const inside = (...argv: string[]): string =>
  execFileSync('ip', ['netns', 'exec', NAMESPACE, ...argv], { stdio: 'pipe', encoding: 'utf8' })

function openTap(test: Test, mtu = 1_400): { engine: NativeEngine; lane: NativeLane } {
  const engine = new NativeEngine({ tapName: TAP_NAME, udp: { ip: LOOPBACK, port: 0 }, offloads: { tapGso: false } })
  const lane = new NativeLane(engine.id)
  test.teardown(() => {
    lane.close()
    engine.close()
    execFileSync('ip', ['netns', 'delete', NAMESPACE])
  })
  execFileSync('ip', ['netns', 'add', NAMESPACE])
  execFileSync('ip', ['link', 'set', TAP_NAME, 'netns', NAMESPACE])
  inside('sysctl', '-qw', `net.ipv6.conf.${TAP_NAME}.disable_ipv6=1`)
  inside('ip', 'address', 'add', '198.51.100.1/24', 'dev', TAP_NAME)
  inside('ip', 'link', 'set', TAP_NAME, 'mtu', String(mtu), 'up')
  const hosts = [100, ...Array.from({ length: NEIGHBOURS }, (_, i) => 101 + i)]
  for (const host of hosts) {
    inside('ip', 'neigh', 'add', `198.51.100.${host}`, 'lladdr', '02:00:00:00:00:01', 'dev', TAP_NAME)
  }
  return { engine, lane }
}

/** The protocols of the frames of one batch, and which of them are expedited. */
function readBatch(lane: NativeLane): { protocols: number[]; expedited: boolean[] } {
  const count = Math.max(0, lane.tapRead())
  const rows = Array.from({ length: count }, (_, row) => lane.rows.subarray(row * ROW.columns, (row + 1) * ROW.columns))
  return {
    protocols: rows.map(row => lane.slab[row[ROW.offset]! + PROTOCOL_AT]!),
    expedited: rows.map(row => (row[ROW.flags]! & ROW_FLAG.expedited) !== 0),
  }
}

t.test('a TAP has eight queues, and nothing queues before them', { skip }, test => {
  const engine = new NativeEngine({ tapName: TAP_NAME, udp: { ip: LOOPBACK, port: 0 } })
  test.teardown(() => engine.close())
  const queues = readdirSync(`/sys/class/net/${TAP_NAME}/queues`).filter(name => name.startsWith('tx-'))
  test.equal(queues.length, 8)
  test.match(engine.describe(), { tapQueues: true, udpClasses: true })
  execFileSync('ip', ['link', 'set', TAP_NAME, 'up'])
  const shown = execFileSync('ip', ['-j', 'link', 'show', 'dev', TAP_NAME], { encoding: 'utf8' })
  const [{ qdisc }] = JSON.parse(shown) as [{ qdisc: string }]
  test.equal(qdisc, 'noqueue')
  test.end()
})

t.test('pings are read before a flood that came earlier, and the flood in turn', { skip }, test => {
  const { lane } = openTap(test)
  inside(process.execPath, '-e', FLOODER)
  // It is known now for one that sends much.
  test.equal(lane.wait(READY.tap, WAIT_MS), READY.tap)
  const first = readBatch(lane)
  test.same([...new Set(first.protocols)], [UDP])
  for (let host = 101; host <= 100 + NEIGHBOURS; host++) {
    const ping = ['ping', '-c', '1', '-W', '0.01', `198.51.100.${host}`]
    test.throws(() => inside(...ping), { message: /100% packet loss|Command failed/ }, 'nobody answers')
  }
  test.equal(lane.wait(READY.tap, WAIT_MS), READY.tap)
  const { protocols, expedited } = readBatch(lane)
  const bulk = protocols.indexOf(UDP)
  test.ok(bulk < 0 || bulk >= PINGS_FIRST_MIN, `the flood begins at row ${bulk} of ${protocols.join(' ')}`)
  test.ok(protocols.filter(protocol => protocol === ICMP).length >= PINGS_FIRST_MIN, protocols.join(' '))
  test.same(
    expedited,
    protocols.map((_, row) => bulk < 0 || row < bulk),
    'sparse flows are expedited, the flood is not',
  )
  let left = protocols.filter(protocol => protocol === UDP).length + first.protocols.length
  while (left < FLOOD) {
    const { protocols: more } = readBatch(lane)
    if (more.length === 0) break
    left += more.filter(protocol => protocol === UDP).length
  }
  test.equal(left, FLOOD, 'none of it is lost')
  test.end()
})

const FLOWS = 8
const BURST = 100
const NUMBER_AT = 42
/** A line on standard input is a burst: numbered datagrams, all at once, of the port that it names. */
const BURSTS = `
  const dgram = require('node:dgram')
  const sockets = new Map()
  const next = new Map()
  require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
    const port = Number(line)
    const send = socket => {
      let left = ${BURST}
      for (let i = 0; i < ${BURST}; i++) {
        const bytes = Buffer.alloc(64)
        const number = next.get(port) ?? 0
        next.set(port, number + 1)
        bytes.writeUInt16BE(number)
        socket.send(bytes, 9, '198.51.100.100', () => { if (--left === 0) console.log('sent') })
      }
    }
    if (sockets.has(port)) return send(sockets.get(port))
    const socket = dgram.createSocket('udp4')
    sockets.set(port, socket)
    socket.bind(port, () => send(socket))
  })`

/** Reads what waits; the source ports and the numbers of the datagrams. */
function readNumbers(lane: NativeLane): [number, number][] {
  const count = Math.max(0, lane.tapRead())
  return Array.from({ length: count }, (_, row) => {
    const at = lane.rows[row * ROW.columns + ROW.offset]!
    const bytes = Buffer.from(lane.slab.buffer, lane.slab.byteOffset + at)
    return [bytes.readUInt16BE(34), bytes.readUInt16BE(NUMBER_AT)]
  })
}

/** The datagram of the last batch's first row, with the ends exchanged. */
function writeAnswer(lane: NativeLane): void {
  const at = lane.rows[ROW.offset]!
  const swap = (one: number, other: number, bytes: number) => {
    const kept = lane.slab.slice(at + one, at + one + bytes)
    lane.slab.copyWithin(at + one, at + other, at + other + bytes)
    lane.slab.set(kept, at + other)
  }
  swap(0, 6, 6)
  swap(26, 30, 4)
  swap(34, 36, 2)
  lane.deliveries[0] = 0
  assert.equal(lane.tapWrite(1), 1)
}

t.test('a flow does not overtake itself when it is answered', { skip }, async test => {
  const { lane } = openTap(test)
  const talker = spawn('ip', ['netns', 'exec', NAMESPACE, process.execPath, '-e', BURSTS], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  test.teardown(() => void talker.kill())
  const burst = async (port: number) => {
    talker.stdin.write(`${port}\n`)
    await once(talker.stdout, 'data')
  }
  for (let port = 7001; port <= 7000 + FLOWS; port++) {
    await burst(port)
    const numbers: number[] = []
    const read = () => {
      const some = readNumbers(lane)
      test.ok(some.every(([from]) => from === port))
      numbers.push(...some.map(([, number]) => number))
    }
    read()
    test.ok(numbers.length > 0 && numbers.length < BURST, `${numbers.length}: some of the first burst waits`)
    writeAnswer(lane)
    await burst(port)
    while (numbers.length < 2 * BURST && lane.wait(READY.tap, WAIT_MS) === READY.tap) read()
    test.same(
      numbers,
      Array.from({ length: 2 * BURST }, (_, number) => number),
      `port ${port}`,
    )
  }
})
