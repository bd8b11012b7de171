import t from 'tap'
import { faultOf, faultText, isRefused, NO_ANSWER } from '../../../lib/page/faults.ts'
import { headlineOf } from '../../../lib/page/headline.ts'
import { madeUpStatus } from '../../support/page-answers.ts'

t.test('the head says who this is, and whether it is ready, in words', async t => {
  t.strictSame(headlineOf(madeUpStatus({ hosts: 3, gone: [2] })), {
    host: 'host1',
    isReady: true,
    state: 'Ready: this host gives addresses of 10.32.0.0/12.',
    details: ['mesh 01234567', '3 hosts, 1 not reached', 'closed by a secret', 'weave-ts 0.1.0', 'up 2 h 2 min'],
  })
})

t.test('who is not ready says why', async t => {
  const status = { ...madeUpStatus({ hosts: 1 }), isReady: false }
  const alone = { ...status, mesh: { ...status.mesh, id: null, founding: 'nobody' as const } }
  t.match(headlineOf(alone), { state: /^Not ready\. It is of no mesh: nobody has founded one\.$/ })
  t.match(headlineOf({ ...status, ipam: { ...status.ipam, reason: 'no owner is reached' } }), {
    state: 'Not ready. No owner is reached.',
  })
})

t.test('a daemon that does not answer is told of with what to do', async t => {
  t.match(
    faultText(NO_ANSWER, '12:00:00'),
    /^The daemon does not answer: nothing answers\. See whether .* What is shown is of 12:00:00\. It is tried again all the time\.$/,
  )
  t.notMatch(faultText(NO_ANSWER, ''), 'What is shown')
  const busy = faultOf(503, '{"code":"DAEMON_BUSY","message":"it is busy.","remedy":"wait"}')
  t.match(faultText(busy, ''), 'The daemon does not answer: it is busy. Wait.')
  const strange = faultOf(
    403,
    '{"code":"NO_PERMISSION","message":"no cookie","remedy":"run `weave-ts dashboard` again"}',
  )
  t.match(faultText(strange, ''), 'This page is not let in: no cookie. Run `weave-ts dashboard` again.')
  t.match(faultOf(502, '<html>').message, '502')
  t.match(faultOf(502, 'null').message, '502')
})

t.test('a refusal is told from a failure', async t => {
  t.ok(isRefused(faultOf(403, '{"code":"NO_PERMISSION","message":"no"}')))
  t.notOk(isRefused(NO_ANSWER))
})
