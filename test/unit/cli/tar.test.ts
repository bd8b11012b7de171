import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { tarOf } from '../../../lib/cli/tar.ts'

const AT = new Date('2026-01-31T12:00:00Z')

t.test('tar reads what was written: names, sizes around a block, times and modes', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-tar-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const contents = { 'a/empty': '', 'a/511': 'x'.repeat(511), 'a/512': 'y'.repeat(512), 'a/b/513': 'ü'.repeat(300) }
  const entries = Object.entries(contents).map(([name, content]) => ({ name, content }))
  const { status, stderr } = spawnSync('tar', ['-x', '-C', directory, '--no-same-owner', '-f', '-'], {
    input: tarOf(entries, AT),
    encoding: 'utf8',
  })
  t.strictSame([status, stderr], [0, ''])
  for (const [name, content] of Object.entries(contents)) {
    t.equal(readFileSync(join(directory, name), 'utf8'), content, name)
    const { mode, mtimeMs } = statSync(join(directory, name))
    t.strictSame([mode & 0o777, mtimeMs], [0o600, AT.getTime()], name)
  }
})

t.test('a name that does not fit is a fault of ours', async t => {
  t.throws(() => tarOf([{ name: 'n'.repeat(101), content: '' }], AT), /too long/)
  t.doesNotThrow(() => tarOf([{ name: 'n'.repeat(100), content: '' }], AT))
})
