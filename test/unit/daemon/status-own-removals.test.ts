import t from 'tap'
import { Names } from '../../../lib/daemon/status/names.ts'
import { ownRemovalWarnings } from '../../../lib/daemon/status/own-removals.ts'
import { peerNumber } from '../../support/graphs.ts'
import { NOW, linked, nodeReport } from '../../support/node-reports.ts'

t.test('a host that was removed while it was away is told by whom, for an hour', t => {
  const report = nodeReport(linked(1))
  const told = (agoMs: number) => {
    const ownRemovals = [{ author: peerNumber(1), blocks: 7, heardAt: NOW - agoMs }]
    return ownRemovalWarnings({ parts: { addresses: ownRemovals } }, new Names(report), NOW)
  }
  t.match(told(59_000), [
    /removed by \w+\(n1\) \(rmpeer\) .* heard less than a minute ago: 7 address blocks of it are that/,
  ])
  t.match(told(61_000), [/heard 1 minute ago/])
  t.strictSame(told(3_600_000), [])
  t.strictSame(ownRemovalWarnings(report, new Names(report), NOW), [])
  t.end()
})
