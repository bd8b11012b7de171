import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { unitText, unitWord } from '../../../lib/cli/unit-file.ts'

const UNIT = { command: ['/bin/true', '/opt/weave ts/bin/100%'], stateDir: '/tmp' }
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0

t.test('the unit resumes the last launch of its state directory, in the foreground', t => {
  const text = unitText(UNIT)
  t.match(text, '\nExecStart=/bin/true "/opt/weave ts/bin/100%%" launch --foreground --resume --state-dir /tmp\n')
  t.match(text, /^Type=notify$/m)
  t.match(text, /^WatchdogSec=\d+$/m)
  t.end()
})

t.test('every capability has its reason beside it', t => {
  const text = unitText(UNIT)
  const bounding = /^CapabilityBoundingSet=(.+)$/m.exec(text)?.[1]?.split(' ') ?? []
  t.strictSame(bounding, ['CAP_CHOWN', 'CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_ADMIN', 'CAP_SYS_PTRACE'])
  for (const name of bounding) t.match(text, new RegExp(`^# ${name}: \\w+`, 'm'))
  t.end()
})

t.test('words are quoted as systemd reads them', t => {
  for (const [text, word] of [
    ['/var/lib/weave-ts', '/var/lib/weave-ts'],
    ['a b', '"a b"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['50%', '50%%'],
    ['$HOME', '$$HOME'],
    ['', '""'],
  ] as const)
    t.equal(unitWord(text), word)
  t.end()
})

t.test('only command lines double what begins a variable', t => {
  const text = unitText({ command: ['/bin/true'], stateDir: '/a$b%c' })
  t.match(text, 'ExecStart=/bin/true launch --foreground --resume --state-dir /a$$b%%c\n')
  t.match(text, '\nReadWritePaths=/a$b%%c /run')
  t.end()
})

t.test('systemd takes the unit', { skip: hasAnalyze ? false : 'there is no systemd-analyze' }, t => {
  const path = join(t.testdir({}), 'weave-ts.service')
  writeFileSync(path, unitText(UNIT))
  const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  t.notMatch(stderr, 'weave-ts.service', 'no word about it')
  writeFileSync(path, unitText(UNIT).replace('Type=notify', 'Typ=notify'))
  t.match(spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' }).stderr, /Typ\b/)
  t.end()
})
