import { renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { lastWords } from '../../../lib/cli/last-words.ts'
import { LastWordsFile, readLastWords } from '../../../lib/io/mod.ts'
import { temporaryDirectory } from '../io/temporary.ts'

const entry = (level: number, fields: object) =>
  `${JSON.stringify({ level, time: '2030-01-01T00:00:00Z', ...fields })}\n`
const ready = entry(30, { event: 'ready' })
const fatal = (error: string) => entry(60, { event: 'fatal', error: `${error}\n    at somewhere` })

t.test('there are none without a log, and after a daemon that did not end by itself', t => {
  const stateDir = temporaryDirectory(t)
  t.equal(lastWords(stateDir), undefined)
  writeFileSync(join(stateDir, 'daemon.log'), `no json\n${fatal('old')}${ready}`)
  t.equal(lastWords(stateDir), undefined)
  t.end()
})

t.test('the log tells them, also when it was put aside since', t => {
  const stateDir = temporaryDirectory(t)
  const log = join(stateDir, 'daemon.log')
  writeFileSync(log, `${ready}${fatal('the disk is full')}`)
  const words = 'it ended by itself at 2030-01-01T00:00:00Z: the disk is full'
  t.equal(lastWords(stateDir), words)
  renameSync(log, `${log}.1`)
  t.equal(lastWords(stateDir), words)
  writeFileSync(log, entry(30, { event: 'stopped' }))
  t.equal(lastWords(stateDir), words)
  writeFileSync(log, ready)
  t.equal(lastWords(stateDir), undefined)
  t.end()
})

t.test('what was kept for them comes first, and is wiped by the next daemon', t => {
  const stateDir = temporaryDirectory(t)
  writeFileSync(join(stateDir, 'daemon.log'), `${ready}${fatal('by the log')}`)
  const file = new LastWordsFile(stateDir)
  t.match(lastWords(stateDir), /by the log/)
  file.write(fatal('kept'))
  t.match(lastWords(stateDir), /kept$/)
  file.write(fatal('x'.repeat(10_000)))
  t.match(lastWords(stateDir), /by the log/, 'what was cut is no entry')
  file.close()
  new LastWordsFile(stateDir).close()
  t.equal(readLastWords(stateDir), undefined)
  t.end()
})

t.test('no link is followed', t => {
  const stateDir = temporaryDirectory(t)
  const elsewhere = join(temporaryDirectory(t), 'file')
  writeFileSync(elsewhere, fatal('elsewhere'))
  symlinkSync(elsewhere, join(stateDir, 'daemon.log'))
  symlinkSync(elsewhere, join(stateDir, 'last-words'))
  t.equal(lastWords(stateDir), undefined)
  new LastWordsFile(stateDir).write('something else')
  symlinkSync(elsewhere, join(stateDir, 'other'))
  t.equal(lastWords(stateDir), undefined)
  t.end()
})

const noMount = process.geteuid?.() === 0 ? false : 'a small file system needs root to mount'
t.test('are kept when the disk is full', { skip: noMount }, t => {
  const stateDir = temporaryDirectory(t)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', stateDir], { encoding: 'utf8' })
  t.equal(mount.status, 0, mount.stderr)
  try {
    const file = new LastWordsFile(stateDir)
    t.throws(() => writeFileSync(join(stateDir, 'filler'), Buffer.alloc(128 * 1024, 1)), { code: 'ENOSPC' })
    file.write(fatal('no space left'))
    t.match(lastWords(stateDir), /no space left$/)
    file.close()
  } finally {
    spawnSync('umount', [stateDir])
  }
  t.end()
})
