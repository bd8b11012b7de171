import t from 'tap'
import { judgeTrust, marksOf, requireKnownSecret } from '../../../lib/daemon/trust.ts'
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

t.test('another secret is told from those of the launch before, one that is being changed is not', t => {
  const marks = marksOf([{ hint: Uint8Array.of(1, 2, 3, 0xff) }, { hint: Uint8Array.of(4, 5, 6, 7) }])
  t.strictSame(marks, ['010203ff', '04050607'])
  const judged = (secrets: string[] | undefined, secret: SecretText | null = SecretText.of('hunter2')) =>
    requireKnownSecret({ stateDir: '/state', secret }, { mesh: 'secret', secrets }, marks)
  const refusal = {
    code: 'SECRET_CHANGED',
    message: /another one than that of .*\/state/,
    remedy: /--other-password-file.*--force/,
  }
  t.throws(() => judged(['aaaaaaaa']), refusal)
  for (const known of [['010203ff'], ['aaaaaaaa', '04050607'], undefined]) t.doesNotThrow(() => judged(known))
  t.doesNotThrow(() => judged(['aaaaaaaa'], null), 'that is for judgeTrust')
  const open = { mesh: 'open' as const, secrets: ['00000000'] }
  t.doesNotThrow(() => requireKnownSecret({ stateDir: '/state', secret: SecretText.of('x') }, open, marks))
  t.end()
})
