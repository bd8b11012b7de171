/**
 * Measures whole meshes in the simulator: what a start, a steady minute, one attach and the loss of half of the peers cost.
 * See docs/scale.md.
 *
 * PEERS: sizes (default "10 50 100 500"). SEED (default 1). STEADY_MINUTES (default 1): how long the steady mesh is watched.
 * THREADS: how many simulate one mesh (default: 2, where there are two processors); the figures but processor time do not
 * depend on it. SCALE_JSON: a file for all figures. Each size runs in a process of its own. Exit status 1 when a bound is broken.
 */
import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { availableParallelism } from 'node:os'
import { playTogether } from '../test/support/sim-team-start.ts'
import type { ScaleOrder, ScaleRun } from './scale-run.ts'
import { jsonFileFromEnvironment } from './json-file.ts'
import { numberFromEnvironment } from './number-from-environment.ts'
import { brokenBounds, kindTable, scaleTable } from './scale-table.ts'

const ONE = '--one'
const PROGRAM = new URL(`./scale-run${extname(import.meta.url)}`, import.meta.url).href
const THREADS_MAX = 64
const HEAP_MEGABYTES = 12_288
/** With the default of 16 a tenth of the time goes to moving what soon dies. */
const YOUNG_MEGABYTES = 64

async function main(argv: readonly string[]): Promise<void> {
  const order = { seed: numberOf('SEED'), steadyMinutes: numberOf('STEADY_MINUTES'), isTold: true }
  const threads = numberOf('THREADS', Math.min(2, availableParallelism()))
  if (threads > THREADS_MAX) stop(`THREADS is ${THREADS_MAX} at most, not ${threads}`)
  if (argv[0] === ONE) return runOne({ ...order, peers: Number(argv[1]) }, threads)
  const sizes = (process.env['PEERS'] ?? '10 50 100 500').split(/[\s,]+/).filter(text => text !== '')
  const bad = sizes.find(text => !/^\d+$/.test(text) || Number(text) < 2)
  if (bad !== undefined || sizes.length === 0) stop(`PEERS holds numbers of 2 or more, not "${bad ?? ''}"`)
  const write = jsonFileFromEnvironment('scale', 'SCALE_JSON')
  const runs: ScaleRun[] = []
  for (const size of sizes) runs.push(await measured(Number(size)))
  console.log(['', ...scaleTable(runs), '', ...kindTable(runs)].join('\n'))
  write?.({ runs })
  const broken = brokenBounds(runs)
  console.log(['', ...(broken.length === 0 ? ['every bound holds'] : broken.map(text => `FAIL ${text}`))].join('\n'))
  process.exitCode = broken.length === 0 ? 0 : 1
}

function numberOf(name: string, otherwise = 1): number {
  return numberFromEnvironment('scale', name, otherwise)
}

function stop(text: string): never {
  console.error(`scale: ${text}`)
  process.exit(2)
}

/** In the child: what it measured goes to standard output. */
async function runOne(order: ScaleOrder, threads: number): Promise<void> {
  const run = await playTogether<ScaleOrder, ScaleRun>(PROGRAM, order, threads)
  process.stdout.write(JSON.stringify(run))
}

function measured(peers: number): Promise<ScaleRun> {
  return new Promise((resolve, reject) => {
    const argv = [
      `--max-old-space-size=${HEAP_MEGABYTES}`,
      `--max-semi-space-size=${YOUNG_MEGABYTES}`,
      fileURLToPath(import.meta.url),
      ONE,
      String(peers),
    ]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const end = (signal: NodeJS.Signals) => {
      child.kill(signal)
      process.exit(130)
    }
    process.once('SIGINT', end).once('SIGTERM', end)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.on('error', reject)
    child.on('close', (status, signal) => {
      process.removeListener('SIGINT', end).removeListener('SIGTERM', end)
      if (status === 0) resolve(JSON.parse(text) as ScaleRun)
      else reject(new Error(`the run of ${peers} peers ended with ${signal ?? `status ${status ?? '?'}`}`))
    })
  })
}

await main(process.argv.slice(2))
