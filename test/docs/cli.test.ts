import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { examplesOf } from '../../lib/cli/help-pages.ts'
import { weaveProgram } from '../../lib/cli/program.ts'
import { commandNames, commandOf, commonOptions, misuse, runCli } from './commands.ts'
import { codeLines, codeSpans, pages, weaveCommand } from './pages.ts'

t.setTimeout(180_000)
const root = projectRoot()
const names = commandNames()
const commands = new Map(names.filter(name => name !== 'help').map(name => [name, commandOf(name)]))

const before = commonOptions()

t.test('every weave-ts command line in the documentation is one that the program takes', async t => {
  let count = 0
  for (const { path, text } of pages()) {
    for (const line of [...codeLines(text), ...codeSpans(text)]) {
      const words = weaveCommand(line)
      // In prose a lone dot-dot-dot stands for any command.
      if (words === undefined || words[0] === '…') continue
      count++
      t.equal(misuse(words, commands, before), undefined, `${path}: ${line}`)
    }
  }
  t.ok(count > 30, `${count} command lines were found`)
})

t.test('an unknown command, option, value or number of arguments is found', async t => {
  t.match(misuse(['fly'], commands), 'no command')
  t.match(misuse(['launch', '--prot', '1'], commands), 'no option')
  t.match(misuse(['launch', '--port'], commands), 'needs a value')
  t.match(misuse(['attach'], commands), 'needs 1')
  t.match(misuse(['status', 'peers', 'twice'], commands), 'at most 1')
  t.equal(misuse(['launch', '--port', '1', 'host'], commands), undefined)
  t.equal(misuse(['--state-dir', '/x', '--json', 'ps'], commands, before), undefined)
  t.match(misuse(['--port', '1', 'launch'], commands, before), 'no command')
  t.equal(weaveCommand('echo weave-ts'), undefined)
  t.strictSame(weaveCommand('sudo ./bin/weave-ts keygen > file # a secret'), ['keygen'])
})

t.test('docs/configuration.md describes every option, with its default, and no other', async t => {
  const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
  const rowsOf = (heading: string) =>
    new Map(
      [
        ...(page.split(new RegExp(`^## ${heading}$`, 'm'))[1]?.split(/^## /m)[0] ?? '').matchAll(
          /^\| `(--[^`]+)` \| ([^|]*) \| \S/gm,
        ),
      ].map(match => [match[1]!, match[2]!] as const),
    )
  const common = rowsOf('Common options')
  t.strictSame(
    [...before.values()].map(option => `${option.name} ${option.value}`.trim()).sort(),
    [...common.keys()].sort(),
    'the program has them too',
  )
  for (const [name, { options }] of commands) {
    const stated = new Map([...common, ...rowsOf(name)])
    const shown = [...options.values()].filter(option => option.name !== '--help')
    const own = shown.filter(option => !common.has(`${option.name} ${option.value}`.trim()))
    t.strictSame(
      [...rowsOf(name).keys()].sort(),
      own.map(option => `${option.name} ${option.value}`.trim()).sort(),
      `options of ${name}`,
    )
    for (const option of shown) {
      const preset = /default: "([^"]+)"/.exec(option.help)?.[1]
      if (preset !== undefined)
        t.equal(stated.get(`${option.name} ${option.value}`), preset, `default of ${option.name}`)
    }
  }
})

t.test('each command stands in one group of `--help`, and has examples that the program takes', async t => {
  const program = weaveProgram()
  for (const command of program.commands) {
    t.ok(command.helpGroup(), `${command.name()} stands in a group`)
    if (command.name() === 'help') continue
    const lines = examplesOf(command.name()).map(([words]) => words)
    t.ok(lines.length > 0, `${command.name()} has an example`)
    const { stdout } = runCli(command.name(), '--help')
    for (const line of lines) {
      t.equal(misuse(line.split(' '), commands, before), undefined, line)
      t.match(stdout, `  weave-ts ${line}`)
    }
  }
})

t.test('README.md lists every command, and no other', async t => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const listed = [...readme.matchAll(/^\| `([a-z]+(?:-[a-z]+)*)[^`]*` \|/gm)].map(match => match[1]!)
  t.strictSame([...new Set(listed)].sort(), [...names].sort())
})

t.test('the commands that need no root do what README.md says', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-docs-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const stateDir = join(directory, 'state')
  const key = runCli('keygen')
  t.equal(key.status, 0)
  t.match(key.stdout, /^([a-z2-7]{4}-){12}[a-z2-7]{4}\n$/)
  const version = runCli('version', '--state-dir', stateDir)
  t.equal(version.status, 0)
  t.match(version.stdout, /^weave-ts \d+\.\d+\.\d+\S*\nno daemon is running\n$/)
  const status = runCli('status', '--state-dir', stateDir)
  t.equal(status.status, 7)
  t.match(status.stderr, /\[DAEMON_DOWN\]\n$/)
  for (const argv of [
    ['--json', '--state-dir', stateDir, 'status'],
    ['--json', 'status', '--state-dir', stateDir],
    ['--state-dir', '/nonexistent', 'status', '--json', '--state-dir', stateDir],
  ]) {
    const { code, message } = JSON.parse(runCli(...argv).stderr) as { code: string; message: string }
    t.equal(code, 'DAEMON_DOWN', argv.join(' '))
    t.match(message, join(stateDir, 'api.sock'), argv.join(' '))
  }
  mkdirSync(stateDir)
  const fatal = { level: 60, time: 'today', event: 'fatal', error: 'Error: the last word' }
  writeFileSync(join(stateDir, 'daemon.log'), `${JSON.stringify(fatal)}\n`)
  for (const argv of [
    ['--state-dir', stateDir, 'ps'],
    ['ps', '--state-dir', stateDir],
    [`--state-dir=${stateDir}`, 'ps'],
  ])
    t.match(runCli(...argv).stderr, /it ended by itself at today: Error: the last word/, argv.join(' '))
  t.equal(runCli('launch', '--port', 'x', '--state-dir', stateDir).status, 78)
  t.equal(runCli('fly').status, 2)
  for (const [argv, message, remedy] of [
    [['fly', '--json'], /unknown command 'fly'/, /--help/],
    [['--json', 'ps', '--rpot'], /unknown option '--rpot'/, /--help/],
    [['--json', 'attach'], /missing required argument 'target'/, /--help/],
    [['--json', 'attach', ''], /argument 1 of attach is empty/, /variable/],
    [['--json', 'setup'], /unknown command 'setup'/, /Weave Net's/],
  ] as const) {
    const { status: exit, stdout, stderr } = runCli(...argv)
    t.same([exit, stdout], [2, ''], argv.join(' '))
    t.match(JSON.parse(stderr), { code: 'USAGE', message, remedy }, argv.join(' '))
  }
})

t.test('bin/weave-ts runs from the checkout', async t => {
  const run = spawnSync(join(root, 'bin/weave-ts'), ['--help'], { encoding: 'utf8' })
  t.equal(run.status, 0, run.stderr)
  t.match(run.stdout, /^Usage: weave-ts /)
})
