import t from 'tap'
import { judgeTrust } from '../../../lib/daemon/trust.ts'
import { SecretText } from '../../../lib/io/mod.ts'

/** What comes of a launch of a state that was closed, opened, is new, or does not say. */
function judge(
  before: 'secret' | 'open' | 'new' | 'unknown',
  given: 'secret' | 'nothing' | 'open',
  options = {},
): string[] {
  const config = {
    stateDir: '/state',
    secret: given === 'secret' ? SecretText.of('hunter2') : null,
    isOpenMeant: given === 'open',
  }
  return judgeTrust(
    config,
    before === 'secret' || before === 'open' ? { mesh: before, options } : undefined,
    before === 'new',
  )
}

t.test('a state that was closed, or does not say, is not opened by leaving the secret out', t => {
  const refusal = { code: 'SECRET_REQUIRED', remedy: /--password-file .*--open/ }
  t.throws(() => judge('secret', 'nothing'), { ...refusal, message: /\/state was launched with a mesh secret/ })
  t.throws(() => judge('secret', 'nothing'), { message: /that came from no file, so that it is not kept/ })
  const options = { passwordFile: '/secret' }
  t.throws(() => judge('secret', 'nothing', options), { message: /with a mesh secret, and this launch has none/ })
  t.throws(() => judge('unknown', 'nothing'), { ...refusal, message: /\/state does not say/ })
  t.end()
})

t.test('what changes is said: opened on purpose, or closed', t => {
  t.match(judge('secret', 'open'), [/with a mesh secret until now.*OPEN TO STRANGERS/])
  t.match(judge('open', 'secret'), [/was OPEN TO STRANGERS until now.*only peers with the mesh secret/])
  t.end()
})

t.test('nothing is said when nothing changes, or nothing was', t => {
  for (const [before, given] of [
    ['secret', 'secret'],
    ['open', 'nothing'],
    ['open', 'open'],
    ['new', 'nothing'],
    ['new', 'open'],
    ['new', 'secret'],
    ['unknown', 'secret'],
    ['unknown', 'open'],
  ] as const)
    t.strictSame(judge(before, given), [], `${before}, then ${given}`)
  t.end()
})
