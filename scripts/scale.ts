/**
 * Measures whole meshes in the simulator: what a start, a steady minute, one attach and the loss of half of the peers cost.
 * See docs/scale.md.
 *
 * PEERS: sizes (default "10 50 100 500"). SEED (default 1). STEADY_MINUTES (default 1): how long the steady mesh is watched.
 * SCALE_JSON: a file for all figures. Each size runs in a process of its own. Exit status 1 when a bound is broken.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ScaleRunner, type ScaleRun } from './scale-run.ts'
import { brokenBounds, kindTable, scaleTable } from './scale-table.ts'

const ONE = '--one'
const HEAP_MEGABYTES = 12_288
/** With the default of 16 a tenth of the time goes to moving what soon dies. */
const YOUNG_MEGABYTES = 64

async function main(argv: readonly string[]): Promise<void> {
  const seed = numberOf('SEED')
  const steadyMinutes = numberOf('STEADY_MINUTES')
  if (argv[0] === ONE) return runOne(Number(argv[1]), seed, steadyMinutes)
  const sizes = (process.env['PEERS'] ?? '10 50 100 500').split(/[\s,]+/).filter(text => text !== '')
  const bad = sizes.find(text => !/^\d+$/.test(text) || Number(text) < 2)
  if (bad !== undefined || sizes.length === 0) {
    console.error(`scale: PEERS holds numbers of 2 or more, not "${bad ?? ''}"`)
    process.exit(2)
  }
  const runs: ScaleRun[] = []
  for (const size of sizes) runs.push(await measured(Number(size)))
  console.log(['', ...scaleTable(runs), '', ...kindTable(runs)].join('\n'))
  const path = process.env['SCALE_JSON']
  if (path !== undefined && path !== '') writeFileSync(path, `${JSON.stringify({ runs }, undefined, 2)}\n`)
  const broken = brokenBounds(runs)
  console.log(['', ...(broken.length === 0 ? ['every bound holds'] : broken.map(text => `FAIL ${text}`))].join('\n'))
  process.exitCode = broken.length === 0 ? 0 : 1
}

/** A whole number of 1 or more from the environment; 1 without one. */
function numberOf(name: string): number {
  const text = process.env[name] ?? '1'
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  console.error(`scale: ${name} is a number of 1 or more, not "${text}"`)
  process.exit(2)
}

/** In the child: what it measured goes to standard output. */
function runOne(peers: number, seed: number, steadyMinutes: number): void {
  const run = new ScaleRunner(peers, seed, steadyMinutes, text =>
    console.error(`${String(peers).padStart(4)} peers  ${text}`),
  ).run()
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
