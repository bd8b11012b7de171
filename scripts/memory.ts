/**
 * How much memory daemons have, and where it is: one that is alone and idle, one of a mesh, and whether it grows over runs of
 * traffic and questions. See docs/scale.md.
 *
 * DAEMONS: sizes of meshes (default "1 20"). RUNS (default 10; 0: none). SETTLE_SECONDS (default 60). MEMORY_JSON: a file for all
 * figures. Needs root. Removes all that it made. Exit status 1 when a bound is broken, 77 when it cannot run.
 */
import { existsSync } from 'node:fs'
import { run } from '../test/support/testbed-command.ts'
import { Testbed } from '../test/support/testbed.ts'
import { jsonFileFromEnvironment } from './json-file.ts'
import { GROWTH_RUNS_MIN, faultOfGrowth, growthOf } from './memory-growth.ts'
import { GROWING, measureGrowth, measureMesh, type GrowthFigure, type MemoryFigure } from './memory-run.ts'
import { PARTS, PART_WORDS, type MemorySplit } from './memory-split.ts'
import { needRoot } from './need-root.ts'
import { numberFromEnvironment } from './number-from-environment.ts'
import { table } from './scale-table.ts'

const KIBI = 1024
/** Resident mebibytes, by the size of a mesh. */
const BOUNDS: Readonly<Record<number, number>> = { 1: 65, 20: 80 }
const SETTLE_SECONDS = 60
const GROWING_WORDS: Readonly<Record<(typeof GROWING)[number], string>> = {
  heap: 'heap of the main thread, in use, without code',
  external: 'buffers of the main thread, in use',
  native: 'malloc, buffers of their own, stacks',
  javascript: 'heaps of JavaScript, main thread and lanes',
  resident: 'resident',
}
/**
 * Not what has garbage of lanes in it, which goes up and down by 2 MiB, and not pages of files, which go when the daemon gives
 * memory back.
 */
const JUDGED = ['heap', 'external', 'native'] as const
/** After a run of traffic, before it is measured. */
const RUN_SETTLE_MS = 2_000

async function main(): Promise<void> {
  needRoot('memory')
  const sizes = (process.env['DAEMONS'] ?? '1 20').split(/[\s,]+/).filter(text => text !== '')
  const settleMs = numberOf('SETTLE_SECONDS', SETTLE_SECONDS) * 1000
  const runs = numberOf('RUNS', 10)
  if (sizes.some(text => !/^[1-9]\d{0,2}$/.test(text)))
    refuse(`DAEMONS holds numbers of 1 to 999, not "${sizes.join(' ')}"`)
  if (runs !== 0 && runs < GROWTH_RUNS_MIN)
    refuse(`of ${runs} runs no growth can be told: RUNS is 0, for none, or ${GROWTH_RUNS_MIN} or more`)
  const write = jsonFileFromEnvironment('memory', 'MEMORY_JSON')
  const isSettled = settleMs >= SETTLE_SECONDS * 1000
  if (!isSettled) console.error(`memory: the bounds are for SETTLE_SECONDS=${SETTLE_SECONDS} or more: not looked at`)
  const broken: string[] = []
  const meshes: MemoryFigure[] = []
  for (const size of sizes.map(Number)) {
    const figure = await inBed(broken, bed => measureMesh(bed, size, settleMs))
    if (figure !== undefined) meshes.push(figure)
  }
  const growth =
    runs === 0
      ? undefined
      : await inBed(broken, bed => measureGrowth(bed, runs, RUN_SETTLE_MS, text => console.error(text)))
  if (meshes.length > 0) console.log(['', ...meshTable(meshes), ''].join('\n'))
  if (growth !== undefined) console.log(['', ...growthTable(growth), ''].join('\n'))
  write?.({ meshes, growth })
  for (const { daemons, split } of meshes)
    if (isSettled && mebibytes(split.resident) >= (BOUNDS[daemons] ?? Infinity))
      broken.push(`${daemons} daemons: ${mebibytes(split.resident).toFixed(1)} MiB, not below ${BOUNDS[daemons]}`)
  if (growth !== undefined)
    broken.push(...JUDGED.flatMap(name => faultOfGrowth(GROWING_WORDS[name], growth[name]) ?? []))
  for (const text of broken) console.log(`FAIL ${text}`)
  if (broken.length === 0) console.log(isSettled ? 'every bound holds' : 'it did not grow, as far as it was asked for')
  process.exitCode = broken.length === 0 ? 0 : 1
}

/** Undefined, and the reason among what is broken, when it could not be measured. */
async function inBed<T>(broken: string[], measure: (bed: Testbed) => Promise<T>): Promise<T | undefined> {
  const bed = new Testbed()
  try {
    return await measure(bed)
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error))
    for (const line of bed.logTails()) console.error(`   ${line}`)
    return undefined
  } finally {
    await bed.close()
    const { stdout } = await run(['ip', 'netns', 'list'])
    if (stdout.includes(bed.tag) || existsSync(bed.directory)) broken.push('not all was removed')
  }
}

function meshTable(meshes: readonly MemoryFigure[]): string[] {
  const row = (name: string, value: (figure: MemoryFigure) => number) => [
    name,
    ...meshes.map(figure => mebibytes(value(figure)).toFixed(1)),
  ]
  const ofSplit = (name: string, value: (split: MemorySplit) => number) => row(name, ({ split }) => value(split))
  return table(
    ['MiB; daemons:', ...meshes.map(({ daemons }) => String(daemons))],
    [
      ['processor of each until then, s', ...meshes.map(({ cpuSeconds }) => cpuSeconds.toFixed(2))],
      row('resident: least', ({ resident }) => Math.min(...resident)),
      row('resident: mean', ({ resident }) => resident.reduce((sum, one) => sum + one, 0) / resident.length),
      [
        'resident: most',
        ...meshes.map(({ daemons, split }) => {
          const bound = BOUNDS[daemons]
          return `${mebibytes(split.resident).toFixed(1)}${bound === undefined ? '' : ` (< ${bound})`}`
        }),
      ],
      ofSplit('its own, in no file', split => split.privateDirty),
      ofSplit('its share of what several have', split => split.proportional),
      ...PARTS.map(part => ofSplit(PART_WORDS[part], split => split.parts[part])),
    ],
  )
}

function growthTable(figure: GrowthFigure): string[] {
  return table(
    ['MiB', 'first run', 'last', 'most', 'each run, KiB', 'at least', 'at most'],
    GROWING.map(name => {
      const values = figure[name]
      const growth = growthOf(values)
      return [
        GROWING_WORDS[name],
        ...[values[0]!, values.at(-1)!, Math.max(...values)].map(value => mebibytes(value).toFixed(2)),
        ...(growth === undefined ? ['–', '–', '–'] : [growth.perRun, growth.least, growth.most].map(n => n.toFixed(0))),
      ]
    }),
  )
}

function mebibytes(kibibytes: number): number {
  return kibibytes / KIBI
}

function numberOf(name: string, otherwise: number): number {
  return numberFromEnvironment('memory', name, otherwise, 0)
}

function refuse(text: string): never {
  console.error(`memory: ${text}`)
  process.exit(2)
}

await main()
