import t from 'tap'
import { adviceText } from '../../../lib/base/mod.ts'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { floodAdvice } from '../../../lib/daemon/status/floods.ts'
import { WARNINGS_SHOWN_MAX } from '../../../lib/daemon/constants.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { FLOOD_SHOWN_MS } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { Floods } from '../../../lib/node/floods.ts'

const [HERE, FAR, BY] = [1, 2, 3].map(byte => peerIdFromBytes(new Uint8Array(16).fill(byte)))
const MAC = 0x0242_0a20_0001

t.test('who floods is logged once, warned of while it lasts, and logged anew when it begins again', async t => {
  const lines: unknown[] = []
  const floods = new Floods({
    config: { identity: { peerId: HERE } },
    view: { nicknameOf: () => 'far' },
    log: (_level: string, _event: string, fields: { text: string }) => lines.push(fields.text),
  } as unknown as NodeContext)
  floods.handle(FAR!, FAR!, MAC, 0)
  floods.handle(FAR!, FAR!, MAC + 1, FLOOD_SHOWN_MS - 1)
  floods.handle(HERE!, HERE!, MAC, FLOOD_SHOWN_MS - 1)
  t.match(lines, [/broadcasts of \w+\(far\), of MAC address 02:42:0a:20:00:01 /, /broadcasts of this host, /])
  const self = { peerId: HERE!, nickname: 'here' }
  const report = { self, neighbours: [], peers: [{ peerId: FAR!, nickname: 'far' }], removed: [] }
  const warningsAt = (now: number) => {
    const all = { ...report, parts: { floods: floods.report(now) } } as never
    return floodAdvice(all, new Names(all)).map(adviceText)
  }
  t.match(warningsAt(FLOOD_SHOWN_MS), [
    /^too many broadcasts and multicasts of \w+\(far\), some are dropped; .* 02:42:0a:20:00:02 there, or .*--flood-limit$/,
    /of this host/,
  ])
  t.same(warningsAt(3 * FLOOD_SHOWN_MS), [])
  floods.handle(FAR!, FAR!, MAC, 3 * FLOOD_SHOWN_MS)
  t.equal(lines.length, 3)
})

t.test('who passes it on is named too: that it began elsewhere is their word', async t => {
  const lines: unknown[] = []
  const floods = new Floods({
    config: { identity: { peerId: HERE } },
    view: { nicknameOf: (peer: string) => (peer === FAR ? 'far' : 'by') },
    log: (_level: string, _event: string, fields: { text: string }) => lines.push(fields.text),
  } as unknown as NodeContext)
  floods.handle(FAR!, BY!, MAC, 0)
  t.match(lines, [/^too many broadcasts of \w+\(far\) as \w+\(by\) passes them on, of MAC/])
  const self = { peerId: HERE!, nickname: 'here' }
  const peers = [FAR!, BY!].map(peerId => ({ peerId, nickname: peerId === FAR ? 'far' : 'by' }))
  const all = { self, neighbours: [], peers, removed: [], parts: { floods: floods.report(1) } } as never
  t.match(floodAdvice(all, new Names(all)).map(adviceText), [
    /of \w+\(far\) \(as \w+\(by\) passes them on\), some are dropped/,
  ])
})

t.test('of many that flood some are named, and the others counted', async t => {
  const all = Array.from({ length: WARNINGS_SHOWN_MAX + 3 }, (_, i) => {
    const peer = peerIdFromBytes(new Uint8Array(16).fill(i + 3))
    return { peer, by: peer, mac: '02:42:0a:20:00:01', since: 0, lastAt: 0 }
  })
  const self = { peerId: HERE!, nickname: 'here' }
  const report = { self, neighbours: [], peers: [], removed: [], parts: { floods: all } } as never
  const warnings = floodAdvice(report, new Names(report)).map(adviceText)
  t.equal(warnings.length, WARNINGS_SHOWN_MAX + 1)
  t.equal(warnings.at(-1), 'too many broadcasts and multicasts of 3 more hosts, some are dropped')
})
