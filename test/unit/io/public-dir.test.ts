import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makePublicDir, removeEmptyDirs } from '../../../lib/io/public-dir.ts'

t.test('everybody may enter, and one may write, whatever the umask is', async t => {
  const root = join(t.testdir(), 'root')
  const before = process.umask(0o077)
  t.teardown(() => process.umask(before))
  makePublicDir(join(root, 'a/b'), root)
  makePublicDir(join(root, 'a/b'), root)
  for (const path of ['', 'a', 'a/b']) t.equal(statSync(join(root, path)).mode & 0o777, 0o755, path)
})

t.test('what others could have made is refused', async t => {
  const root = t.testdir({ file: '', open: {}, target: {} })
  chmodSync(join(root, 'open'), 0o777)
  symlinkSync(join(root, 'target'), join(root, 'link'))
  for (const name of ['file', 'open', 'link'])
    t.throws(
      () => makePublicDir(join(root, name, 'in'), root),
      { code: 'STATE_UNSAFE', message: join(root, name) },
      name,
    )
})

t.test('only what is empty is taken away', async t => {
  const root = join(t.testdir(), 'root')
  mkdirSync(join(root, 'a/b/c'), { recursive: true })
  writeFileSync(join(root, 'a/other'), '')
  removeEmptyDirs(join(root, 'a/b/c'), root)
  t.notOk(existsSync(join(root, 'a/b')))
  t.ok(existsSync(join(root, 'a/other')))
  mkdirSync(join(root, '../sibling'))
  removeEmptyDirs(join(root, '../sibling'), root)
  t.ok(existsSync(join(root, '../sibling')), 'nor anything outside')
})
