import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import t from 'tap'
import { CLIENT_COMMANDS, clientProgram } from '../../../lib/cli/client.ts'
import { weaveProgram } from '../../../lib/cli/program.ts'
import { CLIENT_BUILD } from '../../../scripts/bundle-plan.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const COMMON = ['status', 'ps', 'ping', 'attach', 'detach', 'dns-lookup', 'events', 'version']

t.test('a command that asks a daemon loads nothing of the daemon, and no schema', async t => {
  const { metafile } = await build({ ...CLIENT_BUILD, absWorkingDir: ROOT, write: false, metafile: true })
  const [output] = Object.values(metafile.outputs)
  const files = Object.keys(output!.inputs)
  const packages = new Set(files.flatMap(file => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))
  t.strictSame([...packages], ['commander'], 'no package but one')
  t.ok(files.includes('build/lib/api/client.js'))
  const rooms = new Set(files.flatMap(file => /^build\/lib\/([^/]+)/.exec(file)?.[1] ?? []))
  t.strictSame(
    [...rooms].filter(room => !['address', 'api', 'base', 'cli', 'topology'].includes(room)),
    [],
  )
  t.strictSame(
    files.filter(file => /lib\/api\/(?:server|schema|bodies|handlers|event-stream|answer-check)\.js$/.test(file)),
    [],
  )
  const seldom = output!.imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path }) => path)
  t.strictSame([...new Set(seldom)].sort(), ['./answer-check.js', './last-words.js'])
  t.notOk(
    output!.imports.some(({ path }) => path === 'node:http'),
    'http takes longer to load than all of ours',
  )
})

t.test('a command looks the same in the client as in the whole program', async t => {
  t.strictSame(
    COMMON.filter(name => !CLIENT_COMMANDS.includes(name)),
    [],
    'the common ones are there',
  )
  const whole = new Map(weaveProgram().commands.map(command => [command.name(), command]))
  for (const name of CLIENT_COMMANDS) {
    const command = clientProgram([name])?.commands.find(one => one.name() === name)
    t.equal(command?.helpInformation(), whole.get(name)?.helpInformation(), name)
  }
})

t.test('whatever is not for the client alone is for the whole program', async t => {
  for (const words of ['', 'launch', 'fly', '--help', '--version', 'help status', 'keygen', '--state-dir status'])
    t.equal(clientProgram(words.split(' ')), undefined, words)
  for (const words of ['status', '--json ps', '--state-dir launch status', '--state-dir=/x status --json'])
    t.ok(clientProgram(words.split(' ')), words)
})
