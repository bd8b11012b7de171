import { spawnSync } from 'node:child_process'
import { existsSync, openSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LOG_FILES_KEPT, LogFile } from '../../../lib/io/log-file.ts'
import { temporaryDirectory } from './temporary.ts'

const noMount = process.geteuid?.() === 0 ? false : 'a small file system needs root to mount'
const line = (text: string) => `${JSON.stringify({ text })}\n`
const read = (path: string) => readFileSync(path, 'utf8')

t.test('is put aside by size, so many times, and what is older is gone', t => {
  const path = join(temporaryDirectory(t), 'daemon.log')
  const log = new LogFile(path, 1_000)
  for (let i = 0; i < 100; i++) log.write(line(`number ${i} ${'x'.repeat(70)}`))
  const kept = [path, `${path}.1`, `${path}.2`].map(read)
  for (const text of kept) t.ok(text.length <= 1_000, `${text.length} bytes`)
  t.notOk(existsSync(`${path}.${LOG_FILES_KEPT + 1}`))
  const numbers = [...kept]
    .reverse()
    .flatMap(text => [...text.matchAll(/number (\d+)/g)].map(match => Number(match[1])))
  t.equal(numbers.at(-1), 99)
  t.strictSame(
    numbers,
    Array.from({ length: numbers.length }, (_, i) => 100 - numbers.length + i),
    'the newest lines, none missing and none twice',
  )
  t.equal(statSync(`${path}.1`).mode & 0o077, 0)
  log.close()
  t.end()
})

t.test('what another descriptor of the process appends lands in the newest file', t => {
  const path = join(temporaryDirectory(t), 'daemon.log')
  const log = new LogFile(path, 300)
  log.write(line('first'))
  const standardError = openSync(path, 'a')
  for (let i = 0; i < 10; i++) log.write(line(`filler ${i} ${'x'.repeat(60)}`))
  writeSync(standardError, 'a crash of the runtime\n')
  t.match(read(path), 'a crash of the runtime')
  t.match(read(path), 'filler 9')
  writeSync(standardError, 'words without a line end')
  log.write(line('after'))
  t.equal(read(path).split('\n').at(-2), line('after').trimEnd(), 'a line of ours stands alone')
  log.close()
  t.end()
})

t.test('goes on when somebody else moved the file, or removed it', t => {
  const path = join(temporaryDirectory(t), 'daemon.log')
  const log = new LogFile(path)
  log.write(line('one'))
  renameSync(path, `${path}-20300101`)
  log.write(line('two'))
  t.equal(read(path), line('two'))
  t.equal(read(`${path}-20300101`), line('one'))
  rmSync(path)
  log.write(line('three'))
  t.equal(read(path), line('three'))
  log.close()
  t.end()
})

t.test('does not write through a link, and never throws', t => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'daemon.log')
  symlinkSync(join(directory, 'elsewhere'), path)
  const log = new LogFile(path)
  log.write(line('one'))
  t.notOk(existsSync(join(directory, 'elsewhere')))
  t.equal(log.lost, 1)
  rmSync(path)
  log.write(line('two'))
  t.match(read(path), /"event":"log-lost","lines":1,.*\n\{"text":"two"\}\n$/)
  t.equal(log.lost, 0)
  log.close()
  t.end()
})

t.test('a full disk costs lines and nothing else, and they are counted', { skip: noMount }, t => {
  const directory = temporaryDirectory(t)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { encoding: 'utf8' })
  t.equal(mount.status, 0, mount.stderr)
  try {
    const path = join(directory, 'daemon.log')
    const log = new LogFile(path, 1024 * 1024)
    const count = 1_000
    for (let i = 0; i < count; i++) log.write(line(`number ${i} ${'x'.repeat(200)}`))
    const lost = log.lost
    t.ok(lost > 500 && lost < count, `${lost} of ${count} lines were lost`)
    spawnSync('mount', ['-o', 'remount,size=1m', directory])
    log.write(line('room'))
    const lines = read(path).trimEnd().split('\n')
    t.match(lines.at(-2), `"event":"log-lost","lines":${lost}`)
    t.equal(lines.at(-1), line('room').trimEnd())
    t.equal(log.lost, 0)
    log.close()

    const small = new LogFile(path, 40 * 1024)
    spawnSync('mount', ['-o', 'remount,size=72k', directory])
    small.write(line('put aside without room for the copy'))
    t.equal(read(path), line('put aside without room for the copy'), 'the past is given up')
    t.notOk(existsSync(`${path}.1`))
    small.close()
  } finally {
    spawnSync('umount', [directory])
  }
  t.end()
})
