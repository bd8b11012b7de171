import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { ApiClient, Status } from '../../../lib/api/mod.ts'
import { waitOf, withNotice } from '../../../lib/cli/waiting.ts'
import { waitFor } from '../../support/testbed-command.ts'

const timers = () => process.getActiveResourcesInfo().filter(one => one === 'Timeout').length

/** Answers when it is told to. */
function deferred<T>() {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>(done => (resolve = done))
  return { promise, resolve: (value: T) => resolve(value) }
}

const waiting = { mesh: { founding: 'done' }, ipam: { pending: [] }, waiting: ['for a sign'] } as unknown as Status

void t.test('says what the daemon waits for when a command takes long', async t => {
  const said = t.capture(console, 'error')
  const answer = deferred<string>()
  const client = { call: () => Promise.resolve(waiting) } as unknown as Pick<ApiClient, 'call'>
  const outcome = withNotice(client, 'attach', answer.promise)
  await waitFor('a notice', 10_000, () => said().length > 0 || undefined)
  answer.resolve('10.32.0.1/12')
  t.equal(await outcome, '10.32.0.1/12')
  t.equal(waitOf(waiting), 'for a sign')
})

void t.test('leaves nothing that keeps the command from ending, and says nothing, once it is answered', async t => {
  const said = t.capture(console, 'error')
  const before = timers()
  const answer = deferred<string>()
  const status = deferred<Status>()
  let isAsked = false
  const call = () => {
    isAsked = true
    return status.promise
  }
  const outcome = withNotice({ call } as unknown as Pick<ApiClient, 'call'>, 'expose', answer.promise)
  await waitFor('the question for the status', 10_000, () => isAsked)
  answer.resolve('10.32.0.1/12')
  t.equal(await outcome, '10.32.0.1/12')
  status.resolve(waiting)
  await turn()
  t.equal(timers(), before)
  t.same(said(), [])
})
