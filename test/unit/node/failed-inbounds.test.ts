import t from 'tap'
import type { Endpoint } from '../../../lib/address/mod.ts'
import { FAILED_INBOUND_MAX, FAILED_INBOUND_SHOWN_MS } from '../../../lib/node/constants.ts'
import { FailedInbounds } from '../../../lib/node/failed-inbounds.ts'

const failed = (endpoint: string, at: number, error = 'another secret') => ({
  endpoint: endpoint as Endpoint,
  error,
  at,
})

t.test('of each host the last failure is kept, whatever its port', t => {
  const all = new FailedInbounds()
  all.add(failed('192.0.2.1:1000', 0, 'first'))
  all.add(failed('[2001:db8::1]:1000', 1))
  all.add(failed('192.0.2.1:2000', 2, 'second'))
  all.add(failed('[2001:db8::1]:2000', 3))
  t.match(all.shown(3), [
    { endpoint: '192.0.2.1:2000', error: 'second' },
    { endpoint: '[2001:db8::1]:2000', at: 3 },
  ])
  t.equal(all.shown(3).length, 2)
  t.end()
})

t.test('a failure is shown for a while', t => {
  const all = new FailedInbounds()
  all.add(failed('192.0.2.1:1000', 5))
  t.equal(all.shown(5 + FAILED_INBOUND_SHOWN_MS - 1).length, 1)
  t.equal(all.shown(5 + FAILED_INBOUND_SHOWN_MS).length, 0)
  t.end()
})

t.test('the oldest is forgotten where there are too many', t => {
  const all = new FailedInbounds()
  for (let i = 0; i <= FAILED_INBOUND_MAX; i++) all.add(failed(`192.0.2.${i}:1000`, i))
  const shown = all.shown(FAILED_INBOUND_MAX)
  t.equal(shown.length, FAILED_INBOUND_MAX)
  t.equal(shown[0]!.endpoint, '192.0.2.1:1000')
  t.end()
})

t.test('a host that has come through since is no failure', t => {
  const all = new FailedInbounds()
  all.add(failed('192.0.2.1:1000', 0))
  all.add(failed('192.0.2.11:1000', 1))
  all.forget('192.0.2.1:2000' as Endpoint)
  t.match(all.shown(2), [{ endpoint: '192.0.2.11:1000' }])
  t.equal(all.shown(2).length, 1)
  t.end()
})
