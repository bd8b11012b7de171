import t from 'tap'
import { parseCidr } from '../../../lib/address/mod.ts'
import type { CallContext } from '../../../lib/api/mod.ts'
import { IpamService } from '../../../lib/daemon/ipam-service.ts'
import { LEASE_HOLDER } from '../../../lib/ipam/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { nodeRunner } from '../../support/node-fixture.ts'

const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const NOTHING = { look: async () => ({ targets: [], strays: [] }), isBusy: () => false, isOfMesh: () => false }

async function founder(t: { teardown(fn: () => void): unknown }) {
  const { runner } = nodeRunner(t, 'self')
  runner.input((node, now) => node.found(now))
  const cidr = parseCidr('10.32.0.9/24')!
  await runner.requestAddress('netns:a', { type: 'claim', cidr }, context.signal, LEASE_HOLDER.attachment)
  runner.input((node, now) => node.setNames({ container: 'netns:a', addresses: ['10.32.0.9'], names: [] }, now))
  return runner
}

t.test('the map has the whole range, and what is in use of it', async t => {
  const runner = await founder(t)
  runner.node.names.zone.set('x', {
    ...{ owner: peerNumber(7), container: 'far', addresses: ['10.32.0.66', 'fd00::1', '192.0.2.1'], names: [] },
  })
  const map = await new IpamService({ runner, ...NOTHING }).calls.ipam({}, context)
  t.match(map, { range: '10.32.0.0/24', blockPrefix: 26, blockAddresses: 64 })
  t.match(map.outside, [{ address: '192.0.2.1', container: 'far', peer: { id: peerNumber(7) } }])
  t.equal(map.runs.length, 1)
  t.match(map.runs[0], {
    ...{ first: '10.32.0.0', last: '10.32.0.255', blocks: 4, addresses: 256, isSelf: true, isReachable: true },
    ...{ leased: 1, resting: 0, lent: 0, free: 253, barred: 0, told: 2 },
  })
})

t.test('blocks of nobody are shown as such', async t => {
  const { runner } = nodeRunner(t, 'self')
  const { runs } = await new IpamService({ runner, ...NOTHING }).calls.ipam({}, context)
  t.match(runs, [{ blocks: 4, owner: null, isSelf: false, isReachable: false, free: null }])
})

t.test('a check compares what the node knows with what is seen of the host', async t => {
  const runner = await founder(t)
  const target = {
    ...{ key: 'netns:a', holder: LEASE_HOLDER.attachment, description: 'a', cidrs: ['10.32.0.9/24'], ipv6: [] },
    found: { addresses: ['10.32.0.9/24'] },
    ...{ give: () => 'give', take: () => 'take' },
  }
  const check = (targets: readonly (typeof target)[]) =>
    new IpamService({ runner, ...NOTHING, look: async () => ({ targets, strays: [] }) }).calls['ipam-check'](
      {},
      context,
    )
  t.strictSame(await check([target]), { leases: 1, targets: 1, addresses: 1, findings: [] })
  t.match((await check([])).findings, [{ what: /not recorded as having it/ }])
  runner.node.names.zone.set('x', { owner: peerNumber(7), container: 'far', addresses: ['10.32.0.9'], names: [] })
  t.strictSame((await check([target])).findings, [], 'who cannot be reached may be long gone')
  runner.node.addresses.ipam.isOwn = () => false
  t.match((await check([target])).findings, [{ what: /4 blocks are this peer's by the ledger/ }])
})
