import fc from 'fast-check'
import t from 'tap'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { BUCKET_SLOTS, MAC_AGE_SECONDS } from '../../../lib/overlay/constants.ts'
import { MAC_LOCAL, MAC_UNKNOWN, MacTable } from '../../../lib/overlay/mac-table.ts'
import { HAMMER_ADDRESSES, hammerPeer, type HammerOrder } from '../../support/mac-table-hammer.ts'

function tableOf(capacity: number): MacTable {
  return new MacTable(new ArrayBuffer(MacTable.bytesFor(capacity)))
}

t.test('knows what it learned, and nothing else', async t => {
  const macs = tableOf(64)
  t.equal(macs.lookup(1, 2, 0), MAC_UNKNOWN)
  t.equal(macs.learn(1, 2, 7, 0), MAC_UNKNOWN)
  t.equal(macs.lookup(1, 2, 0), 7)
  t.equal(macs.lookup(2, 1, 0), MAC_UNKNOWN)
  t.equal(macs.learn(0, 0, MAC_LOCAL, 0), MAC_UNKNOWN, 'the zero address is an address')
  t.equal(macs.lookup(0, 0, 0), MAC_LOCAL)
})

t.test('takes the lower half signed or unsigned', async t => {
  const macs = tableOf(64)
  macs.learn(0xffff, 0xffff_fffe, 3, 0)
  t.equal(macs.lookup(0xffff, -2, 0), 3)
  t.same(macs.entries(0), [{ mac: 0xffff_ffff_fffe, peer: 3, lastSeenSeconds: 0 }])
})

t.test('the newest observation wins and tells of the one before', async t => {
  const macs = tableOf(64)
  macs.learn(1, 2, MAC_LOCAL, 10)
  t.equal(macs.learn(1, 2, 5, 10), MAC_LOCAL)
  t.equal(macs.lookup(1, 2, 10), 5)
  t.equal(macs.learn(1, 2, MAC_LOCAL, 10), 5)
  t.equal(macs.learn(1, 2, MAC_LOCAL, 10), MAC_LOCAL)
  t.equal(macs.entries(10).length, 1)
})

t.test('forgets with age, from the last observation on', async t => {
  const macs = tableOf(64)
  macs.learn(1, 2, 5, 100)
  macs.learn(1, 2, 5, 200)
  t.equal(macs.lookup(1, 2, 200 + MAC_AGE_SECONDS), 5)
  t.equal(macs.lookup(1, 2, 201 + MAC_AGE_SECONDS), MAC_UNKNOWN)
  t.same(macs.entries(201 + MAC_AGE_SECONDS), [])
  t.equal(macs.learn(1, 2, 6, 201 + MAC_AGE_SECONDS), MAC_UNKNOWN, 'an aged entry is no observation before')
})

t.test('a full bucket evicts its oldest', async t => {
  const macs = tableOf(BUCKET_SLOTS)
  for (let low = 0; low < BUCKET_SLOTS; low++) macs.learn(0, low, low, 100 + low)
  macs.learn(0, 0, 0, 150)
  macs.learn(0, 99, 9, 151)
  t.equal(macs.lookup(0, 1, 151), MAC_UNKNOWN, 'the oldest is gone')
  t.equal(macs.lookup(0, 0, 151), 0, 'what was refreshed stays')
  t.equal(macs.lookup(0, 99, 151), 9)
  t.equal(macs.entries(151).length, BUCKET_SLOTS)
})

t.test('forgets a peer with all its addresses', async t => {
  const macs = tableOf(1024)
  for (let low = 0; low < 100; low++) macs.learn(0, low, low % 3, 0)
  t.equal(macs.forgetPeer(1), 33)
  t.equal(macs.forgetPeer(1), 0)
  for (let low = 0; low < 100; low++) t.equal(macs.lookup(0, low, 0), low % 3 === 1 ? MAC_UNKNOWN : low % 3)
})

t.test('forgets a peer wholly while lanes learn in the same buckets', async t => {
  const buffer = new SharedArrayBuffer(MacTable.bytesFor(64))
  const macs = new MacTable(buffer)
  const gone = hammerPeer(HAMMER_ADDRESSES, 0)
  const lanes = [0, 1, 2].map(lane => {
    const order: HammerOrder = { buffer, lane, rounds: 300_000 }
    return new Worker(new URL('../../support/mac-table-hammer.js', import.meta.url), { workerData: order })
  })
  let running = lanes.length
  const ends = lanes.map(worker => once(worker, 'message').finally(() => running--))
  let rounds = 0
  let left = 0
  let forgotten = 0
  while (running > 0) {
    for (let round = 0; round < 200; round++, rounds++) {
      for (let low = 0; low < 16; low++) macs.learn(8, low, gone, 1000)
      forgotten += macs.forgetPeer(gone)
      left += macs.entries(1000).filter(({ peer }) => peer === gone).length
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(ends)
  t.equal(left, 0, `in ${rounds} rounds`)
  t.ok(forgotten > rounds, 'there was something to forget')
})

t.test('refuses a buffer of the wrong size', async t => {
  t.throws(() => new MacTable(new ArrayBuffer(100)))
  t.throws(() => tableOf(24))
  t.throws(() => tableOf(4))
})

t.test('spreads the addresses of one vendor over the buckets', async t => {
  const macs = tableOf(16_384)
  for (let low = 0; low < 8000; low++) macs.learn(0x0242, 0x0a20_0000 + low, 1, 0)
  t.ok(macs.entries(0).length > 7600, `${macs.entries(0).length} of 8000 are held`)
})

type Step =
  | { do: 'learn'; mac: number; peer: number }
  | { do: 'lookup'; mac: number }
  | { do: 'forget'; peer: number }
  | { do: 'pass'; seconds: number }

const mac = fc.nat(11)
const peer = fc.constantFrom(MAC_LOCAL, 0, 1, 65_535)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('learn' as const), mac, peer }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('lookup' as const), mac }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), peer }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.nat(400) }) },
  ),
  { maxLength: 120 },
)

/** The slow way: a Map of what was last seen, never full. */
class SlowTable {
  readonly seen = new Map<number, { peer: number; at: number }>()

  lookup(key: number, now: number): number {
    const entry = this.seen.get(key)
    return entry === undefined || now - entry.at > MAC_AGE_SECONDS ? MAC_UNKNOWN : entry.peer
  }
}

function follow(macs: MacTable, run: readonly Step[], isExact: boolean): void {
  const model = new SlowTable()
  let now = 0
  for (const step of run) {
    if (step.do === 'pass') now += step.seconds
    else if (step.do === 'forget') {
      macs.forgetPeer(step.peer)
      for (const [key, entry] of model.seen) if (entry.peer === step.peer) model.seen.delete(key)
    } else {
      const low = Math.imul(step.mac, 0x9e37_79b1)
      const expected = model.lookup(step.mac, now)
      const found = step.do === 'learn' ? macs.learn(step.mac, low, step.peer, now) : macs.lookup(step.mac, low, now)
      if (step.do === 'learn') model.seen.set(step.mac, { peer: step.peer, at: now })
      const isRight = found === expected || (!isExact && found === MAC_UNKNOWN)
      if (!isRight) throw new Error(`${step.do} of ${step.mac} at ${now}: ${found} instead of ${expected}`)
      if (step.do === 'learn' && macs.lookup(step.mac, low, now) !== step.peer) throw new Error('not learned')
    }
    if (macs.entries(now).length > macs.capacity) throw new Error('over capacity')
  }
}

t.test('agrees with a plain map while there is room', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(steps, run => follow(tableOf(2048), run, true))))
})

t.test('when full, it forgets but never tells what is not so', async t => {
  t.doesNotThrow(() => fc.assert(fc.property(steps, run => follow(tableOf(BUCKET_SLOTS), run, false))))
})

t.test('four threads on one small table never see a torn entry', async t => {
  const buffer = new SharedArrayBuffer(MacTable.bytesFor(64))
  const lanes = [0, 1, 2, 3].map(lane => {
    const order: HammerOrder = { buffer, lane, rounds: 100_000 }
    return new Worker(new URL('../../support/mac-table-hammer.js', import.meta.url), { workerData: order })
  })
  const torn = await Promise.all(
    lanes.map(
      worker =>
        new Promise<number>((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    ),
  )
  t.same(torn, [0, 0, 0, 0])
  const macs = new MacTable(buffer)
  const entries = macs.entries(0)
  t.ok(entries.length > 0 && entries.length <= 64)
  t.equal(new Set(entries.map(entry => entry.mac)).size, entries.length, 'no address stands twice')
  for (let low = 0; low < HAMMER_ADDRESSES; low++) {
    macs.learn(7, low, low, 1000)
    t.equal(macs.lookup(7, low, 1000), low, 'no bucket is left locked')
  }
})
