import fc from 'fast-check'
import t from 'tap'
import { SourceLimiter } from '../../../lib/io/source-limiter.ts'

const LIMITS = { burst: 20, perSecond: 5, sourcesMax: 8 }
const allowed = (limiter: SourceLimiter, address: string, tries: number, now: number) =>
  Array.from({ length: tries }, () => limiter.allow(address, now)).filter(Boolean).length

t.test('gives a burst, then the rate', t => {
  const limiter = new SourceLimiter(LIMITS)
  t.equal(allowed(limiter, '10.0.0.1', 50, 1000), 20)
  t.equal(allowed(limiter, '10.0.0.1', 50, 1199), 0)
  t.equal(allowed(limiter, '10.0.0.1', 50, 1201), 1)
  t.equal(allowed(limiter, '10.0.0.1', 50, 3201), 10)
  t.equal(allowed(limiter, '10.0.0.1', 50, 99_999), 20)
  t.end()
})

for (const [a, b, isOne] of [
  ['10.0.0.1', '10.0.0.2', false],
  ['10.0.0.1', '::ffff:10.0.0.1', true],
  ['fd00::1', 'fd00::ffff:1', true],
  ['fd00::1', 'fd00:0:0:1::1', false],
  ['fe80::1%eth0', 'fe80::2%eth1', true],
] as const) {
  t.test(`${a} and ${b} are ${isOne ? 'one source' : 'two sources'}`, t => {
    const limiter = new SourceLimiter(LIMITS)
    allowed(limiter, a, 20, 0)
    t.equal(limiter.allow(b, 0), !isOne)
    t.end()
  })
}

t.test('holds a bounded number of sources and forgets the one unused for longest', t => {
  const limiter = new SourceLimiter(LIMITS)
  allowed(limiter, '10.0.0.1', 20, 0)
  for (let i = 2; i <= 8; i++) limiter.allow(`10.0.0.${i}`, 0)
  t.equal(limiter.allow('10.0.0.1', 0), false)
  limiter.allow('10.0.0.9', 0)
  t.equal(limiter.size, 8)
  t.equal(limiter.allow('10.0.0.1', 0), false, 'used a moment ago, so still known')
  t.end()
})

t.test('never lets more through than burst and rate permit', t => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 300 }), gaps => {
      const limiter = new SourceLimiter(LIMITS)
      let now = 0
      let passed = 0
      for (const gap of gaps) {
        now += gap
        if (limiter.allow('10.0.0.1', now)) passed++
        t.ok(passed <= LIMITS.burst + (now * LIMITS.perSecond) / 1000 + 1e-6)
      }
    }),
    { numRuns: 30 },
  )
  t.end()
})
