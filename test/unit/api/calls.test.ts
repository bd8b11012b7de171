import t from 'tap'
import { BODIES } from '../../../lib/api/bodies.ts'
import { deadlineOf } from '../../../lib/api/calls.ts'
import { CALLS, CALL_NAMES, type Call } from '../../../lib/api/mod.ts'

t.test('no two calls share a method and path; what reads only takes nothing', t => {
  const places = CALL_NAMES.map(name => `${CALLS[name].method} ${CALLS[name].path}`)
  t.equal(new Set(places).size, places.length)
  for (const name of CALL_NAMES) {
    const { method, deadlineMs, description }: Call = CALLS[name]
    if (method === 'GET') t.strictSame(BODIES[name].request.parse({ anything: 1 }), {}, `${name} takes nothing`)
    t.ok(deadlineMs > 0 && Number.isInteger(deadlineMs), `${name} has a deadline`)
    t.match(description, /^[a-z].*[^.\n]$/, `${name} is described`)
  }
  t.end()
})

t.test('what the caller lets it wait comes on top of the deadline', t => {
  t.equal(deadlineOf(CALLS.attach, { target: 'netns:a' }), CALLS.attach.deadlineMs)
  t.equal(deadlineOf(CALLS.attach, { target: 'netns:a', timeoutSeconds: 90.5 }), CALLS.attach.deadlineMs + 90_500)
  t.equal(deadlineOf(CALLS.status, undefined), CALLS.status.deadlineMs)
  t.end()
})
