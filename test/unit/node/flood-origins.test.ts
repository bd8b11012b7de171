import t from 'tap'
import { adviceText } from '../../../lib/base/mod.ts'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { WARNINGS_SHOWN_MAX } from '../../../lib/daemon/constants.ts'
import { floodOriginAdvice } from '../../../lib/daemon/status/flood-origins.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { FLOOD_ORIGINS_MAX, FLOOD_ORIGIN_DOUBT_MS, FLOOD_ORIGIN_SHOWN_MS } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { FloodOrigins } from '../../../lib/node/flood-origins.ts'

const id = (byte: number) => peerIdFromBytes(new Uint8Array(16).fill(byte))
const [HERE, SOURCE, LIAR] = [id(1), id(2), id(3)]
const LATER = 10 * FLOOD_ORIGIN_DOUBT_MS

function setUp(keyedAt = 0) {
  const lines: string[] = []
  const facts = { keyedAt }
  const context = {
    config: { identity: { peerId: HERE } },
    view: { nicknameOf: (peer: string) => (peer === LIAR ? 'liar' : 'source') },
    log: (_level: string, _event: string, fields: { text: string }) => lines.push(fields.text),
  } as unknown as NodeContext
  return { origins: new FloodOrigins(context, () => facts.keyedAt, 0), lines, facts }
}

t.test('what is not proved is logged once and shown for a minute, with who passed it on', async t => {
  const { origins, lines } = setUp()
  t.equal(origins.pollTimeout(), undefined)
  origins.handle(SOURCE, LIAR, LATER)
  origins.handle(SOURCE, LIAR, LATER + 1000)
  const tellAt = LATER + FLOOD_ORIGIN_DOUBT_MS
  t.match(origins.pollTimeout(), { at: tellAt })
  origins.handleTimeout(tellAt - 1)
  t.same(lines, [], 'not at once')
  origins.handleTimeout(tellAt)
  t.match(lines, [/^broadcasts that .*\(liar\) passes on as of .*\(source\) are dropped/])
  t.match(origins.report(tellAt), [{ origin: SOURCE, by: LIAR }])
  t.equal(origins.pollTimeout(), undefined)
  t.same(origins.report(tellAt + FLOOD_ORIGIN_SHOWN_MS), [])
})

t.test('nothing is said of who was just started, here or there', async t => {
  for (const [keyedAt, seenAt, laterKeyedAt] of [
    [LATER - 1000, LATER, LATER - 1000],
    [0, LATER, LATER + 1000],
    [0, FLOOD_ORIGIN_DOUBT_MS - 1, 0],
  ] as const) {
    const { origins, lines, facts } = setUp(keyedAt)
    origins.handle(SOURCE, LIAR, seenAt)
    facts.keyedAt = laterKeyedAt
    origins.handleTimeout(seenAt + FLOOD_ORIGIN_DOUBT_MS)
    t.same(lines, [])
    t.same(origins.report(seenAt + FLOOD_ORIGIN_DOUBT_MS), [])
  }
})

t.test('however many names a peer makes up, few are remembered, and fewer shown', async t => {
  const { origins } = setUp()
  for (let i = 0; i < 3 * FLOOD_ORIGINS_MAX; i++) origins.handle(id(i), LIAR, LATER)
  origins.handleTimeout(2 * LATER)
  t.equal(origins.report(2 * LATER).length, FLOOD_ORIGINS_MAX)
  const peers = [{ peerId: LIAR, nickname: 'liar' }]
  const report = { self: { peerId: HERE, nickname: 'here' }, neighbours: [], peers, removed: [] } as never
  const warnings = floodOriginAdvice({ parts: { floodOrigins: origins.report(2 * LATER) } }, new Names(report)).map(
    adviceText,
  )
  t.equal(warnings.length, WARNINGS_SHOWN_MAX + 1)
  t.match(warnings[0], /^broadcasts that \w+\(liar\) passes on as of .* are dropped/)
})
