import t from 'tap'
import type { BlockRunView } from '../../../lib/api/mod.ts'
import { renderIpamCheck, renderIpamMap } from '../../../lib/cli/render-ipam.ts'
import { peerNumber } from '../../support/graphs.ts'

const run = (rest: Partial<BlockRunView>): BlockRunView => ({
  ...{ first: '10.32.0.0', last: '10.39.255.255', blocks: 8192, addresses: 524_288, isSelf: true, isReachable: true },
  ...{ owner: { id: peerNumber(1), nickname: 'h1' }, leased: 0, resting: 0, lent: 0, free: null, barred: 0, told: 0 },
  ...rest,
})

t.test('a run is a line with its owner and what is known of it, and fits a terminal', t => {
  const text = renderIpamMap({
    ...{ range: '10.32.0.0/12', blockPrefix: 26, blockAddresses: 64 },
    runs: [
      run({ leased: 2, resting: 1, told: 2, free: 524_285 }),
      run({
        first: '10.40.0.0',
        owner: { id: peerNumber(2), nickname: 'other' },
        isSelf: false,
        isReachable: false,
        told: 7,
      }),
      run({ first: '10.47.0.0', owner: null, isSelf: false, isReachable: false, addresses: 64 }),
      run({ barred: 64, lent: 2, free: 0 }),
    ],
    outside: [{ address: '10.48.0.1', container: 'netns:c', peer: { id: peerNumber(2), nickname: 'other' } }],
  })
  const lines = text.split('\n')
  t.equal(lines[0], '10.32.0.0/12 in /26 blocks')
  t.match(lines[1], /^10\.32\.0\.0-10\.39\.255\.255 524288 \w{8}\(h1\) {4}2 in use, 2 here, 1 resting, 524285 free$/)
  t.match(lines[2], /^10\.40\.0\.0-10\.39\.255\.255 524288 \w{8}\(other\) unreachable! 7 in use$/)
  t.match(lines[3], /64 nobody +0 in use$/)
  t.match(lines[4], /0 in use, 2 lent, 64 held back, 0 free$/)
  t.match(lines[5], /^outside: 10\.48\.0\.1 of netns:c on \w{8}\(other\)$/)
  for (const line of lines) t.ok(line.length <= 100, line)
  t.end()
})

t.test('findings are shown with what to do, and none as agreement', t => {
  const counts = { leases: 1, targets: 2, addresses: 3 }
  t.equal(
    renderIpamCheck({ ...counts, findings: [] }),
    '1 lease, 2 targets and 3 addresses of them were compared: all agree',
  )
  t.equal(
    renderIpamCheck({ ...counts, findings: [{ what: 'a', remedy: 'b' }] }),
    'a\n  b\n1 lease, 2 targets and 3 addresses of them were compared: 1 finding',
  )
  t.end()
})
