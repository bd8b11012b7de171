import { Command } from 'commander'
import t from 'tap'
import { settingsOf, withJson, withSettings, type Settings } from '../../../lib/cli/settings.ts'

/** What a command line would be given, as `main` puts it together. */
function given(...argv: string[]): Settings {
  const quiet = { writeErr: () => undefined, writeOut: () => undefined }
  const program = withSettings(new Command('weave-ts').enablePositionalOptions().exitOverride().configureOutput(quiet))
  let settings: Settings | undefined
  const action = (_options: object, command: Command) => {
    settings = settingsOf(command)
  }
  for (const make of [withSettings, withJson])
    make(
      program
        .command(make === withSettings ? 'ps' : 'keygen')
        .exitOverride()
        .configureOutput(quiet),
    ).action(action)
  program.parse(argv, { from: 'user' })
  if (settings === undefined) throw new Error('no command ran')
  return settings
}

t.test('options of all commands are taken before and after the name; after wins', t => {
  for (const [argv, stateDir, isJson] of [
    [['ps'], '/var/lib/weave-ts', false],
    [['--json', 'ps'], '/var/lib/weave-ts', true],
    [['ps', '--json'], '/var/lib/weave-ts', true],
    [['--json', 'ps', '--json'], '/var/lib/weave-ts', true],
    [['--state-dir', '/a', 'ps'], '/a', false],
    [['ps', '--state-dir', '/b'], '/b', false],
    [['--state-dir=/a', 'ps', '--state-dir=/b', '--json'], '/b', true],
    [['--state-dir', '/a', 'keygen', '--json'], '/a', true],
  ] as const)
    t.strictSame(given(...argv), { stateDir, isJson }, argv.join(' '))
  t.throws(() => given('keygen', '--state-dir', '/a'), { code: 'commander.unknownOption' })
  t.end()
})

t.test('without an option the environment names the instance; relative paths are made whole', t => {
  process.env['WEAVE_TS_STATE_DIR'] = '/c'
  t.teardown(() => void delete process.env['WEAVE_TS_STATE_DIR'])
  t.equal(given('ps').stateDir, '/c')
  t.equal(given('--state-dir', '/a', 'ps').stateDir, '/a')
  t.equal(given('ps', '--state-dir', 'x').stateDir, `${process.cwd()}/x`)
  t.end()
})
