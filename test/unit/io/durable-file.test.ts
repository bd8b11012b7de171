import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { writeFileDurably } from '../../../lib/io/durable-file.ts'
import { temporaryDirectory } from './temporary.ts'

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
