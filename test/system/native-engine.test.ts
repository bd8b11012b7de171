/**
 * The packet engine on real TAP devices.
 *
 *     namespace wn-a-PID: TAP 198.51.100.1, 2001:db8::1 ══ engine ══ 127.0.0.1 ══ engine ══ TAP .2, ::2: namespace wn-b-PID
 *
 * Both engines run in this process with their lanes; only the TAPs move into the namespaces.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { WeaveError } from '../../lib/base/mod.ts'
import { Lanes, type LanesOptions } from '../../lib/io/lanes.ts'
import { NativeEngine, type OffloadOptions } from '../../lib/io/native-engine.ts'
import type { CipherName } from '../../lib/overlay/mod.ts'

const DEAF = {
  onControl: () => undefined,
  onMoved: () => undefined,
  onWanted: () => undefined,
  onLarge: () => undefined,
  onSpoofed: () => undefined,
  onNotice: () => undefined,
  onGroupFrame: () => undefined,
  onHanded: () => undefined,
}
const LOOPBACK = Uint8Array.of(127, 0, 0, 1)
const SIDES = ['a', 'b'] as const
const NAMESPACES = SIDES.map(side => `wn-${side}-${process.pid}`)
/** In which a process ends; its lanes sleep twice as long. */
const LEAVING_MS = 5_000
/** More than any queue holds. */
const UNREAD_MAX = 50_000
const UNREAD_AT_ONCE = 500
const TRANSFER_BYTES = 24 * 2 ** 20
const skip = process.getuid?.() === 0 ? false : 'needs root: makes TAP devices and namespaces'

// Seven set-ups with three transfers each.
t.setTimeout(180_000)

interface Run {
  readonly offloads?: OffloadOptions
  readonly shape?: NonNullable<LanesOptions['shape']>
  readonly cipher?: CipherName
  readonly mtu?: number
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' })
const inside = (side: number, ...args: string[]): string =>
  execFileSync('ip', ['netns', 'exec', NAMESPACES[side]!, ...args], { stdio: 'pipe', encoding: 'utf8' })

async function withPair(run: Run, use: (engines: NativeEngine[], lanes: Lanes[]) => Promise<void>): Promise<void> {
  const engines: NativeEngine[] = []
  const lanes: Lanes[] = []
  try {
    for (const [side, namespace] of NAMESPACES.entries()) {
      const tapName = `wn${SIDES[side]}${process.pid}`.slice(0, 15)
      const engine = new NativeEngine({ tapName, udp: { ip: LOOPBACK, port: 0 }, offloads: run.offloads ?? {} })
      engines.push(engine)
      ip('netns', 'add', namespace)
      ip('link', 'set', tapName, 'netns', namespace)
      ip('-n', namespace, 'address', 'add', `198.51.100.${side + 1}/24`, 'dev', tapName)
      ip('-n', namespace, 'address', 'add', `2001:db8::${side + 1}/64`, 'dev', tapName, 'nodad')
      ip('-n', namespace, 'link', 'set', tapName, 'mtu', String(run.mtu ?? 1400), 'up')
    }
    for (const [side, engine] of engines.entries()) {
      const other = 1 - side
      engine.setSelf(Uint8Array.of(side, 0, 0, 0, 0, 0, 0, 1))
      engine.setPeer(1, Uint8Array.of(other, 0, 0, 0, 0, 0, 0, 1))
      engine.addSession({
        peerIndex: 1,
        receiverIndex: 10 + side,
        remoteIndex: 10 + other,
        cipher: run.cipher ?? 'chacha20-poly1305',
        sendKey: new Uint8Array(32).fill(side + 1),
        receiveKey: new Uint8Array(32).fill(other + 1),
      })
      engine.sealWith(1, 10 + side)
      engine.setEndpoint(1, { ip: LOOPBACK, port: engines[other]!.describe().port })
      engine.setPathBytes(1, 1472)
      const events = { ...DEAF, onFailure: (text: string) => t.fail(text) }
      const started = new Lanes(engine, events, { macKey: [1, 2], shape: run.shape ?? 'split' })
      const peers = { added: [1], removed: [] }
      started.changeTable({ rest: { selfIndex: 0, tree: Int32Array.of(1, 0) }, adjacent: peers, reachable: peers })
      lanes.push(started)
    }
    // Until both lanes have their tables, frames are dropped.
    inside(0, 'ping', '-c', '20', '-i', '0.05', '-W', '1', '-q', '198.51.100.2')
    await use(engines, lanes)
  } finally {
    for (const running of lanes) await running.stop()
    for (const engine of engines) engine.close()
    for (const namespace of NAMESPACES) {
      try {
        ip('netns', 'delete', namespace)
      } catch {
        // It was not made.
      }
    }
  }
}

const SERVER = `
  const hash = require('node:crypto').createHash('sha256')
  const server = require('node:net').createServer(socket => {
    socket.on('data', bytes => hash.update(bytes))
    socket.on('end', () => { console.log(hash.digest('hex')); socket.end(); server.close() })
  }).listen(7000, '::', () => console.log('listening'))`
const CLIENT = `
  const data = require('node:crypto').randomBytes(${TRANSFER_BYTES})
  console.log(require('node:crypto').createHash('sha256').update(data).digest('hex'))
  require('node:net').connect(7000, process.argv[1]).end(data).resume()`

function start(side: number, ...args: string[]): ChildProcess {
  return spawn('ip', ['netns', 'exec', NAMESPACES[side]!, process.execPath, '-e', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function lines(child: ChildProcess, text: { value: string }): void {
  child.stdout!.on('data', bytes => (text.value += String(bytes)))
}

/** Sends random bytes from one namespace to the other; the hashes of what left and what came. */
async function transfer(from: number, address: string): Promise<{ sent: string; received: string }> {
  const server = start(1 - from, SERVER)
  const received = { value: '' }
  lines(server, received)
  await once(server.stdout!, 'data')
  const client = start(from, CLIENT, address)
  const sent = { value: '' }
  lines(client, sent)
  await Promise.all([once(client, 'close'), once(server, 'close')])
  return { sent: sent.value.trim(), received: received.value.replace('listening', '').trim() }
}

async function checkTransfers(test: Test, engines: NativeEngine[]): Promise<void> {
  for (const [from, address] of [
    [0, '198.51.100.2'],
    [1, '198.51.100.1'],
    [0, '2001:db8::2'],
  ] as const) {
    const { sent, received } = await transfer(from, address)
    test.match(sent, /^[0-9a-f]{64}$/)
    test.equal(received, sent, `the bytes sent to ${address} arrive unaltered`)
  }
  for (const engine of engines) {
    const counters = engine.counters()
    for (const name of ['drop:auth', 'drop:replay', 'drop:malformed-frame', 'drop:too-big', 'drop:kind']) {
      test.equal(counters[name], 0, name)
    }
  }
}

const RUNS: Record<string, Run> = {
  'every offload on': {},
  'AES-256-GCM and one lane for both directions': { cipher: 'aes-256-gcm', shape: 'single' },
  'no super-frames at the TAP': { offloads: { tapGso: false } },
  'no checksum offload': { offloads: { checksum: false } },
  'no UDP trains sent': { offloads: { udpGso: false } },
  'no UDP trains received': { offloads: { udpGro: false } },
}

for (const [name, run] of Object.entries(RUNS)) {
  t.test(`carries TCP over IPv4 and IPv6 unaltered with ${name}`, { skip }, async test => {
    await withPair(run, async engines => {
      const on = engines[0]!.describe()
      for (const [offload, wanted] of Object.entries(run.offloads ?? {})) {
        test.equal(on[offload as keyof OffloadOptions], wanted, offload)
      }
      await checkTransfers(test, engines)
    })
  })
}

t.test('switches every offload while traffic flows', { skip }, async test => {
  await withPair({}, async engines => {
    for (const offload of ['udpGso', 'udpGro', 'tapGso', 'checksum'] as const) {
      for (const engine of engines) test.ok(engine.setOffload(offload, false), `${offload} goes off`)
      await checkTransfers(test, engines)
      for (const engine of engines) test.ok(engine.setOffload(offload, true), `${offload} comes on`)
    }
    for (const engine of engines) engine.setOffload('tapGso', true)
    await checkTransfers(test, engines)
  })
})

t.test('loses no packet of a flood of pings', { skip }, async test => {
  await withPair({}, async () => {
    await Promise.resolve()
    const report = inside(0, 'ping', '-f', '-c', '10000', '-q', '198.51.100.2')
    test.match(report, / 0% packet loss/)
  })
})

const ROUNDS = 20
const AT_ONCE = 100
/** Answers each round, and says what did not come as it should. */
const LISTENER = `
  const wrong = []
  let next = 0
  const socket = require('node:dgram').createSocket('udp6').on('message', (bytes, from) => {
    const isLast = next % ${AT_ONCE} === ${AT_ONCE - 1}
    if (bytes.readUInt32BE() !== next || bytes.length !== (isLast ? 9 : 64) || bytes.subarray(4).some(byte => byte !== next % 251)) wrong.push([next, bytes.toString('hex')])
    next++
    if (isLast) socket.send('more', from.port, from.address)
    if (next === ${ROUNDS * AT_ONCE}) { console.log(JSON.stringify(wrong)); socket.close() }
  }).bind(7000, '::', () => console.log('listening'))`
/** A burst after each answer. */
const TALKER = `
  let next = 0
  const socket = require('node:dgram').createSocket(process.argv[1].includes(':') ? 'udp6' : 'udp4')
  const burst = () => {
    for (let i = 0; i < ${AT_ONCE}; i++, next++) {
      const bytes = Buffer.alloc(i === ${AT_ONCE - 1} ? 9 : 64, next % 251)
      bytes.writeUInt32BE(next)
      socket.send(bytes, 7000, process.argv[1])
    }
  }
  socket.on('message', burst).bind(0, burst)`

t.test('hands the datagrams of a burst on as they were, several by one write', { skip }, async test => {
  await withPair({}, async engines => {
    for (const address of ['198.51.100.2', '2001:db8::2']) {
      // A kernel that learns of its neighbour in the middle of a burst sends what waited for that behind what came later.
      inside(0, 'ping', '-c', '1', '-q', address)
      const server = start(1, LISTENER)
      const said = { value: '' }
      lines(server, said)
      await once(server.stdout!, 'data')
      const client = start(0, TALKER, address)
      await once(server, 'exit')
      client.kill()
      test.equal(said.value, 'listening\n[]\n', address)
    }
    const { tapUso, tapSelfTest } = engines[1]!.describe()
    test.equal(tapSelfTest, tapUso ? 'passed' : 'untested')
    const {
      'tap-tx-writes': writes = 0,
      'tap-tx-frames': frames = 0,
      'tap-gso-refused': refused,
    } = engines[1]!.counters()
    test.equal(refused, 0)
    if (tapUso) test.ok(writes < frames, `${frames} frames in ${writes} writes`)
  })
})

/** Sends until the counter moves, and on until so many more have left; how many that were. */
async function sendUnread(
  sender: Socket,
  [to, port]: readonly [string, number],
  isEnough: (sent: number) => boolean,
): Promise<number> {
  let sent = 0
  for (; sent < UNREAD_MAX && !isEnough(sent); sent += UNREAD_AT_ONCE)
    await Promise.all(
      Array.from(
        { length: UNREAD_AT_ONCE },
        () => new Promise(resolve => sender.send(Buffer.alloc(1200), port, to, resolve)),
      ),
    )
  return sent
}

const TOLD_ADDRESS = '198.51.100.2'

function reachable(tapName: string): void {
  ip('address', 'add', '198.51.100.1', 'peer', TOLD_ADDRESS, 'dev', tapName)
  ip('link', 'set', tapName, 'up')
  ip('neighbour', 'add', TOLD_ADDRESS, 'lladdr', '02:00:00:00:00:02', 'dev', tapName)
}

t.test('tells what the kernel dropped because nobody read it', { skip }, async test => {
  const tapName = `wnq${process.pid}`.slice(0, 15)
  const engine = new NativeEngine({ tapName, udp: { ip: LOOPBACK, port: 0 } })
  const sender = createSocket('udp4')
  test.teardown(() => {
    sender.close()
    engine.close()
  })
  reachable(tapName)
  const { port } = engine.describe()
  const dropped = (of: NativeEngine, counter: string) => of.counters()[counter] ?? 0
  for (const [to, counter] of [
    ['127.0.0.1', 'drop:udp-queue'],
    [TOLD_ADDRESS, 'drop:tap-queue'],
  ] as const) {
    test.equal(engine.counters()[counter], 0)
    const sent = await sendUnread(sender, [to, port], () => dropped(engine, counter) > 0)
    const told = dropped(engine, counter)
    test.ok(told > 0 && told <= sent, `${counter}: ${told} of ${sent}`)
    test.equal(dropped(engine, counter), told, 'each is told once')
  }
  const counter = 'drop:tap-queue'
  await sendUnread(sender, [TOLD_ADDRESS, port], sent => sent >= 2 * UNREAD_AT_ONCE)
  const before = dropped(engine, counter)
  ip('link', 'delete', tapName)
  const another = new NativeEngine({ tapName, udp: { ip: LOOPBACK, port: 0 } })
  test.teardown(() => another.close())
  reachable(tapName)
  await sendUnread(sender, [TOLD_ADDRESS, port], () => dropped(another, counter) > 0)
  const fresh = dropped(another, counter)
  test.ok(fresh > 0 && fresh < before, `the device of that name made anew dropped ${fresh}, the one before ${before}`)
  test.equal(dropped(engine, counter), before + fresh, 'what a device made anew drops is told from the first on')
})

t.test('says that a lane failed when its TAP is taken away', { skip }, async test => {
  const tapName = `wnx${process.pid}`.slice(0, 15)
  const engine = new NativeEngine({ tapName, udp: { ip: LOOPBACK, port: 0 } })
  const failed = new Promise<string>(resolve => {
    const lanes = new Lanes(engine, { ...DEAF, onFailure: resolve }, { macKey: [1, 2], shape: 'single' })
    test.teardown(async () => {
      await lanes.stop()
      engine.close()
    })
  })
  ip('link', 'delete', tapName)
  test.match(await failed, /TAP/)
})

/** Ends without stopping its lanes. What they answered last they answered before they went to sleep. */
const LEAVER = `
  import { NativeEngine } from '${new URL('../../lib/io/native-engine.js', import.meta.url).href}'
  import { Lanes } from '${new URL('../../lib/io/lanes.js', import.meta.url).href}'
  const udp = { ip: Uint8Array.of(127, 0, 0, 1), port: 0 }
  const engine = new NativeEngine({ tapName: process.argv[2], udp, offloads: {} })
  const events = new Proxy({}, { get: () => () => undefined })
  const lanes = new Lanes(engine, events, { macKey: [1, 2] })
  await lanes.sample().end()
  setTimeout(() => {
    console.log('leaving')
    process.exit(3)
  }, 500)`

t.test('a process that ends without a word to its lanes does not wait for them', { skip }, async test => {
  const name = `wnl${process.pid}`.slice(0, 15)
  const program = join(test.testdir({ 'leaver.mjs': LEAVER }), 'leaver.mjs')
  const child = spawn(process.execPath, [program, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const [status] = (await once(child, 'exit', { signal: AbortSignal.timeout(LEAVING_MS) })) as [number]
  test.equal(status, 3)
})

t.test('names what is in the way when it cannot open', { skip }, async test => {
  const other = createSocket('udp4')
  other.bind(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address()
  const failure = (open: () => NativeEngine): unknown => {
    try {
      open().close()
      return undefined
    } catch (thrown) {
      return thrown instanceof WeaveError ? thrown.code : thrown
    }
  }
  test.equal(
    failure(() => new NativeEngine({ tapName: 'wnz', udp: { ip: LOOPBACK, port } })),
    'PORT_IN_USE',
  )
  test.throws(() => execFileSync('ip', ['link', 'show', 'wnz'], { stdio: 'pipe' }), 'no interface is left behind')
  other.close()
  test.equal(
    failure(() => new NativeEngine({ tapName: 'lo', udp: { ip: LOOPBACK, port: 0 } })),
    'INTERFACE_EXISTS',
  )
  const taken = new NativeEngine({ tapName: 'wnz', udp: { ip: LOOPBACK, port: 0 } })
  test.equal(
    failure(() => new NativeEngine({ tapName: 'wnz', udp: { ip: LOOPBACK, port: 0 } })),
    'INTERFACE_EXISTS',
  )
  taken.close()
  const nowhere = Uint8Array.of(203, 0, 113, 9)
  test.equal(
    failure(() => new NativeEngine({ tapName: 'wnz', udp: { ip: nowhere, port: 0 } })),
    'CONFIG_INVALID',
  )
})
