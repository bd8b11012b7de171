import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CACHE_SILENCE_MS_MAX, CACHE_STORE_FILE, CacheStore } from '../../../lib/io/cache-store.ts'
import { waitFor } from '../../support/testbed-command.ts'
import { temporaryDirectory } from './temporary.ts'

t.setTimeout(120_000)
const bytes = (text: string) => new TextEncoder().encode(text)

/** Processes that are not yet waited for. */
function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(text => text !== '')
}

interface Restored {
  readonly cache: CacheStore
  readonly entries: ReadonlyMap<string, Uint8Array>
  /** How many came in each piece. */
  readonly pieces: readonly number[]
  readonly notices: readonly string[]
}

/** The cache of a state directory, read. */
async function restored(stateDir: string, isFresh = false): Promise<Restored> {
  const cache = CacheStore.open(stateDir, isFresh)
  const entries = new Map<string, Uint8Array>()
  const pieces: number[] = []
  const notices = await cache.restore(piece => {
    pieces.push(piece.length)
    for (const [key, value] of piece) entries.set(key, Uint8Array.from(value))
  }, 0)
  return { cache, entries, pieces, notices }
}

async function filled(
  t: Test,
  stateDir = temporaryDirectory(t),
  count = 200,
): Promise<{ stateDir: string; path: string }> {
  const { cache } = await restored(stateDir)
  cache.write(Array.from({ length: count }, (_, i) => [`ledger/${i}`, randomBytes(300)] as const))
  await cache.close()
  return { stateDir, path: join(stateDir, CACHE_STORE_FILE) }
}

t.test('keeps what was written over a close', async t => {
  const { stateDir } = await filled(t)
  const { cache, entries, notices } = await restored(stateDir)
  t.strictSame(notices, [])
  t.equal(entries.size, 200)
  cache.write([['ledger/0', bytes('new')]], ['ledger/1'])
  await cache.close()
  const again = await restored(stateDir)
  t.equal(again.entries.size, 199)
  t.strictSame(again.entries.get('ledger/0'), bytes('new'))
  t.equal(again.cache.skipped, 0)
  await again.cache.close()
})

t.test('is read in pieces, in order, and other work has its turn between them', async t => {
  const { stateDir } = await filled(t, undefined, 5_000)
  const cache = CacheStore.open(stateDir)
  const keys: string[] = []
  const turnsAt: number[] = []
  let turn = 0
  let most = 0
  let isDone = false
  const tick = () => {
    turn++
    if (!isDone) setImmediate(tick)
  }
  tick()
  await cache.restore(piece => {
    most = Math.max(most, piece.length)
    turnsAt.push(turn)
    keys.push(...piece.map(([key]) => key))
  }, 0)
  isDone = true
  t.equal(keys.length, 5_000)
  t.strictSame(keys, [...keys].sort())
  t.ok(most < 500, `${most} entries at most were held at once`)
  t.equal(new Set(turnsAt).size, turnsAt.length, 'no two pieces came in one turn')
  await cache.close()
})

t.test('is read also when it is asked for only after all of it lies ready', async t => {
  for (const count of [3, 150]) {
    const { stateDir } = await filled(t, undefined, count)
    const cache = CacheStore.open(stateDir)
    await waitFor('the end of the checker', 30_000, () => childrenOf(process.pid).length === 0)
    let entries = 0
    t.strictSame(await cache.restore(piece => void (entries += piece.length), 0), [])
    t.equal(entries, count)
    await cache.close()
  }
})

t.test('what is written while it is read comes behind it', async t => {
  const { stateDir } = await filled(t)
  const cache = CacheStore.open(stateDir)
  cache.write([['ledger/0', bytes('before')]])
  await cache.restore(() => cache.write([['ledger/1', bytes('meanwhile')]], ['ledger/2']), 0)
  await cache.close()
  const again = await restored(stateDir)
  t.equal(again.entries.size, 199)
  t.strictSame(again.entries.get('ledger/0'), bytes('before'))
  t.strictSame(again.entries.get('ledger/1'), bytes('meanwhile'))
  await again.cache.close()
})

t.test('a daemon that ends while it is read finds it again, unless something was to be written', async t => {
  const { stateDir, path } = await filled(t)
  const cache = CacheStore.open(stateDir)
  const reading = cache.restore(() => undefined, 0)
  await cache.close()
  t.strictSame(await reading, [])
  const again = CacheStore.open(stateDir)
  let entries = 0
  await again.restore(piece => void (entries += piece.length), 0)
  t.equal(entries, 200)
  await again.close()
  const third = CacheStore.open(stateDir)
  third.write([['ledger/x', bytes('y')]])
  await third.close()
  t.notOk(existsSync(path))
})

t.test('a cache that gives nothing for long while it is read is begun anew', async t => {
  const { stateDir } = await filled(t, undefined, 5_000)
  const cache = CacheStore.open(stateDir)
  let at = 1_000 + CACHE_SILENCE_MS_MAX
  let pieces = 0
  const notices = await cache.restore(() => {
    if (pieces++ > 0) return
    t.equal(cache.pollTimeout()?.at, at)
    cache.handleTimeout(at - 1)
    t.equal(cache.pollTimeout()?.at, at, 'not before its time')
    cache.handleTimeout(at)
    at += CACHE_SILENCE_MS_MAX
    t.equal(cache.pollTimeout()?.at, at, 'this piece came meanwhile')
    cache.handleTimeout(at)
  }, 1_000)
  t.match(notices, [/begun anew: .*gave nothing for 10 s/])
  t.equal(pieces, 1, 'nothing more is given')
  t.equal(cache.pollTimeout(), undefined)
  cache.write([['ledger/x', bytes('y')]])
  t.equal(cache.skipped, 0)
  await cache.close()
  const again = await restored(stateDir)
  t.equal(again.entries.size, 1)
  await again.cache.close()
})

t.test('too much that waits to be written costs the cache', async t => {
  const { stateDir, path } = await filled(t)
  const cache = CacheStore.open(stateDir)
  for (let i = 0; i < 10; i++) cache.write([[`ledger/${i}`, randomBytes(1024 * 1024)]])
  t.ok(cache.skipped > 0)
  t.strictSame(await cache.restore(() => t.fail('an entry'), 0), [])
  t.notOk(existsSync(path))
  await cache.close()
})

t.test('what belongs to a state that is gone is not taken up', async t => {
  const { stateDir } = await filled(t)
  const { cache, entries } = await restored(stateDir, true)
  t.equal(entries.size, 0)
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
    const { cache, notices } = await restored(stateDir)
    t.match(notices.join(), /begun anew: .*mesh\.mdb/)
    cache.write([['ledger/x', bytes('y')]])
    t.equal(cache.skipped, 0)
    await cache.close()
    const again = await restored(stateDir)
    t.strictSame([...again.entries.keys()], ['ledger/x'])
    await again.cache.close()
  })

const noMount = process.geteuid?.() === 0 ? false : 'a small file system needs root to mount'

t.test('a full disk costs the cache, not the caller, and gives its room back', { skip: noMount }, async t => {
  const stateDir = temporaryDirectory(t)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', stateDir], { encoding: 'utf8' })
  t.equal(mount.status, 0, mount.stderr)
  t.teardown(() => void spawnSync('umount', [stateDir]))
  const { cache } = await restored(stateDir)
  for (let i = 0; i < 100; i++) cache.write([[`ledger/${i}`, randomBytes(20_000)]])
  t.ok(cache.skipped > 40 && cache.skipped < 100, `${cache.skipped} were skipped`)
  t.notOk(existsSync(join(stateDir, CACHE_STORE_FILE)), 'a cache with a hole is none')
  await cache.close()
  const again = await restored(stateDir)
  t.equal(again.entries.size, 0)
  again.cache.write([['ledger/x', bytes('y')]])
  again.cache.skip()
  t.equal(again.cache.skipped, 1)
  t.notOk(existsSync(join(stateDir, CACHE_STORE_FILE)), 'a write that was not asked for is a hole as well')
  await again.cache.close()
})

t.test('a disk that takes no file at all leaves a daemon without a cache', { skip: noMount }, async t => {
  const stateDir = temporaryDirectory(t)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,ro', 'tmpfs', stateDir], { encoding: 'utf8' })
  t.equal(mount.status, 0, mount.stderr)
  t.teardown(() => void spawnSync('umount', [stateDir]))
  const { cache, notices } = await restored(stateDir)
  t.match(notices.join(), /nothing is remembered/)
  cache.write([['ledger/x', bytes('y')]])
  t.equal(cache.skipped, 1)
  await cache.close()
})
