/**
 * Real daemons, one network namespace each, all on one switch: how soon they see each other, what they cost while idle, and
 * how soon the others notice that half of them were killed. See docs/scale.md.
 *
 * DAEMONS: sizes (default "20 40"). SETTLE_SECONDS: how long after all agree they are called idle (default 60). Needs root.
 * Removes all that it made. Exit status 1 when a bound is broken, 69 or 77 when it cannot run.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { run } from '../test/support/testbed-command.ts'
import { Testbed } from '../test/support/testbed.ts'
import { ManyDaemons, type ManyRun } from './many-daemons-run.ts'
import { needRoot } from './need-root.ts'
import { numberFromEnvironment } from './number-from-environment.ts'
import { table } from './scale-table.ts'

const EXIT_MISSING = 69
const TOOLS = ['ip', 'sysctl', 'nsenter'] as const
/** As many as a network of /24 has addresses for. */
const DAEMONS_MAX = 250

/**
 * After all agree, before it is called idle: links that are one too many end 20 s after the last launch, and what that left
 * on the heap is collected half a minute later. The first addresses of a large mesh are given out one in ten seconds, which
 * every host hears of, so 50 hosts have theirs after eight minutes only.
 */
const SETTLE_SECONDS = 60
const AGREE_SECONDS = 10
const CORE_PERCENT = 1
const BYTES_PER_SECOND = 2_000

interface Row {
  readonly name: string
  readonly digits: number
  readonly value: (result: ManyRun) => number | undefined
  readonly below?: number
}

const ROWS: readonly Row[] = [
  { name: 'one launch, s', digits: 1, value: result => result.launchSeconds },
  {
    name: 'all see all, s after the last launch',
    digits: 1,
    value: result => result.agreedSeconds,
    below: AGREE_SECONDS,
  },
  { name: 'idle: share of a core, %: mean', digits: 2, value: result => result.corePercent.mean },
  { name: 'idle: share of a core, %: most', digits: 2, value: result => result.corePercent.most, below: CORE_PERCENT },
  { name: 'idle: sent, B/s: mean', digits: 0, value: result => result.sentPerSecond.mean },
  { name: 'idle: sent, B/s: most', digits: 0, value: result => result.sentPerSecond.most, below: BYTES_PER_SECOND },
  { name: 'idle: received, B/s: mean', digits: 0, value: result => result.receivedPerSecond.mean },
  {
    name: 'idle: received, B/s: most',
    digits: 0,
    value: result => result.receivedPerSecond.most,
    below: BYTES_PER_SECOND,
  },
  { name: 'links per peer: least', digits: 0, value: result => result.links.least },
  { name: 'links per peer: mean', digits: 1, value: result => result.links.mean },
  { name: 'links per peer: most', digits: 0, value: result => result.links.most },
  { name: 'memory, MiB: most', digits: 0, value: result => result.residentMebibytes.most },
  { name: 'half killed: the others agree, s', digits: 1, value: result => result.lossSeconds, below: AGREE_SECONDS },
]

async function main(): Promise<void> {
  refuseWhereItCannotRun()
  const sizes = (process.env['DAEMONS'] ?? '20 40').split(/[\s,]+/).filter(text => text !== '')
  const bad = sizes.find(text => !/^\d+$/.test(text) || Number(text) < 2 || Number(text) > DAEMONS_MAX)
  if (bad !== undefined || sizes.length === 0)
    refuse(`DAEMONS holds numbers of 2 to ${DAEMONS_MAX}, not "${bad ?? ''}"`, 2)
  const settleSeconds = numberFromEnvironment('many-daemons', 'SETTLE_SECONDS', SETTLE_SECONDS)
  const broken: string[] = []
  const results: ManyRun[] = []
  for (const size of sizes) {
    const result = await measured(Number(size), settleSeconds * 1_000, broken)
    if (result !== undefined) results.push(result)
  }
  const cells = ROWS.map(row => [row.name, ...results.map(result => cellOf(row, result))])
  console.log(['', ...table(['daemons', ...results.map(({ daemons }) => String(daemons))], cells), ''].join('\n'))
  for (const result of results)
    for (const row of ROWS)
      if (isBroken(row, result)) broken.push(`${result.daemons} daemons: ${row.name}: ${cellOf(row, result)}`)
  for (const text of broken) console.log(`FAIL ${text}`)
  if (broken.length === 0) console.log('every bound holds')
  process.exitCode = broken.length === 0 ? 0 : 1
}

/** Undefined, and the reason among what is broken, when it could not be measured. */
async function measured(size: number, settleMs: number, broken: string[]): Promise<ManyRun | undefined> {
  const note = (text: string) => console.error(`${String(size).padStart(4)} daemons  ${text}`)
  const bed = new Testbed()
  try {
    return await new ManyDaemons(bed, size, note).run(settleMs)
  } catch (error) {
    broken.push(`${size} daemons: ${error instanceof Error ? error.message : String(error)}`)
    for (const line of bed.logTails()) console.error(`   ${line}`)
    return undefined
  } finally {
    note('removing what was made')
    await bed.close()
    const { stdout } = await run(['ip', 'netns', 'list'])
    if (stdout.includes(bed.tag) || existsSync(bed.directory)) broken.push(`${size} daemons: not all was removed`)
  }
}

function cellOf(row: Row, result: ManyRun): string {
  const value = row.value(result)
  const text = value === undefined ? 'never' : value.toFixed(row.digits)
  return `${text}${row.below === undefined ? '' : ` (< ${row.below})`}${isBroken(row, result) ? ' !' : ''}`
}

function isBroken(row: Row, result: ManyRun): boolean {
  const value = row.value(result)
  return value === undefined || value >= (row.below ?? Infinity)
}

function refuseWhereItCannotRun(): void {
  needRoot('many')
  const missing = TOOLS.filter(tool => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
  if (missing.length > 0) refuse(`missing programs: ${missing.join(' ')}; \`make setup\` installs them`, EXIT_MISSING)
}

function refuse(text: string, status: number): never {
  console.error(`many: ${text}`)
  process.exit(status)
}

await main()
