import fc from 'fast-check'
import t from 'tap'
import type { EventView } from '../../../lib/api/mod.ts'
import { renderEvent } from '../../../lib/cli/render-events.ts'
import { sinceOf } from '../../../lib/cli/since.ts'

process.env['TZ'] = 'UTC'
const EVENT: EventView = {
  ...{ seq: 1, time: '2026-01-31T12:00:00.123Z', level: 'info', event: 'link-up', text: '' },
  details: { peer: 'abcdefghijklmnopqrstuvwxyz', nickname: 'h1', endpoint: '192.0.2.1:6783' },
}

t.test('a line says when, what, of whom, and what of it', async t => {
  t.equal(renderEvent(EVENT), '2026-01-31 12:00:00 link-up            abcdefgh(h1) endpoint=192.0.2.1:6783')
  t.match(renderEvent({ ...EVENT, level: 'warn', text: 'down' }), / WARN abcdefgh\(h1\) down endpoint=/)
  const asked = {
    ...{ call: 'attach', request: { target: 'netns:a' }, outcome: 'done' },
    by: { pid: 7, uid: 0, loginUid: 1000, command: 'node' },
  }
  t.equal(
    renderEvent({ ...EVENT, event: 'asked', text: 'attach: done', details: asked }),
    '2026-01-31 12:00:00 asked              attach: done request={"target":"netns:a"} ' +
      'by uid 0, logged in as 1000 (pid 7 node)',
  )
})

t.test('what the text does not say of a change is told beside it', async t => {
  const details = { call: 'attach', outcome: 'done' }
  t.match(renderEvent({ ...EVENT, text: 'attach', details }), /attach call=attach outcome=done$/)
})

t.test('whatever the details are, it is one line', async t => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), details => {
      const line = renderEvent({ ...EVENT, details })
      return line.startsWith('2026-01-31 12:00:00 link-up')
    }),
  )
  t.pass()
})

t.test('--since takes a while or a time', async t => {
  const now = Date.parse('2026-01-31T12:00:00Z')
  t.equal(sinceOf('90s', now), '2026-01-31T11:58:30.000Z')
  t.equal(sinceOf('2h', now), '2026-01-31T10:00:00.000Z')
  t.equal(sinceOf('3d', now), '2026-01-28T12:00:00.000Z')
  t.equal(sinceOf('2026-01-31T11:00:00Z', now), '2026-01-31T11:00:00.000Z')
  t.equal(sinceOf('2026-01-31', now), '2026-01-31T00:00:00.000Z')
  for (const text of ['', 'x', '10', '-1m', '1w', '2026-13-99'])
    t.throws(() => sinceOf(text, now), { code: 'USAGE', message: /--since/ }, text)
})
