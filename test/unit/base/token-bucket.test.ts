import t from 'tap'
import fc from 'fast-check'
import { TokenBucket } from '../../../lib/base/mod.ts'

t.test('gives its burst at once, then its rate', async t => {
  const bucket = new TokenBucket(100, 10)
  t.equal(bucket.available(5000), 100)
  t.ok(bucket.take(60, 5000))
  t.notOk(bucket.take(41, 5000), 'all or nothing')
  t.ok(bucket.take(40, 5000))
  t.notOk(bucket.take(1, 5000))
  t.equal(bucket.available(5100), 1)
  t.ok(bucket.take(1, 5100))
  t.equal(bucket.available(60_000), 100, 'and never holds more than its burst')
})

t.test('says when so much is there', async t => {
  const bucket = new TokenBucket(100, 10)
  t.equal(bucket.nextAt(100, 0), 0)
  bucket.take(100, 0)
  t.equal(bucket.nextAt(0, 0), 0)
  t.equal(bucket.nextAt(1, 0), 100)
  t.equal(bucket.nextAt(25, 0), 2500)
  t.equal(bucket.nextAt(25, 1000), 2500)
  t.equal(bucket.nextAt(25, 2500), 2500)
  t.equal(bucket.nextAt(1000, 0), 10_000, 'more than it can hold: when it is full')
})

t.test('time that stands still or goes backwards gives nothing', async t => {
  const bucket = new TokenBucket(10, 10)
  t.ok(bucket.take(10, 1000))
  t.equal(bucket.available(500), 0)
  t.equal(bucket.available(1000), 0)
  t.equal(bucket.available(1100), 1)
})

t.test('what is taken over any stretch of time is at most the burst and the rate', async t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.array(fc.tuple(fc.nat({ max: 500 }), fc.nat({ max: 1200 })), { maxLength: 60 }),
      (capacity, rate, steps) => {
        const bucket = new TokenBucket(capacity, rate)
        let now = 0
        let taken = 0
        for (const [wait, amount] of steps) {
          now += wait
          const at = bucket.nextAt(amount, now)
          const isTaken = bucket.take(amount, now)
          if (isTaken !== (at === now && amount <= capacity)) return false
          if (isTaken) taken += amount
        }
        return taken <= capacity + (now * rate) / 1000 + 1e-6
      },
    ),
  )
  t.pass('for all that was tried')
})

t.test('a wait until nextAt is long enough, and one millisecond less is not', async t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 1000 }),
      (capacity, rate, wanted) => {
        const amount = Math.min(wanted, capacity)
        const bucket = new TokenBucket(capacity, rate)
        bucket.take(capacity, 0)
        const at = bucket.nextAt(amount, 0)
        return !bucket.take(amount, at - 1) && bucket.take(amount, at)
      },
    ),
  )
  t.pass('for all that was tried')
})
