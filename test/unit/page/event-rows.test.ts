import t from 'tap'
import { isNews, withEvents } from '../../../lib/page/event-rows.ts'
import { madeUpEvents } from '../../support/page-answers.ts'

t.test('the newest comes first, and what came before is not told twice', async t => {
  const events = madeUpEvents()
  const rows = withEvents(withEvents([], events.slice(0, 3)), events)
  t.strictSame(
    rows.map(({ seq }) => seq),
    [5, 4, 3, 2, 1],
  )
  t.match(rows, [
    { kind: 'asked', text: 'attach: done call=attach by uid 0 (node)' },
    { level: 'warn', text: 'host2 the other side was silent for 10 s' },
    { text: 'host2 direct rttMs=0.6' },
    {},
    { text: 'weave-ts 0.1.0 is up' },
  ])
})

t.test('no more are kept than can be shown', async t => {
  const [event] = madeUpEvents()
  const many = Array.from({ length: 1_200 }, (_, i) => ({ ...event!, seq: i + 1 }))
  const rows = withEvents([], many)
  t.equal(rows.length, 500)
  t.equal(rows[0]!.seq, 1_200)
})

t.test('what was asked for is no news by itself: what comes of it is', async t => {
  t.notOk(isNews({ event: 'asked' }))
  t.ok(isNews({ event: 'link-down' }))
})

t.test('details of any kind, and texts with spaces, can be read', async t => {
  const [event] = madeUpEvents()
  const details = { peer: 'abcdefgh234567', why: 'two words', list: [1, 'a'], none: null, by: 'nobody' }
  t.equal(withEvents([], [{ ...event!, text: 'said', details }])[0]!.text, 'abcdefgh said why="two words" list=[1,"a"]')
})
