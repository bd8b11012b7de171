import t from 'tap'
import { DOUBLE_LASTS_MS, DOUBLE_MET_LASTS_MS } from '../../../lib/node/constants.ts'
import { Double } from '../../../lib/node/double.ts'
import { encodePeerInfo } from '../../../lib/topology/mod.ts'
import { RECORD_KIND, type LedgerRecord } from '../../../lib/wire/mod.ts'
import { peerNumber } from '../../support/graphs.ts'

const OWN = new Uint8Array(8).fill(1)

function record(kind: number, value: Uint8Array): LedgerRecord {
  const signature = new Uint8Array(64)
  return { owner: peerNumber(1), kind, key: new Uint8Array(0), seq: 1, isTombstone: false, value, signature }
}

function peerRecord(incarnation: string, nickname: string): LedgerRecord {
  const info = { incarnation, nickname, softwareVersion: '1', protocolVersion: 1, udpPort: 1, capabilities: 0 }
  return record(RECORD_KIND.peer, encodePeerInfo({ ...info, endpoints: [] }))
}

t.test('records that another process wrote are a sign, and tell who it is when they can', async t => {
  const double = new Double()
  t.equal(double.hold, undefined)
  t.equal(double.handleRecords([record(RECORD_KIND.links, new Uint8Array(3))], OWN, 0), true)
  t.match(double.report?.text, /on an unknown host/)
  t.equal(double.handleRecords([peerRecord('22'.repeat(8), 'copy')], OWN, 10), false, 'no news')
  t.match(double.report, { nickname: 'copy', incarnation: '22'.repeat(8), text: /on copy \(incarnation 2222/ })
  t.match(double.hold, { reason: /another process has the identity of this peer, on copy/, remedy: /weave-ts reset/ })
  double.handleRecords([peerRecord('01'.repeat(8), 'self'), record(RECORD_KIND.peer, OWN)], OWN, 20)
  t.match(double.report, { nickname: 'copy' }, 'an old record of this very process, and a broken one, tell nothing')
})

t.test('it is over when nothing was heard of it for a while; longer when it was met on a link', async t => {
  const double = new Double()
  double.handleRecords([], OWN, 0)
  t.equal(double.handleTimeout(DOUBLE_LASTS_MS - 1), false)
  t.equal(double.handleTimeout(DOUBLE_LASTS_MS), true)
  t.equal(double.hold, undefined)
  t.equal(double.handleMet('copy', '10.0.0.2:6783', new Uint8Array(8).fill(2), 1_000), true)
  double.handleRecords([], OWN, 1_500)
  t.equal(double.until, 1_000 + DOUBLE_MET_LASTS_MS, 'what ends earlier does not shorten it')
  t.match(double.report?.text, /on copy at 10\.0\.0\.2:6783 \(incarnation 0202/)
})
