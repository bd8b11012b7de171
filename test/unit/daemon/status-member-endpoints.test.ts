import t from 'tap'
import { memberEndpoints } from '../../../lib/daemon/status/member-endpoints.ts'
import type { PeerInfo } from '../../../lib/topology/mod.ts'
import { endpoint, linked, peer } from '../../support/node-reports.ts'

const told = (...texts: string[]) => ({ endpoints: texts.map(endpoint) }) as unknown as PeerInfo

t.test('of each member that is reached one endpoint: where it was dialled, or else the first that it tells of', t => {
  const { neighbours } = linked(1)
  const inbound = linked(2, { isOutbound: false }).neighbours
  const peers = [
    peer(1, { info: told('203.0.113.1', '203.0.113.2') }),
    peer(2, { info: told('[fe80::2]:6783', '203.0.113.3') }),
    peer(3, { info: told('203.0.113.4'), isReachable: false }),
    peer(4),
    peer(5, { info: told() }),
    peer(6, { info: told('203.0.113.3') }),
  ]
  t.strictSame(memberEndpoints({ peers, neighbours: [...neighbours, ...inbound] }), [
    '192.0.2.1:6783',
    '203.0.113.3:6783',
  ])
  t.end()
})

t.test('they are sixteen at most', t => {
  const peers = Array.from({ length: 40 }, (_, number) => peer(number, { info: told(`203.0.113.${number}`) }))
  const found = memberEndpoints({ peers, neighbours: [] })
  t.strictSame([found.length, found[0]], [16, '203.0.113.0:6783'])
  t.end()
})
