import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { STATE_FILES, isStateFile, makeStateDir, secureStateDir } from '../../../lib/io/state-dir.ts'
import {
  STATE_FILE_BYTES_MAX,
  isOpenToOthers,
  openStateFile,
  readStateFile,
  readStateFileEnd,
} from '../../../lib/io/state-file.ts'
import { temporaryDirectory, weaveError } from './temporary.ts'

const notRoot = process.geteuid?.() === 0 ? false : 'giving files to others needs root'

t.test('makes the directory for this user alone, and finds nothing to say about it', t => {
  const stateDir = join(temporaryDirectory(t), 'deep', 'state')
  t.strictSame(secureStateDir(stateDir), [])
  t.equal(statSync(stateDir).mode & 0o777, 0o700)
  for (const name of STATE_FILES) writeFileSync(join(stateDir, name), 'x', { mode: 0o600 })
  mkdirSync(join(stateDir, 'daemon.log.1'))
  t.strictSame(secureStateDir(stateDir), [])
  t.end()
})

for (const mode of [0o777, 0o1777, 0o720, 0o702])
  t.test(`takes write permission of others away: ${mode.toString(8)}`, t => {
    const stateDir = temporaryDirectory(t)
    chmodSync(stateDir, mode)
    t.match(secureStateDir(stateDir).join(), /could be written by other users.*its mode is now/)
    t.equal(statSync(stateDir).mode & 0o022, 0)
    t.strictSame(secureStateDir(stateDir), [], 'and has nothing to say the next time')
    t.end()
  })

for (const name of [...STATE_FILES, 'state.mdb-lock', 'daemon.log.1', 'identity.json.new'])
  t.test(`refuses a link in place of ${name}, and does not touch what it leads to`, t => {
    const stateDir = temporaryDirectory(t)
    const elsewhere = join(temporaryDirectory(t), 'victim')
    writeFileSync(elsewhere, 'precious')
    symlinkSync(elsewhere, join(stateDir, name))
    const error = weaveError(() => secureStateDir(stateDir))
    t.equal(error?.code, 'STATE_UNSAFE')
    t.match(error?.message, join(stateDir, name))
    t.match(error?.remedy, /ls -l .*remove the link/)
    t.equal(readFileSync(elsewhere, 'utf8'), 'precious')
    t.end()
  })

t.test('refuses a link that leads nowhere yet', t => {
  const stateDir = temporaryDirectory(t)
  const nowhere = join(stateDir, 'to-come')
  symlinkSync(nowhere, join(stateDir, 'daemon.log'))
  t.equal(weaveError(() => secureStateDir(stateDir))?.code, 'STATE_UNSAFE')
  t.equal(weaveError(() => openStateFile(join(stateDir, 'daemon.log'), 'append'))?.code, 'STATE_UNSAFE')
  t.equal(weaveError(() => readStateFile(join(stateDir, 'daemon.log')))?.code, 'STATE_UNSAFE')
  t.notOk(existsSync(nowhere))
  t.end()
})

t.test('refuses a file with a second name, and what is no file', t => {
  const stateDir = temporaryDirectory(t)
  const victim = join(temporaryDirectory(t), 'victim')
  writeFileSync(victim, 'precious')
  linkSync(victim, join(stateDir, 'daemon.log'))
  t.match(weaveError(() => secureStateDir(stateDir))?.message, /2 names/)
  t.match(weaveError(() => openStateFile(join(stateDir, 'daemon.log'), 'append'))?.message, /2 names/)
  const other = temporaryDirectory(t)
  t.equal(spawnSync('mkfifo', [join(other, 'daemon.log')]).status, 0)
  t.match(weaveError(() => secureStateDir(other))?.message, /no file/)
  t.end()
})

t.test('refuses what belongs to somebody else', { skip: notRoot }, t => {
  const stateDir = temporaryDirectory(t)
  writeFileSync(join(stateDir, 'identity.json'), '{}')
  chownSync(join(stateDir, 'identity.json'), 65_534, 65_534)
  const file = weaveError(() => secureStateDir(stateDir))
  t.equal(file?.code, 'STATE_UNSAFE')
  t.match(file?.message, /identity\.json belongs to user 65534; this process is user 0/)
  const foreign = temporaryDirectory(t)
  chownSync(foreign, 65_534, 65_534)
  const directory = weaveError(() => secureStateDir(foreign))
  t.equal(directory?.code, 'STATE_UNSAFE')
  t.match(directory?.remedy, /chown -R root .*--state-dir/)
  t.end()
})

t.test('leaves files that are not of weave-ts alone', t => {
  const stateDir = temporaryDirectory(t)
  symlinkSync('/etc/hostname', join(stateDir, 'notes.txt'))
  t.strictSame(secureStateDir(stateDir), [])
  t.notOk(isStateFile('notes.txt'))
  t.ok(isStateFile('state.mdb.cloned-1'))
  t.notOk(isStateFile('state.mdbx'))
  t.end()
})

t.test('appends, and makes what is not there for this user alone', t => {
  const path = join(temporaryDirectory(t), 'daemon.log')
  closeSync(openStateFile(path, 'append'))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(readStateFile(path), '')
  t.end()
})

t.test('reads the end of a file in whole lines', t => {
  const path = join(temporaryDirectory(t), 'daemon.log')
  writeFileSync(path, 'first\nsecond\nthird\n', { mode: 0o600 })
  t.equal(readStateFileEnd(path, 19), 'first\nsecond\nthird\n')
  t.equal(readStateFileEnd(path, 18), 'second\nthird\n')
  t.equal(readStateFileEnd(path, 9), 'third\n')
  t.throws(() => readStateFileEnd(`${path}.1`, 9), { code: 'ENOENT' })
  t.end()
})

t.test('a state directory that cannot be made is told', t => {
  const path = join(temporaryDirectory(t), 'file')
  writeFileSync(path, '')
  t.equal(weaveError(() => makeStateDir(path))?.code, 'STATE_IO')
  t.end()
})

t.test('sees when others may come near a file', t => {
  const path = join(temporaryDirectory(t), 'file')
  writeFileSync(path, '')
  for (const [mode, isOpen] of [
    [0o600, false],
    [0o400, false],
    [0o640, true],
    [0o602, true],
  ] as const) {
    chmodSync(path, mode)
    t.equal(isOpenToOthers(statSync(path)), isOpen, mode.toString(8))
  }
  t.end()
})

for (const way of ['read', 'append', 'rewrite', 'anew'] as const)
  t.test(`whatever a file is opened for, it must be one of ours: ${way}`, t => {
    const stateDir = temporaryDirectory(t)
    const [victim, link, other, pipe, directory] = ['victim', 'link', 'other', 'pipe', 'directory'].map(name =>
      join(stateDir, name),
    ) as [string, string, string, string, string]
    writeFileSync(victim, 'precious')
    symlinkSync(victim, link)
    linkSync(victim, other)
    mkdirSync(directory)
    t.equal(spawnSync('mkfifo', [pipe]).status, 0)
    const code = way === 'anew' ? 'EEXIST' : 'STATE_UNSAFE'
    for (const path of [link, other, pipe]) t.throws(() => openStateFile(path, way), { code }, path)
    t.throws(() => openStateFile(directory, way))
    t.equal(readFileSync(victim, 'utf8'), 'precious')
    t.end()
  })

t.test('a file that is read as a whole has a bound', t => {
  const path = join(temporaryDirectory(t), 'last-words')
  writeFileSync(path, 'x'.repeat(STATE_FILE_BYTES_MAX))
  t.equal(readStateFile(path).length, STATE_FILE_BYTES_MAX)
  writeFileSync(path, 'x'.repeat(STATE_FILE_BYTES_MAX + 1))
  t.throws(() => readStateFile(path), /larger than/)
  t.end()
})

t.test('a directory where none can be made is refused with the reason of the system', async t => {
  // Not the runtime's recursive way, which goes on for ever here.
  t.throws(() => makeStateDir('/proc/weave-ts/state'), { code: 'STATE_IO', message: /ENOENT/ })
  const directory = join(temporaryDirectory(t), 'one', 'two')
  makeStateDir(directory)
  makeStateDir(directory)
  t.equal(statSync(directory).mode & 0o777, 0o700)
})
