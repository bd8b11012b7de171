import t from 'tap'
import type { Status } from '../../../lib/api/mod.ts'
import { renderLaunched, renderRunning } from '../../../lib/cli/launch-words.ts'
import { statusOf } from '../../../lib/daemon/status/status.ts'
import { peerNumber } from '../../support/graphs.ts'
import { NOW, nodeReport } from '../../support/node-reports.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'

const DAEMON = { version: '1.2.3', pid: 42, stateDir: '/s', startedAt: NOW - 5_000, hasSecret: true, mtu: 1_376 }
const MESH = 'ab'.repeat(16)
const FACTS = { meshBefore: undefined, tookMs: 1_260, isUncertain: false }
const ALONE: Status = { ...statusOf(nodeReport(), DAEMON, NOW), ...SERVICE_FIELDS }

t.test('a launch that founded says what to run on the next host', async t => {
  const founded: Status = { ...ALONE, mesh: { ...ALONE.mesh, isPristine: true } }
  const line = `founded the mesh ${MESH}\non the next host: weave-ts launch --password-file FILE`
  const said = (endpoints: string[]) => renderLaunched({ ...founded, endpoints }, FACTS)
  t.equal(said(['192.0.2.1:6783', '192.0.2.9:6783']), `${line} 192.0.2.1`)
  t.equal(said(['192.0.2.1:7000']), `${line} 192.0.2.1:7000`)
  t.equal(said([]), `${line} HOST`)
  t.match(renderLaunched({ ...founded, encryption: 'open' }, FACTS), /: weave-ts launch HOST$/)
})

t.test('a launch that joined says through whom, and in how long', async t => {
  const peer = { id: peerNumber(1), nickname: 'one' }
  const link = { direction: 'outbound', state: 'pending', peer } as unknown as Status['connections'][number]
  const connections = [link, { ...link, state: 'failed' as const, peer: null }]
  const short = `${peerNumber(1).slice(0, 8)}(one)`
  t.equal(renderLaunched({ ...ALONE, connections }, FACTS), `joined the mesh ${MESH} through ${short} in 1.3 s`)
  const uncertain = { ...FACTS, isUncertain: true }
  t.equal(renderLaunched(ALONE, uncertain), `is of the mesh ${MESH} in 1.3 s`, 'it may have founded it')
})

t.test('a launch that goes on says how far it is linked', async t => {
  const stored = { ...FACTS, meshBefore: MESH }
  t.equal(renderLaunched(ALONE, stored), `goes on with the mesh ${MESH}`)
  const peers = [...ALONE.peers, { ...ALONE.peers[0]!, isSelf: false }]
  t.equal(
    renderLaunched({ ...ALONE, peers }, stored),
    `goes on with the mesh ${MESH}, linked to 0 of 1 other peer so far`,
  )
  t.equal(renderRunning(ALONE), `runs already as asked (pid 42), of the mesh ${MESH}`)
})

t.test('without a mesh nothing is claimed', async t => {
  const none: Status = { ...ALONE, mesh: { ...ALONE.mesh, id: null } }
  t.equal(renderLaunched(none, FACTS), '')
  t.equal(renderRunning(none), 'runs already as asked (pid 42), of no mesh yet')
})
