import t from 'tap'
import { dockerFindings, resolverFindings } from '../../../lib/doctor/container-checks.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'
import { shortOf } from './reports.ts'

const { docker, driver, dns } = SERVICE_FIELDS

t.test('Docker is a problem where it is missed', async t => {
  const of = (parts: Partial<typeof docker>, more: Partial<typeof driver> = {}) =>
    dockerFindings({ docker: { ...docker, ...parts }, driver: { ...driver, ...more } })
  t.strictSame(shortOf(of({})), ['docker ok', 'networks ok'])
  t.strictSame(shortOf(of({ state: 'absent' })), ['docker ok', 'networks ok'])
  t.strictSame(shortOf(of({ state: 'absent', isExpected: true })), ['docker warning', 'networks ok'])
  t.strictSame(shortOf(of({ state: 'absent', containers: 2 })), ['docker problem', 'networks ok'])
  t.strictSame(shortOf(of({ state: 'unreachable' })), ['docker warning', 'networks ok'])
  t.strictSame(shortOf(of({ waiting: 1 })), ['docker ok', 'attachments warning', 'networks ok'])
  t.strictSame(shortOf(of({ state: 'off' }, { state: 'off' })), ['docker ok'])
  t.match(of({}, { state: 'failed', why: 'EACCES' })[1], { verdict: 'problem', found: /not served .*: EACCES/ })
})

t.test('the resolver needs a place to answer at, and servers that answer', async t => {
  const of = (parts: Partial<typeof dns>) => resolverFindings({ dns: { ...dns, upstream: ['192.0.2.53'], ...parts } })
  const queries = (forwarded: number, failed: number) => ({ queries: { ...dns.queries, forwarded, failed } })
  t.match(of({}), [{ verdict: 'ok', found: /answered at 10\.32\.0\.9:53; others are asked of 192\.0\.2\.53/ }])
  t.match(of({ isOn: false }), [{ verdict: 'ok', found: /--no-dns/ }])
  t.match(of({ listening: [] }), [{ verdict: 'warning', remedy: /weave-ts expose/ }])
  t.match(of({ upstream: [] }), [{ verdict: 'warning', remedy: /--resolv-conf/ }])
  t.match(of(queries(10, 5)), [{ verdict: 'warning', found: /of 10 questions .* left 5 without an answer/ }])
  t.match(of(queries(10, 4)), [{ verdict: 'ok' }])
})
