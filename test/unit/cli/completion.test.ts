import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { bashCompletion, zshCompletion } from '../../../lib/cli/completion.ts'
import { weaveProgram } from '../../../lib/cli/program.ts'

const SCRIPT = bashCompletion(weaveProgram())

/** What bash offers for the last of these words; `ps` is what `weave-ts ps` prints. */
function offered(words: readonly string[], ps = ''): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-completion-'))
  try {
    writeFileSync(join(directory, 'weave-ts'), `#!/bin/sh\ncat <<'END'\n${ps}\nEND\n`)
    chmodSync(join(directory, 'weave-ts'), 0o755)
    const script = `${SCRIPT}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weave_ts; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', 'weave-ts', ...words], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${directory}:${process.env['PATH'] ?? ''}` },
      cwd: directory,
    })
    if (stderr !== '') throw new Error(stderr)
    return stdout.split('\n').filter(line => line !== '')
  } finally {
    rmSync(directory, { recursive: true })
  }
}

t.test('commands, options and their values are offered', async t => {
  t.strictSame(offered(['dns-l']), ['dns-lookup'])
  t.strictSame(offered(['--state-dir', '/x', 'dns-l']), ['dns-lookup'])
  t.strictSame(offered(['launch', '--dns-t']), ['--dns-ttl'])
  t.strictSame(offered(['launch', '--log-level', '']), ['trace', 'debug', 'info', 'warn', 'error'])
  t.strictSame(offered(['launch', '--password-file', 'weave-']), ['weave-ts'], 'a file')
  t.strictSame(offered(['launch', '--port', '']), [], 'a number')
  t.strictSame(offered(['status', 'p']), ['peers'])
  t.strictSame(offered(['service', 'un']), ['uninstall'])
  t.strictSame(offered(['help', 'keyg']), ['keygen'])
})

t.test('targets are those that the daemon and the host have', async t => {
  const ps = [
    'netns:blue 02:00:00:00:00:01 10.32.0.1/12 blue.weave.local',
    'weave:expose 02:00:00:00:00:02 10.32.0.2/12 10.33.0.1/24 host.weave.local',
    'c0ffee 02:00:00:00:00:03 10.32.0.3/12 on net',
  ].join('\n')
  t.strictSame(
    offered(['detach', ''], ps).filter(word => !word.startsWith('-')),
    ['netns:blue'],
  )
  t.strictSame(
    offered(['hide', ''], ps).filter(word => !word.startsWith('-')),
    ['10.32.0.2/12', '10.33.0.1/24'],
  )
  t.ok(offered(['attach', 'net']).includes('net:default'))
})

t.test('peers are offered by nickname, but for this one, and contacts as they were given', async t => {
  const offers = (command: string, printed: string) =>
    offered([command, ''], printed).filter(word => !word.startsWith('-'))
  const peers = [
    'rusxpj4v(host1)\n   -> 192.0.2.2:6783        uxgy6g65(host2)                       established',
    'uxgy6g65(host2)\n   data path direct, mtu=1500\n   <- 192.0.2.1:6783        rusxpj4v(host1)    established',
    '7y4d7ayn(host3) - unreachable!',
  ].join('\n')
  for (const command of ['ping', 'trace', 'perf', 'rmpeer']) t.strictSame(offers(command, peers), ['host2', 'host3'])
  t.strictSame(offers('forget', 'host2\n192.0.2.9:7000'), ['host2', '192.0.2.9:7000'])
})

t.test('what stands in a name is not run', async t => {
  const ps = 'netns:$(touch${IFS}run) 02:00:00:00:00:01 10.32.0.1/12\nnetns:`touch${IFS}run` 0 1\nnetns:a;b 0 1'
  t.strictSame(offered(['detach', 'netns'], ps), [])
})

t.test('zsh takes it by its emulation', async t => {
  t.match(zshCompletion(weaveProgram()), /^#compdef weave-ts\n.*\nautoload -U \+X bashcompinit && bashcompinit\n/)
})
