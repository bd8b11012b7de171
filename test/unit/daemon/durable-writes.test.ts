import fc from 'fast-check'
import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { PENDING_WRITES_BYTES_MAX } from '../../../lib/daemon/constants.ts'
import { DurableWrites } from '../../../lib/daemon/durable-writes.ts'

const full = () => new WeaveError('STATE_IO', 'the disk is full', 'make room')

/** A disk that can be made to refuse. */
function disk() {
  const stored = new Map<string, Uint8Array>()
  const self = {
    stored,
    writes: 0,
    refusal: undefined as Error | undefined,
    fullness: undefined as string | undefined,
    tended: 0,
    writer: undefined as unknown as DurableWrites,
  }
  self.writer = new DurableWrites({
    persist(puts, deletes) {
      if (self.refusal !== undefined) throw self.refusal
      self.writes++
      for (const [key, value] of puts) stored.set(key, value)
      for (const key of deletes) stored.delete(key)
    },
    store: {
      get fullness() {
        return self.fullness
      },
      tend: () => void self.tended++,
    },
  })
  return self
}

t.test('what the disk refused goes with the next write, in one, and the last word counts', async t => {
  const d = disk()
  d.writer.write([['a', Uint8Array.of(1)]], [])
  t.equal(d.writer.trouble, undefined)
  d.refusal = full()
  d.writer.write([['b', Uint8Array.of(1)]], ['a'])
  d.writer.write([['b', Uint8Array.of(2)]], [])
  t.equal(d.writer.failure?.code, 'STATE_IO')
  t.match(d.writer.trouble?.message, 'the disk is full')
  t.strictSame([...d.stored], [['a', Uint8Array.of(1)]])
  d.refusal = undefined
  d.writer.write([['c', Uint8Array.of(3)]], [])
  t.equal(d.writes, 2)
  t.equal(d.writer.failure, undefined)
  t.strictSame(
    [...d.stored],
    [
      ['b', Uint8Array.of(2)],
      ['c', Uint8Array.of(3)],
    ],
  )
})

t.test('a look tries again what waits', async t => {
  const d = disk()
  d.refusal = full()
  d.writer.write([['a', Uint8Array.of(1)]], [])
  d.writer.tend(1_000)
  t.ok(d.writer.failure)
  d.refusal = undefined
  d.writer.tend(2_000)
  t.equal(d.writer.failure, undefined)
  t.ok(d.stored.has('a'))
  t.equal(d.tended, 2)
})

t.test('a store without reserve is trouble, though nothing was refused', async t => {
  const d = disk()
  d.fullness = 'no reserve: 12 bytes free'
  t.match(d.writer.trouble, { code: 'STATE_IO', message: /12 bytes free/ })
  t.equal(d.writer.failure, undefined)
})

t.test('what is no refusal of the disk is thrown, and so is a refusal when too much waits', async t => {
  const d = disk()
  d.refusal = new WeaveError('STATE_DAMAGED', 'damaged', 'restore')
  t.throws(() => d.writer.write([['a', new Uint8Array(1)]], []), { code: 'STATE_DAMAGED' })
  d.refusal = full()
  const chunk = new Uint8Array(1024 * 1024)
  for (let i = 0; i < 15; i++) d.writer.write([[`k${i}`, chunk]], [])
  for (let i = 0; i < 100; i++) d.writer.write([['k0', chunk]], [])
  t.throws(
    () => {
      for (let i = 15; i < 20; i++) d.writer.write([[`k${i}`, chunk]], [])
    },
    { code: 'STATE_IO' },
  )
  t.equal(PENDING_WRITES_BYTES_MAX, 16 * 1024 * 1024)
})

t.test('whenever the disk refuses, in the end it holds what a disk holds that never did', async t => {
  const key = fc.constantFrom('a', 'b', 'c')
  const step = fc.record({
    puts: fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 3 })), { maxLength: 3 }),
    deletes: fc.array(key, { maxLength: 2 }),
    isRefused: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), steps => {
      const [real, ideal] = [disk(), disk()]
      for (const { puts, deletes, isRefused } of steps) {
        real.refusal = isRefused ? full() : undefined
        real.writer.write(puts, deletes)
        ideal.writer.write(puts, deletes)
      }
      real.refusal = undefined
      real.writer.tend(0)
      t.strictSame([...real.stored].sort(), [...ideal.stored].sort())
    }),
    { numRuns: 100 },
  )
})
