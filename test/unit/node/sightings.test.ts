import t from 'tap'
import { Sightings } from '../../../lib/node/sightings.ts'

t.test('what comes again in time is no news, and keeps when it began; its facts are the last', async t => {
  const seen = new Sightings<{ fact: number }>(4, 100)
  t.ok(seen.note('a', { fact: 1 }, 0))
  t.notOk(seen.note('a', { fact: 2 }, 99))
  t.notOk(seen.note('a', { fact: 3 }, 198))
  t.same(seen.report(297), [{ fact: 3, since: 0, lastAt: 198 }])
  t.same(seen.report(298), [], 'it is over')
  t.ok(seen.note('a', { fact: 4 }, 298))
  t.same(seen.report(298), [{ fact: 4, since: 298, lastAt: 298 }])
})

t.test('remembers so many, and forgets the one that was seen least recently', async t => {
  const seen = new Sightings<{ fact: string }>(2, 100)
  for (const key of ['a', 'b', 'a', 'c']) seen.note(key, { fact: key }, 0)
  t.same(
    seen.report(0).map(({ fact }) => fact),
    ['a', 'c'],
  )
  t.ok(seen.note('b', { fact: 'b' }, 0), 'what was forgotten is new')
})
