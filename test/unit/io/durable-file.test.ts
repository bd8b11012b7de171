import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ensureStateDir, isOpenToOthers, writeFileDurably } from '../../../lib/io/durable-file.ts'
import { temporaryDirectory, weaveError } from './temporary.ts'

t.test('replaces a file as a whole, private whatever it was, and leaves nothing else', t => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'file')
  writeFileSync(path, 'a long former content', { mode: 0o644 })
  writeFileDurably(path, 'new')
  t.equal(readFileSync(path, 'utf8'), 'new')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(readdirSync(directory), ['file'])
  t.end()
})

t.test('a state directory that cannot be made is told', t => {
  const path = join(temporaryDirectory(t), 'file')
  writeFileSync(path, '')
  t.equal(weaveError(() => ensureStateDir(path))?.code, 'STATE_IO')
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
    t.equal(isOpenToOthers(path), isOpen, mode.toString(8))
  }
  t.end()
})
