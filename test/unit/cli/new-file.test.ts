import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { NewFile } from '../../../lib/cli/new-file.ts'

t.test('it is there before it is filled, for whom it is meant, and nothing that was there is touched', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-new-file-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'drawing.svg')
  const file = NewFile.make(path, '--svg', 0o600)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.throws(() => NewFile.make(path, '--svg'), { code: 'USAGE', message: /^--svg cannot be written: .*EEXIST/ })
  file.fill('<svg/>')
  t.equal(readFileSync(path, 'utf8'), '<svg/>')

  const other = join(directory, 'other')
  const given = NewFile.make(other, 'the archive')
  given.remove()
  t.notOk(existsSync(other))
  writeFileSync(other, 'of somebody')
  t.throws(() => NewFile.make(other, 'the archive'), { code: 'USAGE' })
  t.equal(readFileSync(other, 'utf8'), 'of somebody')
  t.throws(() => NewFile.make(join(directory, 'none', 'x'), 'the archive'), { code: 'USAGE', message: /ENOENT/ })
})
