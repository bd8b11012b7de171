import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CACHE_STORE_FILE, CacheStore } from '../../../lib/io/cache-store.ts'
import { temporaryDirectory } from './temporary.ts'

t.setTimeout(120_000)
const bytes = (text: string) => new TextEncoder().encode(text)

async function filled(t: Test, stateDir = temporaryDirectory(t)): Promise<{ stateDir: string; path: string }> {
  const cache = CacheStore.open(stateDir)
  cache.write(Array.from({ length: 200 }, (_, i) => [`ledger/${i}`, randomBytes(300)] as const))
  await cache.close()
  return { stateDir, path: join(stateDir, CACHE_STORE_FILE) }
}

t.test('keeps what was written over a close', async t => {
  const { stateDir } = await filled(t)
  const cache = CacheStore.open(stateDir)
  t.strictSame(cache.notices, [])
  t.equal(cache.range('ledger/').length, 200)
  cache.write([['ledger/0', bytes('new')]], ['ledger/1'])
  await cache.close()
  const again = CacheStore.open(stateDir)
  t.equal(again.range('ledger/').length, 199)
  t.strictSame(again.range('ledger/0')[0]?.[1], bytes('new'))
  t.equal(again.skipped, 0)
  await again.close()
})

t.test('what belongs to a state that is gone is not taken up', async t => {
  const { stateDir } = await filled(t)
  const cache = CacheStore.open(stateDir, true)
  t.strictSame(cache.range('ledger/'), [])
  await cache.close()
})

for (const [what, damage] of [
  ['empty', (path: string) => truncateSync(path, 0)],
  ['cut', (path: string) => truncateSync(path, 20_000)],
  ['garbage', (path: string) => writeFileSync(path, randomBytes(100_000))],
  [
    'a directory',
    (path: string) => {
      rmSync(path)
      mkdirSync(path)
    },
  ],
  [
    'a link',
    (path: string) => {
      rmSync(path)
      symlinkSync('/etc/hostname', path)
    },
  ],
] as const)
  t.test(`a cache that is ${what} is begun anew, with a notice`, async t => {
    const { stateDir, path } = await filled(t)
    damage(path)
    const cache = CacheStore.open(stateDir)
    t.match(cache.notices.join(), /begun anew: .*mesh\.mdb/)
    t.strictSame(cache.range('ledger/'), [])
    cache.write([['ledger/x', bytes('y')]])
    t.equal(cache.skipped, 0)
    await cache.close()
    const again = CacheStore.open(stateDir)
    t.equal(again.range('ledger/').length, 1)
    await again.close()
  })

const noMount = process.geteuid?.() === 0 ? false : 'a small file system needs root to mount'

t.test('a full disk costs the cache, not the caller, and gives its room back', { skip: noMount }, async t => {
  const stateDir = temporaryDirectory(t)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', stateDir], { encoding: 'utf8' })
  t.equal(mount.status, 0, mount.stderr)
  t.teardown(() => void spawnSync('umount', [stateDir]))
  const cache = CacheStore.open(stateDir)
  for (let i = 0; i < 100; i++) cache.write([[`ledger/${i}`, randomBytes(20_000)]])
  t.ok(cache.skipped > 40 && cache.skipped < 100, `${cache.skipped} were skipped`)
  t.notOk(existsSync(join(stateDir, CACHE_STORE_FILE)), 'a cache with a hole is none')
  t.strictSame(cache.range('ledger/'), [])
  await cache.close()
  const again = CacheStore.open(stateDir)
  t.strictSame(again.range('ledger/'), [])
  again.write([['ledger/x', bytes('y')]])
  again.skip()
  t.equal(again.skipped, 1)
  t.strictSame(again.range('ledger/'), [], 'a write that was not asked for is a hole as well')
  await again.close()
})

t.test('a disk that takes no file at all leaves a daemon without a cache', { skip: noMount }, async t => {
  const stateDir = temporaryDirectory(t)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,ro', 'tmpfs', stateDir], { encoding: 'utf8' })
  t.equal(mount.status, 0, mount.stderr)
  t.teardown(() => void spawnSync('umount', [stateDir]))
  const cache = CacheStore.open(stateDir)
  t.match(cache.notices.join(), /nothing is remembered/)
  cache.write([['ledger/x', bytes('y')]])
  t.equal(cache.skipped, 1)
  await cache.close()
})
