import fc from 'fast-check'
import t from 'tap'
import { EventView } from '../../../lib/api/mod.ts'
import { EVENTS_KEPT, EVENT_DETAILS_BYTES_MAX, EventBook } from '../../../lib/daemon/event-book.ts'

const TIME = '2026-01-31T12:00:00.000Z'
const FIRST = Date.parse(TIME)
const line = (fields: object) => `${JSON.stringify({ level: 30, time: TIME, ...fields })}\n`

t.test('lines of the log become events, from info on', async t => {
  const kept: EventView[] = []
  const book = new EventBook([], event => void kept.push(event))
  book.takeLine(line({ event: 'link-up', peer: 'p', msg: 'link-up' }))
  book.takeLine(line({ level: 20, event: 'step', msg: 'starting' }))
  book.takeLine(line({ level: 40, event: 'path', text: 'path down', msg: 'path' }))
  book.takeLine(line({ msg: 'of no kind' }))
  book.takeLine(line({ level: 60, event: 'fatal', error: 'x', msg: 'cannot go on' }))
  const expected = [
    { seq: FIRST, time: TIME, level: 'info', event: 'link-up', text: '', details: { peer: 'p' } },
    { seq: FIRST + 1, time: TIME, level: 'warn', event: 'path', text: 'path down', details: {} },
    { seq: FIRST + 2, time: TIME, level: 'fatal', event: 'fatal', text: 'cannot go on', details: { error: 'x' } },
  ]
  t.strictSame(book.list(), expected)
  t.strictSame(kept, expected)
})

t.test('numbers go on over a restart, whatever was kept', async t => {
  const first = new EventBook()
  for (let i = 0; i < 3; i++) first.takeLine(line({ event: 'a', msg: String(i) }))
  const [one, two, three] = first.list() as [EventView, EventView, EventView]
  const damaged = ['nonsense', null, { ...two, seq: -1 }, { seq: 9 }, { ...two, seq: Number.MAX_SAFE_INTEGER }]
  const again = new EventBook([one, three, two, ...damaged])
  t.strictSame(again.list(), [one, three], 'time does not turn back')
  again.takeLine(line({ event: 'b' }))
  t.equal(again.list().at(-1)?.seq, three.seq + 1, 'also where the clock stands')
})

t.test('those behind a number, since a time, and of many the newest', async t => {
  const book = new EventBook()
  for (let i = 0; i < 10; i++) book.takeLine(line({ event: 'a', time: `2026-01-31T12:00:0${i}.000Z` }))
  const numbers = (given: object) => book.list(given).map(({ seq }) => seq)
  const at = (second: number) => FIRST + 1_000 * second
  t.strictSame(numbers({ after: at(7) }), [at(8), at(9)])
  t.strictSame(numbers({ since: '2026-01-31T12:00:07.500Z' }), [at(8), at(9)])
  t.strictSame(numbers({ since: '2026-01-31T12:00:09Z' }), [at(9)], 'with and without fractions')
  t.strictSame(numbers({ limit: 2 }), [at(8), at(9)])
  t.strictSame(numbers({ after: at(9) }), [])
})

t.test('what is kept is bounded, in number and each', async t => {
  const book = new EventBook()
  for (let i = 0; i < 3 * EVENTS_KEPT; i++) book.takeLine(line({ event: 'a' }))
  t.equal(book.list().length, EVENTS_KEPT)
  t.equal(book.list().at(-1)?.seq, FIRST + 3 * EVENTS_KEPT - 1)
  book.takeLine(line({ event: 'big', msg: 'm'.repeat(9_000), stack: 's'.repeat(EVENT_DETAILS_BYTES_MAX) }))
  const last = book.list().at(-1)!
  t.strictSame([last.details, last.text.length], [{}, EVENT_DETAILS_BYTES_MAX])
})

t.test('watchers hear of each until they end', async t => {
  const book = new EventBook()
  const heard: number[] = []
  const end = book.watch(({ seq }) => void heard.push(seq))
  book.takeLine(line({ event: 'a' }))
  end()
  book.takeLine(line({ event: 'a' }))
  t.strictSame(heard, [FIRST])
})

t.test('whatever was in the file, all that is told follows the schema', async t => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), past => {
      const book = new EventBook(past)
      book.takeLine(line({ event: 'a' }))
      return book.list().every(event => EventView.safeParse(event).success)
    }),
  )
  t.pass()
})
