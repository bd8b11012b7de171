import t from 'tap'
import { otherPeer } from '../../../lib/daemon/peer-lookup.ts'
import { peerNumber } from '../../support/graphs.ts'
import { nodeReport, peer } from '../../support/node-reports.ts'

const [ONE, TWO] = [peerNumber(1), peerNumber(2)]
const report = nodeReport({ peers: [peer(1), peer(2), peer(3, { nickname: 'n2' })] })
const lookUp = (text: string, at: readonly string[] | undefined = undefined) =>
  otherPeer(text, report, () => at as never)

t.test('a peer is found by nickname, id, how that begins, and an address behind it', async t => {
  t.equal(lookUp('n1'), ONE)
  t.equal(lookUp(TWO), TWO)
  t.equal(lookUp(ONE.slice(0, 8)), ONE)
  t.equal(lookUp('10.32.0.1', [TWO]), TWO)
})

t.test('what is nobody, too many or this peer is refused', async t => {
  t.throws(() => lookUp('nobody'), { code: 'PEER_UNKNOWN' })
  t.throws(() => lookUp(ONE.slice(0, 3)), { code: 'PEER_UNKNOWN' }, 'too short')
  t.throws(() => lookUp('n2'), { code: 'BAD_PEER', message: /2 peers/ })
  t.throws(() => lookUp('10.32.0.1', [ONE, TWO]), { code: 'BAD_PEER' })
  t.throws(() => lookUp('self'), { code: 'BAD_PEER', message: /this peer itself/ })
})
