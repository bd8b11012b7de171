/**
 * Two hosts that are linked, one with a wrong secret, and a stranger without any weave-ts, all on one switch.
 *
 *     [c1]     [c2]
 *      │        │
 *     (h1)     (h2)    (wrong)   (stranger)      192.0.2.1 … 192.0.2.4
 *      └────────┴───u2────┴──────────┘
 */
import t, { type Test } from 'tap'
import { SecretText, pskHint, stretchSecret } from '../../lib/io/mod.ts'
import { encodePreamble } from '../../lib/wire/mod.ts'
import { Capture } from '../support/testbed-capture.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, SECRET, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const PORT = 6783
const HANDSHAKE_DEADLINE_MS = 10_000
const GRACE_MS = 4_000

/** Opens so many TCP connections, sends each these bytes, and prints after how many ms each was closed. */
const TCP_CLIENT = `
const [address, count, hex, ends] = process.argv.slice(1)
const net = require('node:net')
for (let i = 0; i < Number(count); i++) {
  const began = performance.now()
  const socket = net.connect(${PORT}, address, () => {
    if (hex !== '') socket.write(Buffer.from(hex, 'hex'))
    if (ends === 'ends') socket.destroy()
  })
  socket.on('error', () => undefined)
  socket.on('data', () => undefined)
  socket.on('close', () => console.log(Math.round(performance.now() - began)))
}`

/** Sends each line of the standard input as a datagram. */
const UDP_CLIENT = `
const socket = require('node:dgram').createSocket('udp4')
const lines = require('node:fs').readFileSync(0, 'utf8').split('\\n')
let left = lines.length
for (const hex of lines) socket.send(Buffer.from(hex, 'hex'), ${PORT}, process.argv[1], () => --left === 0 && socket.close())`

async function connectTo(from: Host, to: Host, count: number, bytes: Uint8Array, ends = false): Promise<number[]> {
  const hex = Buffer.from(bytes).toString('hex')
  const argv = [process.execPath, '-e', TCP_CLIENT, '--', to.address, String(count), hex, ends ? 'ends' : 'stays']
  const result = await from.run(argv, { limitMs: HANDSHAKE_DEADLINE_MS + 2 * GRACE_MS })
  return result.stdout.trim().split('\n').map(Number)
}

async function sendTo(from: Host, to: Host, datagrams: readonly Uint8Array[]): Promise<void> {
  const input = datagrams.map(datagram => Buffer.from(datagram).toString('hex')).join('\n')
  const result = await from.run([process.execPath, '-e', UDP_CLIENT, '--', to.address], { input })
  if (result.status !== 0) throw new Error(result.stderr)
}

/** What must not change, whatever strangers send. */
async function essence(host: Host): Promise<unknown> {
  const { mesh, peer, peers, targets, ipam, warnings, isReady, connections } = await host.daemon.status()
  return {
    ...{ mesh, peer, warnings, isReady, ipam },
    peers: peers.map(({ id, isReachable, path }) => [id, isReachable, path?.kind, path?.endpoint]),
    targets: targets.map(({ target, state }) => [target, state]),
    connections: connections
      .filter(connection => connection.peer !== null && connection.state === 'established')
      .map(({ address }) => address),
  }
}

function logLines(host: Host, event: RegExp): string[] {
  return host.daemon
    .log()
    .split('\n')
    .filter(line => event.test(line))
}

/** A generator of its own, so that a failure can be repeated. */
function bytesFrom(seed: number): (length: number) => Buffer {
  let state = seed
  return length =>
    Buffer.from(
      Array.from({ length }, () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
        return state >>> 24
      }),
    )
}

const randomBytes = bytesFrom(20_260_101)

t.test('what strangers send changes nothing', { skip: skipSystem, timeout: 200_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2, wrong, stranger] = (await bed.hosts('h1', 'h2', 'wrong', 'stranger')) as [Host, Host, Host, Host]
  await bed.lan([h1, h2, wrong, stranger], '192.0.2')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  await h2.daemon.launch([h1.address], { passwordFile })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  await h1.daemon.attach(c1)
  const ip2 = (await h2.daemon.attach(c2))[0]!.split('/')[0]!
  await meshed([h1, h2])
  t.ok(await c1.canPing(ip2))

  await t.test('a wrong secret: both sides say so, and the healthy link does not suffer', async t => {
    const before = await essence(h1)
    await wrong.daemon.launch([h1.address], { passwordFile: bed.secretFile('other', 'quite another secret 3310') })
    const inbound = await waitFor('h1 tells of the wrong secret', 15_000, async () =>
      (await h1.daemon.status()).connections.find(connection => connection.error?.includes('secret')),
    )
    t.match(inbound, { direction: 'inbound', state: 'failed' })
    t.match(inbound.address, /^192\.0\.2\.3:/)
    t.match(inbound.error, /different mesh secret/)
    const outbound = await waitFor('the other tells of it too', 15_000, async () =>
      (await wrong.daemon.status()).connections.find(connection => connection.error?.includes('secret')),
    )
    t.match(outbound, { direction: 'outbound', address: `192.0.2.1:${PORT}` })
    t.match(outbound.error, /different mesh secret/)
    t.match(await wrong.daemon.say('status', 'connections'), /different mesh secret/, 'and its text says it as well')
    t.match(await h1.daemon.say('status', 'connections'), /<- 192\.0\.2\.3:\d+ +failed +\S.*different mesh secret/)
    t.equal((await wrong.daemon.status()).peers.length, 1, 'it sees nobody')
    t.equal((await wrong.daemon.cli('status')).status, 3, 'and status exits as not ready')
    t.strictSame(await essence(h1), before)
    t.ok(await c1.canPing(ip2))
    await wrong.daemon.say('stop')
  })

  await tcp(t, h1, stranger, c1, ip2)
  await udp(t, bed, h1, h2, stranger, c1, ip2)
})

async function tcp(t: Test, h1: Host, stranger: Host, c1: Namespace, ip2: string): Promise<void> {
  // Who does not even know which secret is meant is turned away at once: this stranger has seen a handshake.
  const secretHint = pskHint(await stretchSecret(SecretText.of(SECRET)))
  const preamble = encodePreamble({ versionMin: 1, versionMax: 1, secretHint })
  const oversized = Buffer.concat([preamble, Buffer.from('ffffffff', 'hex'), randomBytes(2_000)])
  const http = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const drops = async (reason: string) => (await h1.daemon.report()).drops[`link-${reason}`] ?? 0
  for (const [what, bytes, count, reason] of [
    ['garbage', randomBytes(4_096), 3, 'not-weave'],
    ['HTTP', http, 2, 'not-weave'],
    ['oversized frames', oversized, 2, 'framing'],
  ] as const)
    await t.test(`TCP: ${what} is dropped in time and counted`, async t => {
      const before = await essence(h1)
      const dropsBefore = await drops(reason)
      const closedAfter = await connectTo(stranger, h1, count, bytes)
      t.equal(closedAfter.length, count, 'all were closed')
      t.ok(Math.max(...closedAfter) < GRACE_MS, `after ${closedAfter.join(', ')} ms`)
      await waitFor('they are counted', 5_000, async () => (await drops(reason)) - dropsBefore === count)
      t.strictSame(await essence(h1), before)
      t.ok(await c1.canPing(ip2))
    })

  await t.test('TCP: who says nothing, or stops half-way, is dropped at the deadline and counted', async t => {
    const before = await essence(h1)
    const droppedBefore = await drops('handshake-deadline')
    const waits = await Promise.all([
      connectTo(stranger, h1, 2, new Uint8Array()),
      connectTo(stranger, h1, 2, preamble.subarray(0, 9)),
      connectTo(stranger, h1, 2, preamble),
    ])
    const closedAfter = waits.flat()
    t.equal(closedAfter.length, 6, 'all were closed')
    t.ok(Math.max(...closedAfter) < HANDSHAKE_DEADLINE_MS + GRACE_MS, `after ${closedAfter.join(', ')} ms`)
    await waitFor('they are counted', 5_000, async () => (await drops('handshake-deadline')) - droppedBefore === 6)
    t.strictSame(await essence(h1), before)
    t.ok(await c1.canPing(ip2))
  })

  await t.test('TCP: a port scan of 200 connections neither harms nor floods the log', async t => {
    const before = await essence(h1)
    const linesBefore = h1.daemon.log().split('\n').length
    t.equal((await connectTo(stranger, h1, 200, new Uint8Array(), true)).length, 200)
    t.equal((await connectTo(stranger, h1, 100, randomBytes(64))).length, 100, 'all are closed')
    const { drops } = await h1.daemon.report()
    t.ok((drops['link-refused-rate'] ?? 0) > 200, 'what came too fast is counted')
    const lines = h1.daemon.log().split('\n').length - linesBefore
    t.ok(lines <= 6, `${lines} lines of log`)
    t.strictSame(await essence(h1), before)
    t.ok(await c1.canPing(ip2))
    t.ok(
      logLines(h1, /"level":40/).some(line => line.includes('192.0.2.4')),
      'the log names where it came from',
    )
  })
}

async function udp(
  t: Test,
  bed: Testbed,
  h1: Host,
  h2: Host,
  stranger: Host,
  c1: Namespace,
  ip2: string,
): Promise<void> {
  await t.test('UDP: random, truncated, flipped and replayed datagrams are dropped and counted by reason', async t => {
    const capture = await Capture.start(bed, h2, 'u2', 'udp', 'and', 'src', h1.address)
    await c1.must('ping', '-n', '-q', '-c', '50', '-i', '0.01', ip2)
    const genuine = await waitFor('captured datagrams', 10_000, () => {
      // Those that hold a ping, not the shorter probes: below, bits are flipped behind the header, up to byte 66.
      const isPing = (payload: Uint8Array) => payload[0] === 1 && payload.length > 100
      const found = capture.datagrams().filter(one => one.destinationPort === PORT && isPing(one.payload))
      return found.length >= 50 && found.map(one => one.payload)
    })
    await capture.stop()
    const before = await essence(h2)
    const count = async (reason: string) => (await h2.daemon.report()).engine.counters[`drop:${reason}`] ?? 0
    const cases: readonly (readonly [string, string, readonly Uint8Array[]])[] = [
      ['empty and short ones', 'short', [1, 4, 15, 31].map(length => randomBytes(length))],
      [
        'unknown types',
        'type',
        Array.from({ length: 50 }, () => Buffer.concat([Buffer.from([200]), randomBytes(199)])),
      ],
      [
        'unknown sessions',
        'no-session',
        genuine.slice(0, 50).map(one => Buffer.concat([one.subarray(0, 4), randomBytes(4), one.subarray(8)])),
      ],
      [
        'truncated ones',
        'auth',
        genuine.slice(0, 50).map(one => withCounter(one, 1_000_000).subarray(0, one.length - 3)),
      ],
      ['bit flips', 'auth', genuine.slice(0, 50).map((one, i) => flipped(withCounter(one, 2_000_000 + i), 16 + i))],
      ['replays', 'replay', [...genuine.slice(0, 50), ...genuine.slice(0, 50)]],
    ]
    for (const [what, reason, datagrams] of cases) {
      const counted = await count(reason)
      await sendTo(stranger, h2, datagrams)
      const isEnough = async () => (await count(reason)) - counted >= datagrams.length
      await waitFor(`${datagrams.length} × ${reason} for ${what}`, 10_000, isEnough)
      t.pass(`${what}: counted as ${reason}`)
    }
    await sendTo(
      stranger,
      h2,
      Array.from({ length: 500 }, (_, i) => randomBytes(i * 3)),
    )
    t.strictSame(await essence(h2), before, 'and nothing else changed: no endpoint moved')
    t.ok(await c1.canPing(ip2))
    t.notMatch(h2.daemon.log().split('\n').slice(-3).join('\n'), /"level":(50|60)/)
  })
}

/** As if it were new: the replay window cannot know its counter. */
function withCounter(datagram: Buffer, counter: number): Buffer {
  const copy = Buffer.from(datagram)
  copy.writeBigUInt64LE(BigInt(counter), 8)
  return copy
}

function flipped(datagram: Buffer, at: number): Buffer {
  const copy = Buffer.from(datagram)
  copy[at % copy.length]! ^= 1 << (at % 8)
  return copy
}
