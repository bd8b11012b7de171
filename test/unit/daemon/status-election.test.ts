import t from 'tap'
import { electionOf } from '../../../lib/daemon/status/election.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { describeLinkDown } from '../../../lib/node/reasons.ts'
import type { ElectionReport, NodeReport } from '../../../lib/node/mod.ts'
import { SELF, contact, linked, nodeReport } from '../../support/node-reports.ts'

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

t.test(
  'found is not advised where a peer that was named answered and refused this host, or where it was invited',
  t => {
    const secret = describeLinkDown('refused-secret')
    const strange = contact('h1', { lastError: 'timed out', refusal: secret })
    const wrong = view({ contacts: [strange] })
    t.match(wrong, {
      state: 'waiting',
      wait: /^no mesh is joined: h1: refused: this side .*secret.*--password-file FILE$/,
    })
    t.notMatch(wrong.wait, /found/)
    const full = contact('h2', { refusal: 'two different meshes' })
    t.strictSame(view({ ...meshless, contacts: [full] }), {
      state: 'waiting',
      wait: 'no mesh is joined: h2: two different meshes',
    })
    const election = {
      type: 'consensus',
      plan: 'consensus=2',
      founder: { peerId: SELF, nickname: 'x' },
      isFounderMissing: true,
    }
    const elected = view({ mesh: { ...NO_MESH, election: election as unknown as ElectionReport }, contacts: [full] })
    t.match(elected, { state: 'deciding', wait: /start that host; h2: two different meshes$/ })

    const mesh = { ...NO_MESH, invitedTo: 'cd'.repeat(16) }
    const waits = (parts: Partial<NodeReport>) => {
      const { state, wait = '' } = view({ mesh, ...parts })
      t.equal(state, 'waiting')
      t.notMatch(wait, /weave-ts found/)
      t.match(wait, /^this host waits for the mesh (cd){16} of its invitation/)
      return wait
    }
    t.match(
      waits({ contacts: [contact('h1', { lastError: 'ECONNREFUSED' })] }),
      /: h1: ECONNREFUSED; name a host of it/,
    )
    t.match(
      waits({ contacts: [strange, contact('h3')] }),
      /: h1: refused: .*--password-file FILE; h3: no answer yet; name/,
    )
    t.match(waits({}), /: no host of it was named; /)
    t.match(waits(meshless), /linked to .*\(n1\), who is of no mesh; /)
    t.match(waits(without), /, which it is about to join through .*\(n1\)$/)
    t.end()
  },
)

t.test('whoever founds no mesh says why, and what it needs', t => {
  const election = { type: 'observer', plan: 'observer' } as ElectionReport
  const waits = (parts: Partial<NodeReport> = {}) => view({ mesh: { ...NO_MESH, election }, ...parts }).wait ?? ''
  t.equal(view({ mesh: { ...NO_MESH, election } }).state, 'waiting', 'nothing is being decided')
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
