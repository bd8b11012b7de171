/**
 * A daemon that is launched on a cache as full as a ledger may be: how soon it answers, how soon it knows again all that it
 * knew, how long an answer takes meanwhile, and its most memory. See docs/scale.md.
 *
 * OWNERS: how many made-up peers have records there (default: as many as there may be). Needs root. Removes all that it
 * made. Exit status 1 when a bound is broken, 77 when it cannot run.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE_STORE_FILE, monotonicMillis } from '../lib/io/mod.ts'
import { fromHex } from '../lib/base/mod.ts'
import { FULL, fillCache } from '../test/support/full-cache.ts'
import { run, waitFor } from '../test/support/testbed-command.ts'
import { Testbed, type Host } from '../test/support/testbed.ts'
import { needRoot } from './need-root.ts'
import { numberFromEnvironment } from './number-from-environment.ts'

const WAIT_MS = 120_000
const ASK_EVERY_MS = 50

interface Row {
  readonly name: string
  readonly value: number
  readonly digits: number
  readonly below?: number
}

async function main(): Promise<void> {
  needRoot('full-cache')
  const owners = numberFromEnvironment('full-cache', 'OWNERS', FULL.owners)
  const bed = new Testbed()
  let rows: readonly Row[] = []
  try {
    rows = await measured(await bed.host('full'), owners)
  } catch (error) {
    for (const line of bed.logTails()) console.error(line)
    throw error
  } finally {
    await bed.close()
  }
  const broken = rows.filter(({ value, below }) => value >= (below ?? Infinity))
  for (const row of rows) console.log(textOf(row) + (broken.includes(row) ? ' !' : ''))
  const { stdout } = await run(['ip', 'netns', 'list'])
  const isLeft = stdout.includes(bed.tag) || existsSync(bed.directory)
  if (isLeft) console.log('FAIL not all was removed')
  process.exitCode = broken.length === 0 && !isLeft ? 0 : 1
}

async function measured({ daemon }: Host, owners: number): Promise<Row[]> {
  await daemon.launch([])
  const meshId = fromHex((await daemon.status()).mesh.id ?? '')
  if (meshId === undefined) throw new Error('no mesh was founded')
  await daemon.say('stop')
  await waitFor('the end of the daemon', WAIT_MS, async () => !existsSync(daemon.socketPath))
  console.error(`filling a cache with the records of ${owners} peers`)
  const records = await fillCache(daemon.stateDir, meshId, { ...FULL, owners })
  const cacheBytes = statSync(join(daemon.stateDir, CACHE_STORE_FILE)).size
  console.error('launching')
  const startedAt = monotonicMillis()
  const since = () => (monotonicMillis() - startedAt) / 1000
  const launched = daemon.launch([]).then(since)
  const pid = await waitFor('an answer', WAIT_MS, async () => (await daemon.status()).pid)
  const answered = since()
  const answers: number[] = []
  for (;;) {
    const askedAt = performance.now()
    const { waiting } = await daemon.status()
    answers.push(performance.now() - askedAt)
    if (waiting.length === 0) break
    if (since() > WAIT_MS / 1000) throw new Error(`it waits: ${waiting.join('; ')}`)
    await new Promise(resolve => setTimeout(resolve, ASK_EVERY_MS))
  }
  const restored = since()
  const { ledger } = await daemon.report()
  if (ledger.records < records) throw new Error(`of ${records} records ${ledger.records} are there`)
  const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  return [
    { name: 'owners', value: ledger.owners, digits: 0 },
    { name: 'records', value: ledger.records, digits: 0 },
    { name: 'the cache on disk, MiB', value: cacheBytes / 1024 / 1024, digits: 0 },
    { name: 'first answer of the API, s', value: answered, digits: 2, below: 5 },
    { name: '`launch` returned, s', value: await launched, digits: 2, below: 5 },
    { name: 'all is known again, s', value: restored, digits: 2 },
    { name: 'the longest answer meanwhile, ms', value: Math.max(0, ...answers), digits: 0, below: 100 },
    { name: 'most memory, MiB', value: peak, digits: 0, below: 300 },
  ]
}

function textOf({ name, value, digits, below }: Row): string {
  return `${name.padEnd(34)} ${value.toFixed(digits)}${below === undefined ? '' : ` (< ${below})`}`
}

await main()
