/**
 * Runs checks and tests by kind: `node build/scripts/test.js checks unit …`. Counts tests (innermost subtests) and
 * checks, names what was skipped and what failed, and ends with one line, `N passed, N failed, N skipped`. Exit status 1
 * when anything failed. Test files run in processes of their own, several at a time.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { TapResults, type TestResult } from './tap-results.ts'

interface Kind {
  readonly concurrency: number
  readonly limitMs: number
  readonly needsRoot?: boolean
}

interface FileResult {
  readonly results: readonly TestResult[]
  readonly output: readonly string[]
  readonly seconds: number
}

const PARALLEL = Math.min(4, availableParallelism())
const KINDS: Readonly<Record<string, Kind>> = {
  unit: { concurrency: PARALLEL, limitMs: 180_000 },
  vectors: { concurrency: PARALLEL, limitMs: 180_000 },
  compliance: { concurrency: PARALLEL, limitMs: 180_000 },
  docs: { concurrency: PARALLEL, limitMs: 180_000 },
  simulation: { concurrency: PARALLEL, limitMs: 300_000 },
  system: { concurrency: Math.min(2, PARALLEL), limitMs: 420_000, needsRoot: true },
  soak: { concurrency: PARALLEL, limitMs: 24 * 3_600_000 },
}
const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ['formatting', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['code style', ['eslint', '--max-warnings', '0', '.']],
  ['types', ['tsc', '-p', '.', '--noEmit', '--incremental', 'false']],
  ['types of the page', ['tsc', '-p', 'lib/page', '--incremental', 'false']],
  ['layers', ['depcruise', '--config', '.dependency-cruiser.cjs', 'lib']],
  ['dead code', ['knip', '--no-progress']],
]
const CHECK_LIMIT_MS = 300_000
const KILL_AFTER_MS = 5_000
const KILL_POLL_MS = 50
const OUTPUT_LINES_KEPT = 400

const running = new Set<ChildProcess>()
const totals = { passed: 0, failed: 0, skipped: 0 }
const failures: string[] = []
const skips: string[] = []

async function main(asked: readonly string[]): Promise<void> {
  const unknown = asked.filter(kind => kind !== 'checks' && KINDS[kind] === undefined)
  if (asked.length === 0 || unknown.length > 0) {
    console.error(
      `usage: test.js KIND…   known kinds: checks ${Object.keys(KINDS).join(' ')}; unknown: ${unknown.join(' ') || '-'}`,
    )
    process.exit(2)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void interrupt(signal))

  console.log('Counted are tests (innermost subtests) and checks, not single assertions.')
  for (const name of asked) {
    const kind = KINDS[name]
    if (kind === undefined) await runChecks()
    else await runKind(name, kind)
  }
  if (skips.length > 0) console.log(`\nSkipped:\n${skips.map(text => `  ${text}`).join('\n')}`)
  if (failures.length > 0) console.log(`\nFailed:\n${failures.map(text => `  ${text}`).join('\n')}`)
  console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  process.exitCode = totals.failed > 0 ? 1 : 0
}

async function runChecks(): Promise<void> {
  console.log('\nchecks')
  await atOnce(PARALLEL, CHECKS, async ([name, [tool, ...argv]]) => {
    const { status, output, seconds } = await run(
      join('node_modules/.bin', tool!),
      argv,
      CHECK_LIMIT_MS,
      () => undefined,
    )
    report(`check ${name}`, {
      results: [{ name, outcome: status === 0 ? 'passed' : 'failed' }],
      output,
      seconds,
    })
  })
  // A test in a directory of no kind would never run.
  const stray = testFiles('test').filter(file => KINDS[file.split('/')[1]!] === undefined)
  report('check places of tests', {
    results: [
      { name: 'every test file lies in the directory of a kind', outcome: stray.length > 0 ? 'failed' : 'passed' },
    ],
    output: stray,
    seconds: 0,
  })
}

async function runKind(name: string, kind: Kind): Promise<void> {
  const files = testFiles(`test/${name}`)
  console.log(`\n${name}: ${files.length} files`)
  if (kind.needsRoot === true && process.geteuid?.() !== 0) {
    const results: TestResult[] = files.map(file => ({ name: file, outcome: 'skipped', reason: 'needs root' }))
    report(name, { results, output: [], seconds: 0 })
    return
  }
  await atOnce(kind.concurrency, files, async file => report(file, await runFile(file, kind)))
}

/** Does something with each, so many at a time, in their order. */
async function atOnce<T>(count: number, all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all]
  const worker = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await act(one)
  }
  await Promise.all(Array.from({ length: count }, worker))
}

async function runFile(file: string, kind: Kind): Promise<FileResult> {
  const compiled = join('build', file.replace(/\.ts$/, '.js'))
  if (!existsSync(compiled)) {
    return {
      results: [{ name: 'was not compiled', outcome: 'failed' }],
      output: [`${compiled} is missing`],
      seconds: 0,
    }
  }
  const tap = new TapResults()
  const { status, signal, output, seconds, isLate } = await run(process.execPath, [compiled], kind.limitMs, line =>
    tap.line(line),
  )
  const failure = isLate ? `did not end within ${kind.limitMs / 1000} s` : tap.end(status, signal).failure
  const results = failure === undefined ? tap.results : [...tap.results, { name: failure, outcome: 'failed' as const }]
  return { results, output, seconds }
}

interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: readonly string[]
  readonly seconds: number
  readonly isLate: boolean
}

/** Runs a program in a process group of its own, so that its time limit reaches what it started. */
function run(
  program: string,
  argv: readonly string[],
  limitMs: number,
  onLine: (line: string) => void,
): Promise<Ended> {
  return new Promise(resolve => {
    const began = process.hrtime.bigint()
    const env = { ...process.env, TAP_TIMEOUT: String(limitMs / 1000), FORCE_COLOR: '0' }
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env })
    running.add(child)
    const output: string[] = []
    const keep = (line: string) => {
      output.push(line)
      if (output.length > 2 * OUTPUT_LINES_KEPT) output.splice(0, OUTPUT_LINES_KEPT)
    }
    let isLate = false
    const limit = setTimeout(() => {
      isLate = true
      void endGroup(child)
    }, limitMs)
    createInterface({ input: child.stdout }).on('line', line => {
      keep(line)
      onLine(line)
    })
    createInterface({ input: child.stderr }).on('line', keep)
    const finish = (status: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(limit)
      running.delete(child)
      const seconds = Number(process.hrtime.bigint() - began) / 1e9
      // Lines that were read together with the end are still under way to their listeners.
      setImmediate(() => resolve({ status, signal, output: output.slice(-OUTPUT_LINES_KEPT), seconds, isLate }))
    }
    child.on('error', error => {
      keep(error.message)
      finish(127, null)
    })
    child.on('close', finish)
  })
}

function report(file: string, { results, output, seconds }: FileResult): void {
  const failed = results.filter(result => result.outcome === 'failed')
  const skipped = results.filter(result => result.outcome === 'skipped')
  totals.passed += results.length - failed.length - skipped.length
  totals.failed += failed.length
  totals.skipped += skipped.length
  for (const { name, reason } of failed) failures.push(`${file}: ${name}${reason === undefined ? '' : ` (${reason})`}`)
  for (const { name, reason } of skipped) skips.push(`${file}: ${name}${reason === undefined ? '' : ` (${reason})`}`)
  const mark = failed.length > 0 ? 'FAIL' : 'ok  '
  console.log(`  ${mark} ${file}  ${results.length} in ${seconds.toFixed(1)} s`)
  if (failed.length > 0) for (const line of output) console.log(`       | ${line}`)
}

/** Ends a child with what it started: politely, so that tests remove what they made, then not. */
async function endGroup(child: ChildProcess): Promise<void> {
  const isGone = (signal: NodeJS.Signals | 0) => {
    try {
      return child.pid === undefined || !process.kill(-child.pid, signal)
    } catch {
      return true
    }
  }
  let isDone = isGone('SIGTERM')
  for (let waitedMs = 0; !isDone && waitedMs < KILL_AFTER_MS; waitedMs += KILL_POLL_MS) {
    await new Promise(resolve => setTimeout(resolve, KILL_POLL_MS))
    isDone = isGone(0)
  }
  if (!isDone) isGone('SIGKILL')
}

function testFiles(directory: string): string[] {
  if (!existsSync(directory)) return []
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return entries
    .filter(entry => entry.endsWith('.test.ts'))
    .map(entry => join(directory, entry))
    .sort()
}

async function interrupt(signal: string): Promise<void> {
  console.log(`\n${signal}: ending what runs`)
  await Promise.all([...running].map(endGroup))
  process.exit(130)
}

await main(process.argv.slice(2))
