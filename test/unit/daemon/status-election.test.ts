import t from 'tap'
import { electionOf } from '../../../lib/daemon/status/election.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import type { ElectionReport, NodeReport } from '../../../lib/node/mod.ts'
import { contact, linked, nodeReport } from '../../support/node-reports.ts'

const NO_MESH = { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined }
const view = (parts: Partial<NodeReport>) => {
  const report = nodeReport({ mesh: NO_MESH, ...parts })
  return electionOf(report, new Names(report))
}
const without = linked(1)
const meshless = { ...without, neighbours: without.neighbours.map(one => ({ ...one, hasMesh: false })) }

t.test('a peer of a mesh waits for nothing', t => {
  t.strictSame(view({ mesh: { id: 'ab'.repeat(16), isPristine: false, isUnused: false, ipv6Prefix: undefined } }), {
    state: 'done',
  })
  t.end()
})

t.test('peers that are linked and of no mesh learn that nobody has founded, and the command to run', t => {
  const { state, wait } = view({ ...meshless, contacts: [contact('h1'), contact('h2', { lastError: 'ECONNREFUSED' })] })
  t.equal(state, 'nobody')
  t.match(wait, /nobody has founded a mesh: .*\(n1\).*not reached: h2: ECONNREFUSED; run `weave-ts found` on one/)
  t.match(view({ contacts: [contact('h1', { state: 'ourself' })] }), { state: 'nobody', wait: /this host itself/ })
  const again = contact('h1', { state: 'waiting', lastError: 'connected to ourself' })
  t.match(view({ contacts: [again] }), { state: 'nobody', wait: /this host itself/ }, 'tried once more')
  t.notMatch(view({ ...meshless, contacts: [again, contact('h2', { lastError: 'no' })] }).wait, /ourself/)
  t.match(view({}), { state: 'nobody', wait: /no peer was named/ })
  t.end()
})

t.test('whoever founds no mesh says why, and what it needs', t => {
  const election = { type: 'observer', plan: 'observer' } as ElectionReport
  const waits = (parts: Partial<NodeReport> = {}) => view({ mesh: { ...NO_MESH, election }, ...parts }).wait ?? ''
  t.match(waits(), /^an observer founds no mesh .*: `weave-ts connect HOST`/)
  const self = { ...nodeReport().self, isEphemeral: true }
  t.match(waits({ self }), /^this peer was launched with --ephemeral, so it founds no mesh .*`weave-ts launch HOST`$/)
  t.match(waits({ self, contacts: [contact('h1')] }), /it joins that of the peers that were named/)
  t.end()
})

t.test('whoever may still be of a mesh is waited for', t => {
  t.match(view({ contacts: [contact('h1')] }), { state: 'waiting', wait: /none has answered yet/ })
  t.match(view({ contacts: [contact('h1', { lastError: 'timed out' })] }), { state: 'waiting', wait: /h1: timed out/ })
  t.match(view(without), { state: 'waiting', wait: /about to join/ })
  const many = Array.from({ length: 9 }, (_, number) => contact(`h${number}`, { lastError: 'no' }))
  t.match(view({ contacts: many }).wait, /h4: no and 4 more;/)
  t.end()
})
