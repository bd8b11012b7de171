import t from 'tap'
import { LaunchRecord } from '../../../lib/daemon/launch-record.ts'
import { LostState } from '../../../lib/daemon/lost-state.ts'
import { readRememberedLaunch } from '../../../lib/daemon/remembered-launch.ts'
import { daemonConfig } from '../../support/daemon-config.ts'
import { contact, nodeReport } from '../../support/node-reports.ts'
import { temporaryDirectory } from '../io/temporary.ts'

const NO_MESH = { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined }
const SAME = { isSameHost: true, hasMesh: false }

t.test(
  'a store that is gone is noticed by the file of the launch, at every start until there is a mesh again',
  async t => {
    const config = daemonConfig({ stateDir: temporaryDirectory(t), isOpenMeant: true })
    const first = new LaunchRecord(config, true, SAME)
    t.equal(first.lost, undefined, 'nothing was there before')
    first.keep(['01020304'])
    const member = nodeReport({ contacts: [contact('h1'), contact('n9', { origin: 'discovered' })] })
    const noted = new LostState({ report: () => member }, first)
    await noted.reconcile()
    t.strictSame(noted.warnings(), [])
    const { mesh } = { mesh: 'ab'.repeat(16) }
    const { member: kept, secrets } = readRememberedLaunch(config.stateDir)!
    t.strictSame(kept, { mesh, contacts: ['h1'] })
    t.strictSame(secrets, ['01020304'], 'what tells the secrets apart stays')
    t.equal(new LaunchRecord(config, false, { ...SAME, hasMesh: true }).lost, undefined, 'it is in the store')
    t.equal(new LaunchRecord(config, true, { ...SAME, isSameHost: false }).lost, undefined, 'another host')

    for (const isNewState of [true, false]) {
      const record = new LaunchRecord(config, isNewState, SAME)
      record.keep([])
      t.strictSame(record.lost, { mesh, contacts: ['h1'] })
      const waiting = new LostState({ report: () => nodeReport({ mesh: NO_MESH }) }, record)
      await waiting.reconcile()
      t.match(waiting.warnings(), [
        /^STATE LOST: .* the mesh abababab, .*dials h1, .*launch --replace HOST.*weave-ts found/,
      ])
      const invited = nodeReport({ mesh: { ...NO_MESH, invitedTo: mesh } })
      t.match(new LostState({ report: () => invited }, record).warnings(), [/begin a new one: `weave-ts reset`, then/])
      t.strictSame(new LostState({ report: () => member }, record).warnings(), [], 'it has joined again')
    }
  },
)

t.test('whoever was invited comes into that mesh only, or the one that it became', async t => {
  const config = daemonConfig({ stateDir: temporaryDirectory(t), isOpenMeant: true, mesh: 'ab'.repeat(16) })
  const record = new LaunchRecord(config, true, SAME)
  t.equal(record.invitedTo, 'ab'.repeat(16))
  record.note({ mesh: 'cd'.repeat(16), contacts: [] })
  t.equal(record.invitedTo, 'cd'.repeat(16))
  t.equal(new LaunchRecord({ ...config, mesh: null }, false, SAME).invitedTo, null)
})

t.test('a launch of before this was noted counts, too', async t => {
  const config = daemonConfig({ stateDir: temporaryDirectory(t), isOpenMeant: true })
  new LaunchRecord(config, true, SAME).keep([])
  t.equal(new LaunchRecord(config, false, SAME).lost, undefined, 'it has not come so far')
  t.strictSame(new LaunchRecord(config, true, SAME).lost, { mesh: '', contacts: [] })
})
