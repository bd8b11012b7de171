import t from 'tap'
import { adviceText } from '../../../lib/base/mod.ts'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { impostureAdvice } from '../../../lib/daemon/status/impostures.ts'
import { WARNINGS_SHOWN_MAX } from '../../../lib/daemon/constants.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { IMPOSTURES_MAX, IMPOSTURE_SHOWN_MS } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { Impostures } from '../../../lib/node/impostures.ts'

const [HERE, OWNER, LIAR] = [1, 2, 3].map(byte => peerIdFromBytes(new Uint8Array(16).fill(byte)))
const ADDRESS = 0x0a20_0005

function setUp() {
  const lines: unknown[] = []
  const context = {
    config: { identity: { peerId: HERE } },
    view: { nicknameOf: (peer: string) => (peer === LIAR ? 'liar' : 'owner') },
    log: (_level: string, _event: string, fields: { text: string }) => lines.push(fields.text),
  } as unknown as NodeContext
  return { impostures: new Impostures(context, address => (address === ADDRESS ? OWNER : undefined)), lines }
}

t.test('whose frames are dropped is logged once, shown for a minute, and then logged anew', async t => {
  const { impostures, lines } = setUp()
  impostures.handle(LIAR!, ADDRESS, 0)
  impostures.handle(LIAR!, ADDRESS, 30_000)
  t.equal(lines.length, 1)
  t.match(lines[0], /^frames from 10\.32\.0\.5 by .*\(liar\) are dropped: that address is of .*\(owner\)$/)
  t.match(impostures.report(31_000), [{ peer: LIAR, address: '10.32.0.5', owner: OWNER, since: 0, lastAt: 30_000 }])
  t.same(impostures.report(30_000 + IMPOSTURE_SHOWN_MS), [])
  impostures.handle(LIAR!, ADDRESS, 30_000 + IMPOSTURE_SHOWN_MS)
  t.equal(lines.length, 2)
})

t.test('however many addresses a peer makes up, few are remembered, and fewer shown', async t => {
  const { impostures } = setUp()
  for (let i = 0; i < 3 * IMPOSTURES_MAX; i++) impostures.handle(LIAR!, ADDRESS + i, i)
  t.equal(impostures.report(1000).length, IMPOSTURES_MAX)
  const peers = [{ peerId: LIAR!, nickname: 'liar' }]
  const report = { self: { peerId: HERE!, nickname: 'here' }, neighbours: [], peers, removed: [] } as never
  const warnings = impostureAdvice({ parts: { impostures: impostures.report(1000) } }, new Names(report)).map(
    adviceText,
  )
  t.equal(warnings.length, WARNINGS_SHOWN_MAX + 1)
  t.match(warnings[0], /frames from 10\.32\.0\.\d+ by \w+\(liar\) are dropped, which is not its/)
  t.equal(warnings.at(-1), `frames from ${IMPOSTURES_MAX - WARNINGS_SHOWN_MAX} more addresses are dropped`)
})
