import t from 'tap'
import { adviceText } from '../../../lib/base/mod.ts'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { macConflictAdvice } from '../../../lib/daemon/status/mac-conflicts.ts'
import { WARNINGS_SHOWN_MAX } from '../../../lib/daemon/constants.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { MAC_CONFLICTS_MAX, MAC_CONFLICT_SHOWN_MS } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { MacConflicts } from '../../../lib/node/mac-conflicts.ts'

const [HERE, FAR] = [1, 2].map(byte => peerIdFromBytes(new Uint8Array(16).fill(byte)))
const MAC = 0x0242_0a20_0001

function setUp() {
  const lines: unknown[] = []
  const context = {
    config: { identity: { peerId: HERE } },
    view: { nicknameOf: () => 'far' },
    log: (_level: string, _event: string, fields: { text: string }) => lines.push(fields.text),
  } as unknown as NodeContext
  return { conflicts: new MacConflicts(context), lines }
}

t.test('an address that is in use twice is logged once, shown for minutes, and then logged anew', async t => {
  const { conflicts, lines } = setUp()
  conflicts.handle(MAC, HERE!, FAR!, 0)
  conflicts.handle(MAC, HERE!, FAR!, 90_000)
  t.equal(lines.length, 1)
  t.match(lines[0], /^MAC address 02:42:0a:20:00:01 is in use on this host and on .*\(far\): frames of the latter/)
  t.match(conflicts.report(91_000), [
    { mac: '02:42:0a:20:00:01', keptAt: HERE, droppedAt: FAR, since: 0, lastAt: 90_000 },
  ])
  t.same(conflicts.report(90_000 + MAC_CONFLICT_SHOWN_MS), [])
  conflicts.handle(MAC, HERE!, FAR!, 90_000 + MAC_CONFLICT_SHOWN_MS)
  t.equal(lines.length, 2)
})

t.test('the warning names both hosts and what to do; of many few are shown', async t => {
  const { conflicts } = setUp()
  for (let i = 0; i < 2 * MAC_CONFLICTS_MAX; i++) conflicts.handle(MAC + i, FAR!, HERE!, i)
  t.equal(conflicts.report(1000).length, MAC_CONFLICTS_MAX)
  const self = { peerId: HERE!, nickname: 'here' }
  const peers = [{ peerId: FAR!, nickname: 'far' }]
  const report = { self, neighbours: [], peers, removed: [], parts: { macConflicts: conflicts.report(1000) } } as never
  const warnings = macConflictAdvice(report, new Names(report)).map(adviceText)
  t.equal(warnings.length, WARNINGS_SHOWN_MAX + 1)
  t.match(
    warnings[0],
    /is in use on \w+\(far\) and on this host: \w+\(far\) keeps it, frames with it of this host are dropped; give one/,
  )
  t.equal(warnings.at(-1), `${MAC_CONFLICTS_MAX - WARNINGS_SHOWN_MAX} more MAC addresses are in use twice`)
})
