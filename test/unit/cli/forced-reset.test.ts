import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { checkForcedReset } from '../../../lib/cli/forced-reset.ts'
import { resetPlan } from '../../../lib/cli/reset-plan.ts'
import { acquireStateLock } from '../../../lib/io/mod.ts'
import { temporaryDirectory } from '../io/temporary.ts'

const down = new WeaveError('DAEMON_DOWN', 'no daemon answers', 'launch it')
const made = { bridge: 'b0', device: 'd0', exposed: [] }
const network = { boot: 'now', namespace: 'net:[2]' }
/** There are no interfaces. */
const runner = { run: () => Promise.resolve({ stdout: '[]', stderr: '', status: 0 }) } as unknown as Parameters<
  typeof checkForcedReset
>[1]['runner']

t.test('what would be refused is refused before it is said what is cut', async t => {
  const stateDir = temporaryDirectory(t)
  await t.rejects(resetPlan(stateDir, false), { code: 'DAEMON_DOWN', remedy: /--force: its address blocks .* lost/ })
  const lock = acquireStateLock(stateDir)
  await t.rejects(resetPlan(stateDir, true), { code: 'STATE_LOCKED' })
  lock.release()
  t.strictSame(await resetPlan(stateDir, true), [`${stateDir} is emptied`])
  rmSync(stateDir, { recursive: true })
  await t.rejects(resetPlan(stateDir, false), { code: 'DAEMON_DOWN', message: `there is no directory ${stateDir}` })
  t.strictSame(await resetPlan(stateDir, true), [])
})

t.test('what was made in another network namespace is not looked for in this one', async t => {
  const stateDir = temporaryDirectory(t)
  const check = (here: { boot: string; namespace: string }, prefix?: string) =>
    checkForcedReset(stateDir, {
      ...{ isForced: true, down, runner },
      namespaces: { networkPlace: () => here, prefixInto: () => prefix },
    })
  const elsewhere = { ...network, namespace: 'net:[1]' }
  t.match(await check(elsewhere, 'x'), 'does not say what its daemon made')
  writeFileSync(join(stateDir, 'instance.json'), JSON.stringify(made))
  t.strictSame(await check(elsewhere, 'x'), made, 'an earlier version did not say where')
  writeFileSync(join(stateDir, 'instance.json'), JSON.stringify({ ...made, network }))
  await t.rejects(check(elsewhere, 'ip netns exec blue'), {
    code: 'OTHER_NAMESPACE',
    message: /bridge b0 of .* is in the network namespace net:\[2\], and this command in net:\[1\]/,
    remedy: /ip netns exec blue weave-ts reset/,
  })
  t.match(await check(elsewhere), 'the network namespace of the last daemon is gone')
  t.match(await check(network), made)
  t.match(await check({ boot: 'later', namespace: 'net:[1]' }, 'x'), made, 'after a boot a number means nothing')
})
