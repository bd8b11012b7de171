import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { openEnvironment } from '../../../lib/io/state-env.ts'
import { EMPTY_HEAD, encodeHead, sealRecord, STORE_HEAD_KEY } from '../../../lib/io/state-record.ts'
import { BALLAST_BYTES, freeBytes } from '../../../lib/io/ballast.ts'
import { CHECKER, StateStore, STATE_STORE_FILE, type StoreOptions } from '../../../lib/io/state-store.ts'
import { temporaryDirectory, weaveError } from './temporary.ts'

// Each store is verified by a process of its own.
t.setTimeout(120_000)
const PAGE_BYTES = 4096
const bytes = (text: string) => new TextEncoder().encode(text)

/** Its ballast is small: to make it is what takes time here. */
const openStore = (stateDir: string, options: StoreOptions = {}) =>
  StateStore.open(stateDir, { ballastBytes: 64 * 1024, ...options })

/** Stores that were made once: the process that makes one costs more than the rest of a test. */
const samples = { empty: await sample(false), filled: await sample(true) }

function storeOf(t: Test, content: Uint8Array): { stateDir: string; path: string } {
  const stateDir = temporaryDirectory(t)
  const path = join(stateDir, STATE_STORE_FILE)
  writeFileSync(path, content, { mode: 0o600 })
  return { stateDir, path }
}

const filledStore = (t: Test) => storeOf(t, samples.filled)

async function sample(isFilled: boolean): Promise<Uint8Array> {
  const stateDir = temporaryDirectory(t)
  const store = openStore(stateDir)
  for (let round = 0; isFilled && round < 4; round++) {
    store.write(Array.from({ length: 50 }, (_, i) => [`record/${i}`, randomBytes(200 + 37 * i)] as const))
  }
  if (isFilled) store.write([], ['record/7', 'record/8'])
  await store.close()
  return readFileSync(join(stateDir, STATE_STORE_FILE))
}

function fingerprint(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function overwrite(path: string, at: number, garbage: Uint8Array): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, garbage, 0, garbage.length, at)
  closeSync(fd)
}

t.test('keeps what was written over a close, in the order of keys', async t => {
  const stateDir = temporaryDirectory(t)
  const store = openStore(stateDir)
  store.write([
    ['a/2', bytes('two')],
    ['a/1', bytes('one')],
    ['b/1', bytes('')],
  ])
  store.write([['a/1', bytes('uno')]], ['b/1', 'never/there'])
  await store.close()

  const again = openStore(stateDir)
  t.strictSame(again.get('a/1'), bytes('uno'))
  t.equal(again.get('b/1'), undefined)
  t.strictSame(again.range('a/'), [
    ['a/1', bytes('uno')],
    ['a/2', bytes('two')],
  ])
  t.strictSame(again.range('c'), [])
  t.strictSame(again.notices, [])
  await again.close()
})

t.test('makes the directory 0700 and the file 0600, and nothing else lies about', async t => {
  const stateDir = join(temporaryDirectory(t), 'deep', 'state')
  await openStore(stateDir).close()
  t.equal(statSync(stateDir).mode & 0o777, 0o700)
  t.equal(statSync(join(stateDir, STATE_STORE_FILE)).mode & 0o777, 0o600)
  t.strictSame(readdirSync(stateDir).sort(), ['ballast', 'state.mdb', 'state.mdb-lock'])
})

t.test('behaves as a map, over restarts', async t => {
  const key = fc.stringMatching(/^[a-d]{1,3}$/)
  const step = fc.record({
    puts: fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 40 })), { maxLength: 5 }),
    deletes: fc.array(key, { maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async steps => {
      const { stateDir } = storeOf(t, samples.empty)
      const model = new Map<string, Uint8Array>()
      let store = openStore(stateDir, { isVerified: true })
      for (const { puts, deletes } of steps) {
        store.write(puts, deletes)
        for (const [key, value] of puts) model.set(key, value)
        for (const key of deletes) model.delete(key)
      }
      await store.close()
      store = openStore(stateDir)
      const expected = [...model].filter(([key]) => key.startsWith('a')).sort(([a], [b]) => (a < b ? -1 : 1))
      t.strictSame(store.range('a'), expected)
      await store.close()
    }),
    { numRuns: 4 },
  )
})

t.test('refuses keys that it could not order or that are its own', async t => {
  const store = openStore(temporaryDirectory(t))
  for (const key of ['', '!head', 'ü', 'a\nb', 'x'.repeat(513)]) {
    t.throws(() => store.write([[key, bytes('v')]]), /store key/, JSON.stringify(key))
  }
  t.throws(() => store.write([['k', new Uint8Array(1024 * 1024 + 1)]]), /store value/)
  await store.close()
})

t.test('what was acknowledged outlives a kill -9', async t => {
  const stateDir = temporaryDirectory(t)
  const module = new URL('../../../lib/io/state-store.js', import.meta.url).href
  const script = `
    import { StateStore } from ${JSON.stringify(module)}
    import { writeSync } from 'node:fs'
    const store = StateStore.open(${JSON.stringify(stateDir)})
    for (let i = 0; i < 300; i++) {
      store.write([['n', Uint8Array.of(i & 255, i >> 8)], ['k' + i, new Uint8Array(500).fill(i)]])
      writeSync(1, i + '\\n')
      if (i === 120) process.kill(process.pid, 'SIGKILL')
    }`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  t.equal(child.signal, 'SIGKILL', child.stderr)
  t.match(child.stdout, /\n120\n$/)
  const store = openStore(stateDir)
  t.strictSame(store.get('n'), Uint8Array.of(120, 0))
  t.equal(store.range('k').length, 121)
  await store.close()
})

t.test('a damaged store is refused with a remedy and is not touched', async t => {
  const size = samples.filled.length
  const cases: readonly (readonly [string, (path: string) => void])[] = [
    ['empty', path => truncateSync(path, 0)],
    ['cut to one byte', path => truncateSync(path, 1)],
    ['cut inside the first page', path => truncateSync(path, 100)],
    ['cut behind the first pages', path => truncateSync(path, 3 * PAGE_BYTES)],
    ['random throughout', path => writeFileSync(path, randomBytes(size))],
    ['a text', path => writeFileSync(path, 'this is no database\n'.repeat(1000))],
    ['random in both header pages', path => overwrite(path, 0, randomBytes(2 * PAGE_BYTES))],
    [
      'random in every page but the headers',
      path => overwrite(path, 2 * PAGE_BYTES, randomBytes(size - 2 * PAGE_BYTES)),
    ],
    [
      'zero in every page but the headers',
      path => overwrite(path, 2 * PAGE_BYTES, new Uint8Array(size - 2 * PAGE_BYTES)),
    ],
  ]
  for (const [what, damage] of cases) {
    t.test(what, async t => {
      const { stateDir, path } = filledStore(t)
      damage(path)
      const before = fingerprint(path)
      const error = weaveError(() => openStore(stateDir))
      t.equal(error?.code, 'STATE_DAMAGED', `${error?.message}`)
      t.ok(error?.message.includes(path))
      t.match(error?.remedy, /move it aside/)
      t.equal(fingerprint(path), before)
      t.notOk(readdirSync(stateDir).includes('state.mdb.new'))
    })
  }
})

t.test('garbage in one page, or a cut before it, is found, or it held nothing', async t => {
  const good = samples.filled
  const before = openStore(filledStore(t).stateDir)
  const expected = before.range('record/')
  await before.close()
  const pages = Math.floor(good.length / PAGE_BYTES)
  const damaged: { readonly what: string; readonly stateDir: string; readonly path: string }[] = []
  for (let page = 2; page < pages; page += 7) {
    const { path, stateDir } = storeOf(t, good)
    overwrite(path, page * PAGE_BYTES, randomBytes(PAGE_BYTES))
    damaged.push({ what: `garbage in page ${page} of ${pages}`, stateDir, path })
  }
  for (let page = 3; page < pages; page += 17)
    damaged.push({ what: `cut before page ${page} of ${pages}`, ...storeOf(t, good.subarray(0, page * PAGE_BYTES)) })
  let found = 0
  for (const { what, stateDir } of await unfound(damaged, () => found++)) {
    const store = openStore(stateDir, { isVerified: true })
    t.strictSame(store.range('record/'), expected, `${what}: held nothing`)
    store.write([['after', bytes('x')]])
    t.strictSame(store.range('record/'), expected)
    await store.close()
  }
  t.ok(found > 0, `${found} found`)
  t.comment(`${found} of ${damaged.length} found`)
})

/** Runs the checker on one store after the other, in its process. */
const CHECK_MANY = `
  const [checker, ...paths] = process.argv.slice(1)
  for (const [i, path] of paths.entries()) {
    process.argv[2] = 'check'
    process.argv[3] = path
    await import(checker + '?' + i)
  }`

/** The stores that the checker finds good. One that ends its process is looked at again, in a process of its own. */
async function unfound<T extends { readonly stateDir: string; readonly path: string }>(
  stores: readonly T[],
  onFound: () => void,
): Promise<T[]> {
  const good: T[] = []
  for (let at = 0; at < stores.length;) {
    const paths = stores.slice(at).map(({ path }) => path)
    const argv = ['--input-type=module', '-e', CHECK_MANY, pathToFileURL(CHECKER).href, ...paths]
    const lines = spawnSync(process.execPath, argv, { encoding: 'utf8' }).stdout.split('\n').slice(0, -1)
    for (const line of lines) {
      const { outcome } = JSON.parse(line) as { outcome: string }
      if (outcome === 'good') good.push(stores[at]!)
      else onFound()
      at++
    }
    const crashed = lines.length < paths.length ? stores[at++] : undefined
    if (crashed === undefined) continue
    try {
      await openStore(crashed.stateDir).close()
      good.push(crashed)
    } catch (error) {
      if (!(error instanceof WeaveError) || error.code !== 'STATE_DAMAGED') throw error
      onFound()
    }
  }
  return good
}

t.test('one changed bit of a value is found', async t => {
  const stateDir = temporaryDirectory(t)
  const store = openStore(stateDir)
  store.write([['k', bytes('a value that can be found in the file')]])
  await store.close()
  const path = join(stateDir, STATE_STORE_FILE)
  const content = readFileSync(path)
  for (let at = content.indexOf('a value that'); at >= 0; at = content.indexOf('a value that', at + 1))
    content[at]! ^= 1
  writeFileSync(path, content)
  const error = weaveError(() => openStore(stateDir))
  t.equal(error?.code, 'STATE_DAMAGED')
  t.match(error?.message, /record k has a wrong checksum/)
})

t.test('a record that vanished is found', async t => {
  const { stateDir, path } = filledStore(t)
  const env = openEnvironment(path)
  env.removeSync('record/3')
  await env.close()
  const error = weaveError(() => openStore(stateDir))
  t.equal(error?.code, 'STATE_DAMAGED')
  t.match(error?.message, /holds 47 records and should hold 48/)
})

t.test('a record that went back to an older value is found', async t => {
  const { stateDir, path } = filledStore(t)
  const env = openEnvironment(path)
  env.putSync('record/3', Buffer.from(sealRecord('record/3', bytes('old'))))
  await env.close()
  t.match(weaveError(() => openStore(stateDir))?.message, /not the ones that were written/)
})

t.test('a store of another schema version is refused with both versions', async t => {
  const { stateDir, path } = filledStore(t)
  const env = openEnvironment(path)
  env.putSync(STORE_HEAD_KEY, Buffer.from(sealRecord(STORE_HEAD_KEY, encodeHead({ ...EMPTY_HEAD, version: 2 }))))
  await env.close()
  const before = fingerprint(path)
  const error = weaveError(() => openStore(stateDir))
  t.equal(error?.code, 'STATE_VERSION')
  t.match(error?.message, /version 2.*version 1/)
  t.equal(fingerprint(path), before)
})

t.test('permissions that are too open are mended and told', async t => {
  const { stateDir, path } = filledStore(t)
  chmodSync(path, 0o644)
  const store = openStore(stateDir)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.match(store.notices.join(), /0600/)
  await store.close()
})

t.test('a directory in place of the file is refused', t => {
  const stateDir = temporaryDirectory(t)
  mkdirSync(join(stateDir, STATE_STORE_FILE))
  t.equal(weaveError(() => openStore(stateDir))?.code, 'STATE_DAMAGED')
  t.end()
})

t.test('a crash while the store is first made leaves no damaged store', async t => {
  const stateDir = temporaryDirectory(t)
  writeFileSync(join(stateDir, 'state.mdb.new'), randomBytes(5000))
  const store = openStore(stateDir)
  t.strictSame(store.range('a'), [])
  await store.close()
})

const noMount = process.geteuid?.() === 0 ? false : 'a small file system needs root to mount'

/** A state directory on a file system of its own, of so many KiB; `fill` leaves so many bytes free. */
function smallDisk(t: Test, kibibytes: number) {
  const stateDir = temporaryDirectory(t)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', stateDir], { encoding: 'utf8' })
  t.equal(mount.status, 0, mount.stderr)
  t.teardown(() => void spawnSync('umount', [stateDir]))
  const filler = join(stateDir, 'filler')
  return {
    stateDir,
    fill: (free = 0) => writeFileSync(filler, Buffer.alloc(freeBytes(stateDir) - free, 1)),
    free: () => rmSync(filler),
    resize: (to: number) => spawnSync('mount', ['-o', `remount,size=${to}k`, stateDir]),
  }
}

t.test('a full disk fails the write, keeps what was there, and lets go on with room', { skip: noMount }, async t => {
  const disk = smallDisk(t, 512)
  const store = StateStore.open(disk.stateDir)
  t.match(store.fullness, /state\.mdb is full \(\d+ bytes free\)/, 'a disk without room for a ballast is full')
  store.write([['kept', bytes('value')]])
  const error = weaveError(() => {
    for (let i = 0; i < 100; i++) store.write([[`k${i}`, randomBytes(20_000)]])
  })
  t.equal(error?.code, 'STATE_IO', `${error?.message}`)
  t.match(error?.message, /state\.mdb.*\d+ bytes free/)
  t.match(error?.remedy ?? '', /df /)
  t.strictSame(store.get('kept'), bytes('value'))
  disk.resize(4096)
  store.write([['later', bytes('room')]])
  await store.close()
  const again = StateStore.open(disk.stateDir)
  t.strictSame(again.get('later'), bytes('room'))
  t.strictSame(again.get('kept'), bytes('value'))
  await again.close()
})

t.test(
  'the write that meets a full disk succeeds by the ballast, and room brings it back',
  { skip: noMount },
  async t => {
    const disk = smallDisk(t, 16 * 1024)
    const store = StateStore.open(disk.stateDir)
    const ballast = join(disk.stateDir, 'ballast')
    t.equal(store.fullness, undefined)
    t.equal(statSync(ballast).blocks * 512, BALLAST_BYTES, 'it has its place on the disk')
    t.equal(statSync(ballast).mode & 0o777, 0o600)
    disk.fill()
    store.tend(0)
    t.equal(store.fullness, undefined, 'nothing was refused yet')
    for (let i = 0; i < 5; i++) store.write([[`k${i}`, randomBytes(50_000)]])
    t.equal(store.range('k').length, 5)
    t.match(store.fullness, /bytes free/)
    t.notOk(existsSync(ballast))
    for (const now of [1_000, 2_000, 3_000]) store.tend(now)
    t.ok(store.fullness, 'there is no room yet')
    disk.free()
    store.tend(3_500)
    t.ok(store.fullness, 'it is looked at once in a second')
    store.tend(4_000)
    t.equal(store.fullness, undefined)
    t.ok(existsSync(ballast))
    await store.close()
  },
)

t.test('with disk and ballast used up a write says so, and what was written stays', { skip: noMount }, async t => {
  const disk = smallDisk(t, 16 * 1024)
  const store = StateStore.open(disk.stateDir)
  disk.fill()
  let written = 0
  const error = weaveError(() => {
    for (; written < 10_000; written++) store.write([[`k${written}`, randomBytes(20_000)]])
  })
  t.equal(error?.code, 'STATE_IO')
  t.ok(written * 20_000 > BALLAST_BYTES / 2, `${written} writes came before`)
  t.equal(store.range('k').length, written)
  await store.close()
  const again = StateStore.open(disk.stateDir)
  t.equal(again.range('k').length, written, 'also for the next start, on the full disk')
  t.ok(again.fullness)
  disk.free()
  again.write([['later', bytes('room')]])
  again.tend(0)
  t.equal(again.fullness, undefined)
  await again.close()
})
