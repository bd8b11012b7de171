import fc from 'fast-check'
import t from 'tap'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  BUCKET_LOCAL_MAX,
  BUCKET_SLOTS,
  MAC_AGE_SECONDS,
  MAC_KEPT_SECONDS,
  MAC_MOVES_MAX,
  MAC_RETURN_SECONDS,
  MAC_SETTLED_SECONDS,
} from '../../../lib/overlay/constants.ts'
import { MAC_CONTESTED, MAC_LOCAL, MAC_UNKNOWN, MacTable } from '../../../lib/overlay/mac-table.ts'
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

t.test('names a word that changes with all that concerns an address', async t => {
  const buffer = new ArrayBuffer(MacTable.bytesFor(BUCKET_SLOTS))
  const macs = new MacTable(buffer)
  macs.learn(1, 2, 7, 10)
  const word = macs.witness(1, 2, 7, 10)
  const stays = () => new Int32Array(buffer)[word] === macs.witnessed
  t.ok(stays())
  macs.learn(1, 2, 7, 10)
  macs.lookup(1, 2, 10)
  t.ok(stays(), 'what is known already changes nothing')
  const changes = [() => macs.learn(1, 2, 7, 11), () => macs.learn(1, 2, 8, 11), () => macs.learn(3, 4, 7, 11)]
  for (const change of changes) {
    change()
    t.notOk(stays())
    t.equal(macs.witness(1, 2, macs.lookup(1, 2, 11), 11), word)
  }
  macs.forget(0x1_0000_0002)
  t.notOk(stays())
  t.equal(macs.witness(1, 2, 8, 11), -1, 'forgotten')
  t.equal(macs.witness(3, 4, 8, 11), -1, 'at another peer')
  t.equal(macs.witness(3, 4, 7, 12), -1, 'not seen since')
})

t.test('takes the lower half signed or unsigned', async t => {
  const macs = tableOf(64)
  macs.learn(0xffff, 0xffff_fffe, 3, 0)
  t.equal(macs.lookup(0xffff, -2, 0), 3)
  t.same(macs.entries(0), [{ mac: 0xffff_ffff_fffe, peer: 3, lastSeenSeconds: 0 }])
})

t.test('the newest observation wins and tells of the one before', async t => {
  const macs = tableOf(64)
  macs.learn(1, 2, 4, 10)
  t.equal(macs.learn(1, 2, 5, 10), 4)
  t.equal(macs.lookup(1, 2, 10), 5)
  t.equal(macs.learn(1, 2, MAC_LOCAL, 10), 5)
  t.equal(macs.learn(1, 2, MAC_LOCAL, 10), MAC_LOCAL)
  t.equal(macs.entries(10).length, 1)
})

const [FIRST, SECOND] = [5, 6]

/** A table in which an address was first at FIRST, and then at SECOND and FIRST in turns until it is held. */
function contested(high = 0x0242, low = 1): MacTable {
  const macs = tableOf(64)
  macs.learn(high, low, FIRST, 0)
  for (let move = 1; move <= MAC_MOVES_MAX; move++) macs.learn(high, low, move % 2 === 1 ? SECOND : FIRST, 1)
  return macs
}

t.test('an address that goes to and fro is held where it was first', async t => {
  const macs = contested()
  t.equal(macs.lookup(0x0242, 1, 1), FIRST)
  t.equal(macs.learn(0x0242, 1, SECOND, 2), MAC_CONTESTED)
  t.equal(macs.learn(0x0242, 1, FIRST, 3), FIRST)
  t.equal(macs.learn(0x0242, 1, SECOND, 3 + MAC_KEPT_SECONDS), MAC_CONTESTED, 'as long as it is heard there')
  t.equal(macs.learn(0x0242, 1, MAC_LOCAL, 4), MAC_CONTESTED, 'and whoever else says so')
  t.equal(macs.lookup(0x0242, 1, 4), FIRST)
})

t.test('where an address that is in use twice falls silent, it goes to the other, until it is heard again', async t => {
  const macs = contested()
  const later = 2 + MAC_KEPT_SECONDS
  t.equal(macs.learn(0x0242, 1, SECOND, later), FIRST)
  t.equal(macs.lookup(0x0242, 1, later), SECOND)
  t.equal(macs.learn(0x0242, 1, FIRST, later + 1), SECOND, 'it is back at once')
  t.equal(macs.learn(0x0242, 1, SECOND, later + 1), MAC_CONTESTED)
})

t.test('an address that is in use at one place again moves as others do', async t => {
  const macs = contested()
  macs.learn(0x0242, 1, SECOND, 2)
  const later = 3 + MAC_SETTLED_SECONDS
  macs.learn(0x0242, 1, FIRST, later)
  t.equal(macs.learn(0x0242, 1, SECOND, later), FIRST)
  t.equal(macs.lookup(0x0242, 1, later), SECOND)
})

t.test('moves that are apart hold nothing', async t => {
  const macs = tableOf(64)
  for (let move = 0; move < 4 * MAC_MOVES_MAX; move++) {
    const at = move * (MAC_RETURN_SECONDS + 1)
    macs.learn(0x0242, 1, move % 2, at)
    t.equal(macs.lookup(0x0242, 1, at), move % 2)
  }
})

t.test('it is told where an address was before it moved, for a while', async t => {
  const macs = tableOf(64)
  macs.learn(1, 2, FIRST, 0)
  macs.learn(1, 3, FIRST, 0)
  macs.lookup(1, 2, 0)
  t.equal(macs.former, MAC_UNKNOWN)
  macs.learn(1, 2, SECOND, 1)
  t.equal(macs.lookup(1, 2, 1), SECOND)
  t.equal(macs.former, FIRST)
  macs.lookup(1, 3, 1)
  t.equal(macs.former, MAC_UNKNOWN, 'of another address nothing')
  macs.learn(1, 2, 9, 2)
  macs.lookup(1, 2, 2 + MAC_SETTLED_SECONDS)
  t.equal(macs.former, FIRST, 'it is where it was first')
  macs.lookup(1, 2, 3 + MAC_SETTLED_SECONDS)
  t.equal(macs.former, MAC_UNKNOWN)
  macs.learn(1, 2, FIRST, 4)
  macs.lookup(1, 2, 4)
  t.equal(macs.former, MAC_UNKNOWN, 'nor when it is back')
  macs.learn(1, 2, SECOND, 5)
  macs.forgetPeer(FIRST)
  macs.lookup(1, 2, 5)
  t.equal(macs.former, MAC_UNKNOWN, 'nor of a peer that is gone')
})

t.test('a local address stays so until it is forgotten', async t => {
  const macs = tableOf(64)
  macs.learn(0x8242, 0xffff_ff01, MAC_LOCAL, 0)
  t.equal(macs.learn(0x8242, 0xffff_ff01, FIRST, MAC_AGE_SECONDS), MAC_CONTESTED)
  t.equal(macs.lookup(0x8242, 0xffff_ff01, 1), MAC_LOCAL)
  macs.forget(0x8242_ffff_ff02)
  t.equal(macs.lookup(0x8242, 0xffff_ff01, 1), MAC_LOCAL)
  macs.forget(0x8242_ffff_ff01)
  t.equal(macs.learn(0x8242, 0xffff_ff01, FIRST, 1), MAC_UNKNOWN)
  macs.learn(0, 0x5e00_0101, MAC_LOCAL, 0)
  t.equal(macs.learn(0, 0x5e00_0101, FIRST, 0), MAC_LOCAL, 'but for a virtual router')
})

t.test('addresses of virtual routers move as often as they like', async t => {
  for (const low of [0x5e00_0107, 0x5e00_0207]) {
    const macs = contested(0, low)
    t.equal(macs.lookup(0, low, 1), SECOND)
    t.equal(macs.learn(0, low, FIRST, 2), SECOND)
    t.equal(macs.lookup(0, low, 2), FIRST)
  }
  t.equal(contested(0, 0x5e00_0307).learn(0, 0x5e00_0307, SECOND, 2), MAC_CONTESTED)
})

t.test('an address that comes after a held one in its slot is not held, nor one of whom was forgotten', async t => {
  const aged = contested()
  const later = 2 + MAC_AGE_SECONDS
  aged.learn(0x0242, 1, SECOND, later)
  t.equal(aged.learn(0x0242, 1, FIRST, later), SECOND)
  const forgotten = contested()
  forgotten.forgetPeer(FIRST)
  forgotten.learn(0x0242, 1, SECOND, 3)
  t.equal(forgotten.learn(0x0242, 1, FIRST, 3), SECOND)
  const gone = contested()
  gone.learn(0x0242, 1, SECOND, 2 + MAC_KEPT_SECONDS)
  gone.forgetPeer(FIRST)
  t.equal(gone.learn(0x0242, 1, FIRST, 3 + MAC_KEPT_SECONDS), SECOND, 'the index is another peer by now')
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

t.test('others cannot have a local address forgotten, however many of theirs fall into its bucket', async t => {
  const macs = tableOf(BUCKET_SLOTS)
  macs.learn(0x0200, 10, MAC_LOCAL, 100)
  for (let low = 100; low < 100 + 4 * BUCKET_SLOTS; low++) {
    t.equal(macs.learn(0x0200, low, 7, 101), MAC_UNKNOWN)
    t.equal(macs.lookup(0x0200, low, 101), 7, 'each of them is learned all the same')
  }
  t.equal(macs.lookup(0x0200, 10, 101), MAC_LOCAL)
  t.equal(macs.learn(0x0200, 10, 7, 101), MAC_CONTESTED, 'so it cannot be claimed either')
  const later = 101 + MAC_AGE_SECONDS
  for (let low = 200; low < 200 + BUCKET_SLOTS; low++) macs.learn(0x0200, low, 7, later)
  t.equal(macs.entries(later).length, BUCKET_SLOTS, 'one that aged makes room')
})

t.test('local addresses take each others places, the oldest first, and leave room for those of others', async t => {
  const macs = tableOf(BUCKET_SLOTS)
  for (let low = 0; low < BUCKET_SLOTS; low++) macs.learn(1, low, 5, low)
  for (let low = 0; low < BUCKET_SLOTS; low++) macs.learn(2, low, MAC_LOCAL, 100 + low)
  const locals = () => [...macs.entries(200)].filter(one => one.peer === MAC_LOCAL).map(one => one.mac % 2 ** 32)
  const newest = Array.from({ length: BUCKET_LOCAL_MAX }, (_, i) => BUCKET_SLOTS - BUCKET_LOCAL_MAX + i)
  t.same(
    locals().sort((a, b) => a - b),
    newest,
  )
  macs.learn(3, 1, 5, 150)
  macs.learn(3, 2, 6, 150)
  t.same([macs.lookup(3, 1, 150), macs.lookup(3, 2, 150)], [5, 6])
  t.equal(locals().length, BUCKET_LOCAL_MAX)
  macs.learn(3, 1, MAC_LOCAL, 151)
  t.equal(macs.lookup(3, 1, 151), MAC_LOCAL, 'one that moves here, too')
  t.equal(macs.lookup(2, newest[0]!, 151), MAC_UNKNOWN)
  t.equal(locals().length, BUCKET_LOCAL_MAX)
})

t.test('a key that another lane gave is found in the buffer', async t => {
  const buffer = new ArrayBuffer(MacTable.bytesFor(1024))
  const first = new MacTable(buffer, [0xdead_beef, 0x1234_5678])
  for (let low = 0; low < 100; low++) first.learn(1, low, low, 0)
  const second = new MacTable(buffer)
  for (let low = 0; low < 100; low++) t.equal(second.lookup(1, low, 0), first.lookup(1, low, 0))
  t.ok(first.entries(0).length > 90)
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

const mac = fc.oneof(fc.nat(11), fc.nat(2))
const peer = fc.oneof(fc.constantFrom(0, 1), fc.constantFrom(MAC_LOCAL, 0, 1, 65_535))
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('learn' as const), mac, peer }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('lookup' as const), mac }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), peer }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.nat(400) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.nat(40) }) },
  ),
  { maxLength: 120 },
)

interface Seen {
  peer: number
  at: number
  moves: number
  movedAt: number
  first: number
}

/** The slow way: a Map of what was last seen, never full. */
class SlowTable {
  readonly seen = new Map<number, Seen>()

  lookup(key: number, now: number): number {
    const entry = this.seen.get(key)
    return entry === undefined || now - entry.at > MAC_AGE_SECONDS ? MAC_UNKNOWN : entry.peer
  }

  learn(key: number, peer: number, now: number): number {
    const before = this.lookup(key, now)
    const entry = this.seen.get(key)
    if (entry === undefined || before === MAC_UNKNOWN) {
      this.seen.set(key, { peer, at: now, moves: 0, movedAt: now, first: peer })
      return MAC_UNKNOWN
    }
    if (before !== peer) {
      if (before === MAC_LOCAL) return MAC_CONTESTED
      const rested = now - entry.movedAt
      if (entry.moves === 0 || rested > MAC_SETTLED_SECONDS) Object.assign(entry, { moves: 0, first: before })
      if (entry.moves < MAC_MOVES_MAX && rested > MAC_RETURN_SECONDS) entry.moves = 0
      entry.moves++
      entry.movedAt = now
      if (entry.moves >= MAC_MOVES_MAX && entry.first !== peer && now - entry.at <= MAC_KEPT_SECONDS)
        return MAC_CONTESTED
    }
    Object.assign(entry, { peer, at: now })
    return before
  }

  forget(peer: number): void {
    for (const [key, entry] of this.seen) {
      if (entry.peer === peer) this.seen.delete(key)
      else if (entry.first === peer) entry.moves = 0
    }
  }
}

/** Exactly as the slow way, unless there is too little room: then a place may be forgotten, and no wrong one told. */
function follow(macs: MacTable, run: readonly Step[], isExact: boolean): void {
  const model = new SlowTable()
  const places = new Map<number, Set<number>>()
  let now = 0
  for (const step of run) {
    if (step.do === 'pass') now += step.seconds
    else if (step.do === 'forget') {
      macs.forgetPeer(step.peer)
      model.forget(step.peer)
    } else {
      const low = Math.imul(step.mac, 0x9e37_79b1)
      const expected = step.do === 'learn' ? model.learn(step.mac, step.peer, now) : model.lookup(step.mac, now)
      const found = step.do === 'learn' ? macs.learn(step.mac, low, step.peer, now) : macs.lookup(step.mac, low, now)
      const isRight = isExact ? found === expected : found < 0 || places.get(step.mac)?.has(found) === true
      if (!isRight) throw new Error(`${step.do} of ${step.mac} at ${now}: ${found} instead of ${expected}`)
      if (step.do === 'learn') {
        places.set(step.mac, (places.get(step.mac) ?? new Set()).add(step.peer))
        const isThere = macs.lookup(step.mac, low, now) === step.peer
        if (isThere === (found === MAC_CONTESTED)) throw new Error('learned, or not, against what it said')
      }
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
