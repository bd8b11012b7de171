import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { NetnsResolvConfs } from '../../../lib/host/mod.ts'

const LINES = ['nameserver 10.32.0.1', 'search weave.local']

function world(t: Test) {
  const top = mkdtempSync(join(tmpdir(), 'weave-ts-resolv-'))
  t.teardown(() => rmSync(top, { recursive: true }))
  const root = join(top, 'netns')
  const files = new NetnsResolvConfs(root)
  return { top, root, files, path: files.pathOf('blue') }
}

t.test('a file is written with all that it needs, and taken away without a trace', async t => {
  const { root, files, path } = world(t)
  const directories = files.missingDirectories('blue')
  t.strictSame(directories, [root, join(root, 'blue')])
  t.equal(files.look('blue'), 'absent')
  const umask = process.umask(0o077)
  files.put('blue', LINES)
  process.umask(umask)
  const text = readFileSync(path, 'utf8')
  t.match(
    text,
    /^# Written by weave-ts while netns:blue is attached.*\(sum [0-9a-f]{16}\)\nnameserver 10\.32\.0\.1\nsearch /,
  )
  t.strictSame([statSync(path).mode & 0o777, statSync(root).mode & 0o777], [0o644, 0o755], 'all may read it')
  t.equal(files.look('blue'), 'ours')
  const { ino } = statSync(path)
  files.put('blue', LINES)
  t.equal(statSync(path).ino, ino, 'the same again is nothing to do')
  files.put('blue', ['nameserver 10.32.0.2'])
  t.match(readFileSync(path, 'utf8'), /nameserver 10\.32\.0\.2\n$/)
  t.equal(files.remove('blue', directories), 'removed')
  t.notOk(existsSync(root))
  t.equal(files.remove('blue', directories), 'absent')
})

t.test('what somebody else made, or changed, is neither written nor taken away', async t => {
  const { top, root, files, path } = world(t)
  mkdirSync(join(root, 'blue'), { recursive: true })
  for (const text of [
    '',
    'nameserver 192.0.2.1\n',
    '# Written by weave-ts (sum 0123456789abcdef)\n',
    'x'.repeat(5_000),
  ]) {
    writeFileSync(path, text)
    t.throws(() => files.put('blue', LINES), {
      code: 'RESOLV_CONF',
      message: path,
      remedy: /nameserver 10\.32\.0\.1; search/,
    })
    t.equal(files.remove('blue', []), 'foreign')
    t.equal(readFileSync(path, 'utf8'), text)
  }
  rmSync(path)
  files.put('blue', LINES)
  writeFileSync(path, `${readFileSync(path, 'utf8')}options ndots:2\n`)
  t.throws(() => files.put('blue', LINES), { code: 'RESOLV_CONF' })
  t.equal(files.remove('blue', [root, join(root, 'blue')]), 'foreign')
  t.ok(existsSync(path))
  rmSync(path)
  symlinkSync(join(top, 'nowhere'), path)
  t.throws(() => files.put('blue', LINES), { code: 'RESOLV_CONF' }, 'a link is not followed')
  rmSync(path)
  files.put('blue', LINES)
  writeFileSync(join(root, 'other'), '')
  t.equal(files.remove('blue', [root, join(root, 'blue')]), 'removed')
  t.ok(existsSync(join(root, 'other')), 'a directory that holds something else stays')
})

t.test('a place that cannot be written to is told', async t => {
  const { top, root, files } = world(t)
  writeFileSync(root, '')
  t.throws(() => files.put('blue', LINES), { code: 'RESOLV_CONF' })
  rmSync(root)
  t.throws(() => new NetnsResolvConfs('/proc/self/netns').put('blue', LINES), {
    code: 'RESOLV_CONF',
    remedy: /systemd/,
  })
  t.ok(existsSync(top))
})
