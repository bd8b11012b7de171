import t from 'tap'
import { adviceText } from '../../../lib/base/mod.ts'
import { disputeAdvice } from '../../../lib/daemon/status/disputes.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import type { NodeReport } from '../../../lib/node/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { nodeReport, peer } from '../../support/node-reports.ts'

const [near, away] = [peerNumber(1), peerNumber(2)]
const lease = { container: 'netns:x', cidr: '10.32.0.1/28' }

function warningsOf(...disputed: NodeReport['ipam']['disputed'][number][]): string[] {
  const report = nodeReport({ peers: [peer(1), peer(2, { isReachable: false })] })
  return disputeAdvice({ ...report, ipam: { ...report.ipam, disputed } }, new Names(report)).map(adviceText)
}

t.test('while an owner is asked to lend an address nobody is told to detach it', async t => {
  const [said, ...others] = warningsOf(
    { ...lease, owner: near, isAsked: true },
    { ...lease, owner: near, isAsked: true },
  )
  t.match(said, /^10\.32\.0\.1\/28 of netns:x and 1 more: to be lent, .*\(n1\), who is being asked .*nothing has to/)
  t.strictSame(others, [])
  t.notMatch(said, /detach/)
  t.match(warningsOf({ ...lease, owner: away, isAsked: true }), [/\(n2\), who is asked to lend it once it is reached/])
})

t.test(
  'what an owner does not lend is disputed, and what another peer has in use too is said at the owner',
  async t => {
    t.match(warningsOf({ ...lease, owner: near }), [
      /disputed, .*\(n1\), who does not lend it; detach it and attach it anew/,
    ])
    t.match(warningsOf(lease), [/nobody that is known; detach it/])
    t.match(warningsOf({ ...lease, usedBy: near }), [
      /disputed, for .*\(n1\) says that it has it in use too; detach one/,
    ])
    t.equal(warningsOf(lease, { ...lease, usedBy: near }, { ...lease, owner: near, isAsked: true }).length, 3)
  },
)
