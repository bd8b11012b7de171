import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { repeatedOptions, type Wanted } from '../../../lib/cli/launch-memory.ts'
import type { GivenOptions } from '../../../lib/daemon/mod.ts'

const KNOWN = [
  ...['stateDir', 'json', 'foreground', 'resume', 'forgetOptions', 'forgetOption', 'open', 'password'],
  ...['passwordFile', 'otherPasswordFile', 'port', 'mtu', 'discovery', 'advertise'],
]

function repeat(before: GivenOptions | undefined, given: GivenOptions, parts: Partial<Wanted> = {}) {
  const wanted = {
    given,
    known: KNOWN,
    isResuming: false,
    isForgettingAll: false,
    forgotten: [],
    hasSecretOutside: false,
    ...parts,
  }
  const remembered =
    before === undefined ? undefined : { version: 1 as const, mesh: 'secret' as const, options: before }
  return repeatedOptions(remembered, wanted, '/state')
}

t.test('what was given before counts again, unless it is given anew', t => {
  const before = { port: '7000', discovery: false, advertise: ['192.0.2.1'] }
  t.match(repeat(before, {}), { options: before, remember: before, warnings: [] })
  const both = { ...before, port: '8000', mtu: '1400' }
  t.match(repeat(before, { port: '8000', mtu: '1400' }), { options: both, remember: both })
  t.strictSame(repeat(undefined, { mtu: '1400' }).remember, { mtu: '1400' })
  t.end()
})

t.test('one is forgotten by its name, as it is given or as it is called; all together', t => {
  const before = { port: '7000', discovery: false, otherPasswordFile: '/dev/null' }
  const left = (...forgotten: string[]) => Object.keys(repeat(before, {}, { forgotten }).options)
  t.strictSame(left('port'), ['discovery', 'otherPasswordFile'])
  t.strictSame(left('--port', 'no-discovery', 'other-password-file'), [])
  t.strictSame(left('mtu'), Object.keys(before), 'one that was not given')
  t.strictSame(repeat(before, { mtu: '1400' }, { isForgettingAll: true }).options, { mtu: '1400' })
  for (const name of ['prot', '', 'state-dir', 'foreground', 'toString'])
    t.throws(() => left(name), { code: 'CONFIG_INVALID', message: new RegExp(`--forget-option "${name}"`) })
  t.end()
})

t.test('of secrets the path of a file is remembered, by its whole name, and nothing else', t => {
  const dir = t.testdir({ secret: 'hunter2\n', other: 'hunter3\n' })
  const cwd = process.cwd()
  t.teardown(() => process.chdir(cwd))
  process.chdir(dir)
  const passwordFile = join(dir, 'secret')
  t.strictSame(repeat({}, { passwordFile: 'secret', otherPasswordFile: './other' }).remember, {
    passwordFile,
    otherPasswordFile: join(dir, 'other'),
  })
  const { options, remember } = repeat({}, { password: 'hunter2', port: '7000' })
  t.match(options, { password: 'hunter2' })
  t.strictSame(remember, { port: '7000' })
  t.equal(spawnSync('mkfifo', ['pipe']).status, 0)
  for (const once of ['pipe', '/dev/null', 'gone'])
    t.strictSame(repeat({}, { passwordFile: once }).remember, {}, `${once} gives its secret once, or not`)
  t.end()
})

t.test('a secret that is given, or done without, takes the place of all that were', t => {
  const dir = t.testdir({ a: 'a\n', b: 'b\n', c: 'c\n' })
  const [a, b, c] = ['a', 'b', 'c'].map(name => join(dir, name)) as [string, string, string]
  const before = { passwordFile: a, otherPasswordFile: b, port: '7000' }
  t.strictSame(repeat(before, { passwordFile: c }).remember, { passwordFile: c, port: '7000' })
  t.strictSame(repeat(before, { otherPasswordFile: c }).remember, { ...before, otherPasswordFile: c })
  t.strictSame(repeat(before, { password: 'x' }).remember, { port: '7000' })
  t.strictSame(repeat(before, { open: true }).remember, { port: '7000' })
  t.strictSame(repeat(before, {}, { hasSecretOutside: true }).options, { port: '7000' })
  t.end()
})

t.test('--resume needs something to resume', t => {
  t.throws(() => repeat(undefined, {}, { isResuming: true }), { code: 'NOTHING_TO_RESUME', message: /\/state/ })
  t.strictSame(repeat({}, {}, { isResuming: true }).options, {})
  t.end()
})

t.test('an option of another version is left out, and said', t => {
  const { options, remember, warnings } = repeat({ warpFactor: '9', password: 'x', port: '7000' }, {})
  t.strictSame(options, { port: '7000' })
  t.strictSame(remember, { port: '7000' })
  t.match(warnings, [/--warp-factor, which this version does not know/, /--password/])
  t.end()
})
