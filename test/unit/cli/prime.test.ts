import t from 'tap'
import type { ApiClient } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { statusIfAny } from '../../../lib/cli/patient-status.ts'
import { prime, decidedStatus, meshedStatus, waitMs } from '../../../lib/cli/prime.ts'

type Client = Pick<ApiClient, 'call'>

/** A daemon whose status is each of these in turn, and then stays the last one; an error is what it answers with. */
function clientOf(...states: object[]): Client {
  let at = 0
  const call = () => {
    const state = states[Math.min(at++, states.length - 1)]
    return state instanceof Error ? Promise.reject(state) : Promise.resolve(state)
  }
  return { call } as unknown as Client
}

const READY = {
  isReady: true,
  connections: [{ state: 'established' }],
  targets: [],
  waiting: [],
  mesh: { founding: 'done' },
  ipam: { pending: [] },
}
const PENDING = { ...READY, connections: [{ state: 'tcp' }, { state: 'pending' }] }
const NOBODY = { ...READY, isReady: false, waiting: ['nobody has founded'], mesh: { id: null, founding: 'nobody' } }
const JOINING = { ...NOBODY, mesh: { id: null, founding: 'waiting' } }

t.test('prime returns once addresses can be given', async t => {
  t.match(await prime(clientOf(NOBODY, NOBODY, READY)), READY)
})

t.test('prime fails after its time, and says what it has waited for', async t => {
  await t.rejects(prime(clientOf(NOBODY), '0'), { code: 'IPAM_WAITING', message: /after 0 s: nobody has founded/ })
  await t.rejects(prime(clientOf(NOBODY), '0.3'), { code: 'IPAM_WAITING', message: /after 0\.3 s/ })
})

t.test('a time that is none is refused', async t => {
  for (const timeout of ['soon', '-1', '', '1e3', '1000001'])
    await t.rejects(prime(clientOf(READY), timeout), { code: 'USAGE' }, timeout)
})

t.test('prime says what it waits for when that takes long, once', async t => {
  const said: string[] = []
  await t.rejects(
    prime(clientOf(NOBODY), '2.2', text => said.push(text)),
    { code: 'IPAM_WAITING' },
  )
  t.strictSame(said, ['weave-ts: prime waits: nobody has founded'])
})

t.test('launch goes on asking a daemon that is too busy to answer in time, and none that is down', async t => {
  const busy = new WeaveError('DAEMON_BUSY', 'it did not answer within 2 s', 'look at its log')
  t.equal((await decidedStatus(clientOf(busy, JOINING, busy, READY), [])).isReady, true)
  t.equal((await meshedStatus(clientOf(busy, busy, READY), 1_000, [])).isReady, true)
  await t.rejects(meshedStatus(clientOf(busy), 0, []), { code: 'DAEMON_BUSY' }, 'for no longer than it was told')
  t.match(await statusIfAny(clientOf(busy, READY)), READY, 'a busy daemon is not taken for one that is gone')
  const down = new WeaveError('DAEMON_DOWN', 'nobody listens', 'launch it')
  t.equal(await statusIfAny(clientOf(busy, down)), undefined)
  await t.rejects(decidedStatus(clientOf(busy, down, READY), []), { code: 'DAEMON_DOWN' })
})

t.test('launch waits until it is clear what has become of its peers', async t => {
  t.equal((await decidedStatus(clientOf(JOINING, JOINING, NOBODY), [])).mesh.founding, 'nobody')
  t.equal((await decidedStatus(clientOf(JOINING, READY), [])).isReady, true)
  t.strictSame(await decidedStatus(clientOf(PENDING, PENDING, READY), []), READY, 'and which way data takes')
  t.strictSame(await meshedStatus(clientOf(JOINING, PENDING, READY), 5_000, []), READY)
  const named = (state: string, error: string | null) => ({ ...READY, targets: [{ target: 'h1', state, error }] })
  const refused = named('waiting', 'it refuses')
  t.strictSame(await decidedStatus(clientOf(named('dialling', null), refused), ['h1']), refused, 'and who was named')
  t.strictSame(await decidedStatus(clientOf(named('dialling', null), refused), []), named('dialling', null))
  for (const state of [JOINING, PENDING]) {
    const begun = performance.now()
    await decidedStatus(clientOf(state), [])
    t.ok(performance.now() - begun >= 2_900, 'at most three seconds')
  }
})

t.test('launch --wait returns once this peer is of a mesh, or says for whom it waits', async t => {
  t.match(await meshedStatus(clientOf(JOINING, NOBODY, READY), 5_000, []), READY)
  await t.rejects(meshedStatus(clientOf(JOINING), 300, []), {
    code: 'MESH_WAITING',
    message: 'the daemon runs, and is of no mesh after 0.3 s: nobody has founded',
  })
})

t.test('the time of --wait is in seconds', async t => {
  t.equal(waitMs('30s'), 30_000)
  t.equal(waitMs('1.5'), 1_500)
  for (const text of ['', 's', '-1', '1m', 'host', '1000001']) t.throws(() => waitMs(text), { code: 'USAGE' }, text)
})
