import t from 'tap'
import { PathProbes } from '../../../lib/node/path-probes.ts'
import { seededChance } from '../../support/seeded-chance.ts'

function probes(limit = 4) {
  return new PathProbes<{ readonly to: string }>(seededChance(1), limit)
}

t.test('knows by its token which probe is answered and when it was sent, once', t => {
  const sent = probes()
  const one = sent.add({ to: 'one' }, 10)
  const two = sent.add({ to: 'two' }, 20)
  t.same(sent.take(two), { to: 'two', sentAt: 20 })
  t.equal(sent.take(two), undefined)
  t.same(sent.take(one), { to: 'one', sentAt: 10 })
  t.end()
})

t.test('knows no token that it did not give, and none after it was cleared', t => {
  const sent = probes()
  const token = sent.add({ to: 'one' }, 10)
  t.equal(sent.take((token + 1) % 0x1_0000_0000), undefined)
  sent.clear()
  t.equal(sent.take(token), undefined)
  t.end()
})

t.test('gives tokens of 32 bits', t => {
  for (const chance of [0, 0.5, 1 - 2 ** -53]) {
    const token = new PathProbes(() => chance, 1).add({}, 0)
    t.equal(token >>> 0, token)
  }
  t.end()
})

t.test('forgets the oldest to make room', t => {
  const sent = probes(2)
  const [one, two, three] = ['one', 'two', 'three'].map((to, at) => sent.add({ to }, at)) as [number, number, number]
  t.equal(sent.take(one), undefined)
  t.match(sent.take(two), { to: 'two' })
  t.match(sent.take(three), { to: 'three' })
  t.end()
})

t.test('looks among those that are awaited only', t => {
  const sent = probes()
  const token = sent.add({ to: 'one' }, 10)
  t.equal(
    sent.some(({ to, sentAt }) => to === 'one' && sentAt === 10),
    true,
  )
  t.equal(
    sent.some(({ to }) => to === 'two'),
    false,
  )
  sent.take(token)
  t.equal(
    sent.some(() => true),
    false,
  )
  t.end()
})
