import t from 'tap'
import { agreementFindings, dialBackFindings } from '../../../lib/doctor/neighbour-words.ts'
import { peerNumber } from '../../support/graphs.ts'
import { shortOf } from './reports.ts'

const peer = { id: peerNumber(1), nickname: 'n1' }

t.test('clocks that are seconds apart are a doubt, with by how much; a slow answer alone is not', async t => {
  const of = (aheadMs: number, withinMs = 1) => agreementFindings([{ peer, aheadMs, withinMs }])
  t.strictSame(agreementFindings([]), [], 'nobody answered')
  t.match(of(75_400), [
    { check: 'clock', verdict: 'warning', peer, found: /\(n1\) is 75 s ahead of that/, remedy: /date -u/ },
  ])
  t.match(of(-3_000), [{ verdict: 'warning', found: /is 3 s behind that of this host/ }])
  t.match(of(2_000), [{ verdict: 'ok', found: /clock of 1 neighbour and of this host agree within 2 s/ }])
  t.strictSame(shortOf(of(2_900, 1_000)), ['clock ok'])
  const mixed = [9_000, 5, -6].map(aheadMs => ({ peer, aheadMs, withinMs: 1 }))
  t.match(agreementFindings(mixed), [{ verdict: 'warning' }, { found: /^the clocks of 2 neighbours/ }])
})

t.test('a neighbour that cannot dial this host is a doubt with what to open', async t => {
  const of = (why: string | null) => dialBackFindings([{ peer, endpoint: '192.0.2.2:6783', why }], 6783)
  t.match(of(null), [{ check: 'tcp', verdict: 'ok', peer, found: /\(n1\) was asked .* reaches 192\.0\.2\.2:6783/ }])
  t.match(of('timed out after 2 s'), [
    {
      verdict: 'warning',
      found: /does not reach 192\.0\.2\.2:6783: timed out after 2 s/,
      remedy: /let TCP port 6783 through the firewall of this host/,
    },
  ])
})
