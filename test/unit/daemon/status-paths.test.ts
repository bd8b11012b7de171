import t from 'tap'
import { WARNINGS_SHOWN_MAX } from '../../../lib/daemon/constants.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { carriedSizes, pathSizeWarnings, pathViews } from '../../../lib/daemon/status/paths.ts'
import type { PathReport } from '../../../lib/node/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { nodeReport, path, peer } from '../../support/node-reports.ts'

const STATE = { kind: 'direct', endpoint: '192.0.2.1:6783', rttMs: 1 } as PathReport['state']

function reportWith(...sizes: PathReport['size'][]) {
  const peers = sizes.map((_, at) => peer(at + 1))
  const paths = sizes.map((size, at) => ({ ...path(peerNumber(at + 1), STATE), size }))
  return nodeReport({ peers, paths })
}

t.test('a path shows what it carries, and nothing where there is none', t => {
  const report = reportWith({ mtu: 1280, carries: 1198, phase: 'complete' }, undefined)
  const viewOf = pathViews(report, new Names(report))
  t.match(viewOf(peerNumber(1)), { mtu: 1280, carries: 1198 })
  t.match(viewOf(peerNumber(2)), { mtu: null, carries: null })
  t.end()
})

t.test('warns of paths that carry less than the overlay, once that is known', t => {
  const report = reportWith(
    { mtu: 1500, carries: 1418, phase: 'complete' },
    { mtu: 1280, carries: 1198, phase: 'complete' },
    { mtu: 1280, carries: 1198, phase: 'base' },
    { mtu: 576, carries: 494, phase: 'searching' },
    { mtu: 556, carries: 474, phase: 'error' },
    undefined,
  )
  const lines = pathSizeWarnings(report, new Names(report), 1330)
  t.equal(lines.length, 2)
  t.match(
    lines[0],
    /\(n2\) has an MTU of 1280, which carries packets up to 1198 bytes whole, and the overlay's MTU is 1330.*; raise .* --mtu 1198/,
  )
  t.strictSame(carriedSizes(report), [1418, 1198], 'what was measured')
  t.match(lines[1], /\(n5\) loses all datagrams of the least size \(packets of 556 bytes\); see what filters UDP/)
  t.end()
})

t.test('names some of many', t => {
  const report = reportWith(
    ...Array.from({ length: WARNINGS_SHOWN_MAX + 4 }, () => ({ mtu: 1280, carries: 1198, phase: 'complete' as const })),
  )
  const lines = pathSizeWarnings(report, new Names(report), 1330)
  t.equal(lines.length, WARNINGS_SHOWN_MAX + 1)
  t.equal(lines.at(-1), 'so have 4 more paths')
  t.end()
})
