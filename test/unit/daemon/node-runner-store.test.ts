import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { formatCidr, parseCidr, type Cidr } from '../../../lib/address/mod.ts'
import { Beat, WeaveError } from '../../../lib/base/mod.ts'
import { identityOf } from '../../../lib/crypto/mod.ts'
import { GROUP_REQUESTS_MAX } from '../../../lib/daemon/constants.ts'
import { NodeRunner } from '../../../lib/daemon/node-runner.ts'
import { monotonicMillis, nodeSuite, systemEntropy } from '../../../lib/io/mod.ts'
import { Node } from '../../../lib/node/mod.ts'

const suite = nodeSuite()
const ANY = { type: 'default' } as const
const never = new AbortController().signal
const full = () => new WeaveError('STATE_IO', 'the disk is full (0 bytes free)', 'make room')

function nodeOf(seed: Uint8Array, stored: Iterable<readonly [string, Uint8Array]>): Node {
  const range = parseCidr('10.32.0.0/16')!
  return new Node(
    {
      identity: identityOf(suite, seed),
      suite,
      entropy: systemEntropy,
      chance: Math.random,
      beat: new Beat(Math.random),
      incarnation: systemEntropy.bytes(8),
      nickname: 'h1',
      software: 'test',
      port: 6783,
      secrets: [{ psk: new Uint8Array(32), hint: new Uint8Array(4) }],
      hasAes: false,
      range,
      defaultSubnet: range,
      blockPrefix: 26,
      isDiscovering: true,
      linksMax: 0,
      advertised: [],
      underlayBytes: 1500,
      sessionTotals: () => undefined,
    },
    prefix => [...stored].filter(([key]) => key.startsWith(prefix)),
    monotonicMillis(),
  )
}

/** A peer that founded a mesh, over a store that can be made to refuse. */
function world(t: Test) {
  const seed = randomBytes(32)
  const self = {
    seed,
    stored: new Map<string, Uint8Array>(),
    remembered: 0,
    writes: 0,
    /** Of the store, and answers, as they came. */
    events: [] as string[],
    refusal: undefined as Error | undefined,
    fullness: undefined as string | undefined,
    fatal: [] as unknown[],
    log: [] as string[],
    runner: undefined as unknown as NodeRunner,
  }
  self.runner = new NodeRunner(nodeOf(seed, []), {
    now: monotonicMillis,
    persist(puts, deletes) {
      if (self.refusal !== undefined) throw self.refusal
      self.writes++
      self.events.push('written')
      for (const [key, value] of puts) self.stored.set(key, value)
      for (const key of deletes) self.stored.delete(key)
    },
    remember: () => void self.remembered++,
    store: {
      get fullness() {
        return self.fullness
      },
      tend: () => undefined,
    },
    resolve: () => Promise.resolve({ endpoints: [] }),
    engine: () => undefined,
    forwarding: () => undefined,
    deliver: () => undefined,
    log: line => void self.log.push(line.event),
    fatal: thrown => void self.fatal.push(thrown),
  })
  self.runner.start()
  self.runner.input((node, now) => node.found(now))
  t.teardown(() => self.runner.stop())
  return self
}

const texts = (cidrs: readonly Cidr[]) => cidrs.map(formatCidr)

async function recovered(runner: NodeRunner): Promise<void> {
  while (runner.storeTrouble !== undefined) await new Promise(resolve => setTimeout(resolve, 20))
}

t.test('an address whose lease the disk refuses is not given, and is free again', async t => {
  const w = world(t)
  const first = texts(await w.runner.requestAddress('c1', ANY, never))
  w.refusal = full()
  await t.rejects(w.runner.requestAddress('c2', ANY, never), { code: 'STATE_IO', message: /0 bytes free/ })
  t.match(w.runner.storeTrouble, /the disk is full/)
  t.throws(() => w.runner.requireStore(), { code: 'STATE_IO' })
  t.strictSame(texts(w.runner.node.leasesOf('c2')), [])
  t.strictSame(texts(w.runner.node.leasesOf('c1')), first, 'what was given before stays')
  await t.rejects(w.runner.requestAddress('c3', ANY, never), { code: 'STATE_IO' }, 'the node knows of it')
  t.ok(w.log.includes('store-full'))
  t.strictSame(w.fatal, [])

  w.refusal = undefined
  await recovered(w.runner)
  t.ok(w.log.includes('store-mended'))
  const second = texts(await w.runner.requestAddress('c2', ANY, never))
  const again = nodeOf(w.seed, w.stored)
  t.strictSame(texts(again.leasesOf('c1')), first)
  t.strictSame(texts(again.leasesOf('c2')), second)
  t.equal(again.addresses.ipam.leases().length, 2, 'nothing else is in the store')
})

t.test('what a container has already is told though the disk refuses', async t => {
  const w = world(t)
  const first = await w.runner.requestAddress('c1', ANY, never)
  w.refusal = full()
  const asked = w.runner.requestAddress('c1', { type: 'claim', cidr: first[0]! }, never)
  t.strictSame(texts(await asked), texts(first))
  t.strictSame(texts(w.runner.node.leasesOf('c1')), texts(first))
})

t.test('a store without reserve is told to the node, and the end of it', async t => {
  const w = world(t)
  w.fullness = 'the disk is full (4 bytes free)'
  w.runner.input(() => undefined)
  t.match(w.runner.storeTrouble, /4 bytes free/)
  await t.rejects(w.runner.requestAddress('c1', ANY, never), { code: 'STATE_IO' })
  w.fullness = undefined
  w.runner.input(() => undefined)
  t.equal(w.runner.storeTrouble, undefined)
  t.equal((await w.runner.requestAddress('c1', ANY, never)).length, 1)
})

/** Of its own for each request: many listeners on one are warned of. */
const unending = () => new AbortController().signal
const many = (count: number) => Array.from({ length: count }, (_, i) => `many${i}`)

t.test('requests that come together share one durable write, and are answered behind it, in their order', async t => {
  const w = world(t)
  w.writes = 0
  w.events = []
  const asked = many(40).map(async id => {
    const given = texts(await w.runner.requestAddress(id, ANY, unending()))
    w.events.push(id)
    t.strictSame(texts(nodeOf(w.seed, w.stored).leasesOf(id)), given, 'on disk by then')
    return given[0]
  })
  const given = await Promise.all(asked)
  t.equal(w.writes, 1)
  t.strictSame(w.events, ['written', ...many(40)])
  t.equal(new Set(given).size, 40)
})

t.test('more than a group share as many writes as there are groups', async t => {
  const w = world(t)
  w.writes = 0
  await Promise.all(many(2 * GROUP_REQUESTS_MAX + 1).map(id => w.runner.requestAddress(id, ANY, unending())))
  t.equal(w.writes, 3)
})

t.test('a write that is refused refuses every request of its group, and takes all back', async t => {
  const w = world(t)
  const [kept] = texts(await w.runner.requestAddress('many3', ANY, unending()))
  w.refusal = full()
  // One of them twice: what the first was given must not look like something that it had.
  const asked = [...many(16), 'many5'].map(id => w.runner.requestAddress(id, ANY, unending()))
  const ends = await Promise.allSettled(asked)
  for (const [i, end] of ends.entries()) {
    if (i === 3) t.match(end, { status: 'fulfilled' }, 'it had its address before')
    else t.match(end, { status: 'rejected', reason: { code: 'STATE_IO', message: /0 bytes free/ } })
  }
  t.strictSame(
    w.runner.node.leases().map(({ container }) => container),
    ['many3'],
  )
  w.refusal = undefined
  await recovered(w.runner)
  const again = nodeOf(w.seed, w.stored)
  t.strictSame(texts(again.leasesOf('many3')), [kept])
  t.equal(again.leases().length, 1, 'nothing else is in the store')
})

t.test('who gives up before the end of the turn is given nothing', async t => {
  const w = world(t)
  const gone = new AbortController()
  const [given, up] = [
    w.runner.requestAddress('c1', ANY, unending()),
    w.runner.requestAddress('c2', ANY, gone.signal).catch((error: unknown) => error),
  ]
  gone.abort()
  t.match(await up, { code: 'DAEMON_BUSY' })
  t.equal((await given).length, 1)
  t.strictSame(texts(w.runner.node.leasesOf('c2')), [])
})

t.test('what is no refusal of the disk ends the daemon', async t => {
  const w = world(t)
  w.refusal = new WeaveError('STATE_DAMAGED', 'damaged', 'restore it')
  void w.runner.requestAddress('c1', ANY, unending()).catch(() => undefined)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(w.fatal.length, 1)
  t.match(w.fatal[0], { code: 'STATE_DAMAGED' })
})
