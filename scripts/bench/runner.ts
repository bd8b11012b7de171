import { setTimeout as passed } from 'node:timers/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from '../../test/support/process-facts.ts'
import { Testbed } from '../../test/support/testbed.ts'
import { compiled } from './compiler.ts'
import type { Line, Started, System } from './line.ts'
import { load, machine } from './machine.ts'
import type { MeasureKey, Step, Values } from './measures.ts'
import { PROJECT } from './project.ts'
import { readMemory } from './readings.ts'
import { reportOf, type Report } from './report.ts'
import { cpuOf, rekeyStep, ROUND_STEPS } from './steps.ts'

const IDLE_SECONDS_MAX = 10

export interface Plan {
  readonly systems: readonly System[]
  readonly steps: readonly Step[]
  readonly places: readonly Line['where'][]
  readonly rounds: number
  readonly seconds: number
}

interface Running extends Started {
  readonly system: System
  readonly bed: Testbed
  readonly rows: { readonly line: Line; readonly values: Values }[]
}

/** Starts all systems side by side, and measures them in turns; all that it made is removed. */
export class Runner {
  readonly #plan: Plan
  readonly #say: (text: string) => void
  readonly #failures: string[] = []
  readonly #running: Running[] = []

  constructor(plan: Plan, say: (text: string) => void) {
    this.#plan = plan
    this.#say = say
  }

  async run(): Promise<Report> {
    const { rounds, seconds, steps } = this.#plan
    const at = new Date().toISOString()
    const before = load()
    const pairs = steps.includes('pairs') ? await compiled(join(PROJECT, 'scripts/bench/pairs.cpp')) : ''
    try {
      for (const system of this.#plan.systems) await this.#start(system)
      if (steps.includes('idle')) await this.#idle()
      for (let round = 0; round < rounds; round++) await this.#round(round, pairs)
      if (steps.includes('rekey')) await this.#rekey()
      if (steps.includes('idle'))
        for (const { pids, rows } of this.#running)
          if (pids.length > 0) for (const { values } of rows) add(values, { rssAfter: memoryOf(pids).rss })
    } finally {
      for (const { bed } of this.#running) await bed.close()
    }
    const rows = this.#running.flatMap(({ system: { name, what }, rows }) =>
      rows.map(({ line: { where }, values }) => ({ system: name, what, where, values })),
    )
    const failures = this.#failures
    return reportOf({
      at,
      machine: machine(),
      rounds,
      secondsEach: seconds,
      load: { before, after: load() },
      rows,
      failures,
    })
  }

  async #start(system: System): Promise<void> {
    const bed = new Testbed()
    this.#say(`${system.name}: starts`)
    try {
      const started = await system.start(bed)
      const lines = started.lines.filter(({ where }) => this.#plan.places.includes(where))
      const rows = lines.map(line => ({ line, values: {} }))
      for (const line of lines)
        if (!(await line.from.canPing(line.address))) throw new Error(`${line.address} does not answer`)
      this.#running.push({ ...started, system, bed, rows })
    } catch (error) {
      await bed.close()
      this.#failed(`${system.name} does not start`, error)
    }
  }

  /** Nobody sends anything meanwhile. */
  async #idle(): Promise<void> {
    const seconds = Math.min(IDLE_SECONDS_MAX, this.#plan.seconds * 5)
    const daemons = this.#running.filter(({ pids }) => pids.length > 0)
    this.#say(`idle for ${seconds} s`)
    const before = daemons.map(({ pids }) => cpuOf(pids))
    const began = performance.now()
    await passed(seconds * 1000)
    const took = (performance.now() - began) / 1000
    for (const [i, { pids, rows }] of daemons.entries()) {
      const idle = (cpuOf(pids) - before[i]!) / took / pids.length
      for (const { values } of rows) add(values, { idle, ...memoryOf(pids) })
    }
  }

  /** Each round begins with another system, so that none is always measured after the same one. */
  async #round(round: number, pairs: string): Promise<void> {
    const { steps, seconds } = this.#plan
    for (const i of this.#running.keys()) {
      const { system, rows, pids } = this.#running[(i + round) % this.#running.length]!
      for (const { line, values } of rows)
        for (const step of steps) {
          const run = ROUND_STEPS[step]
          if (run === undefined) continue
          this.#say(`round ${round + 1}: ${system.name} (${line.where}): ${step}`)
          await this.#tried(system, pids, values, `${line.where}, ${step}`, () => run(line, { seconds, pids, pairs }))
        }
    }
  }

  async #rekey(): Promise<void> {
    for (const { system, rows, pids, keyMark } of this.#running) {
      const last = rows.at(-1)
      if (keyMark === undefined || last === undefined) continue
      this.#say(`${system.name}: rekey`)
      await this.#tried(system, pids, last.values, 'rekey', () => rekeyStep(last.line, keyMark))
    }
  }

  async #tried(
    system: System,
    pids: readonly number[],
    values: Values,
    what: string,
    run: () => Promise<Partial<Record<MeasureKey, number>>>,
  ): Promise<void> {
    try {
      add(values, await run())
    } catch (error) {
      const gone = pids.some(pid => !isRunning(pid)) ? ' (a daemon has ended)' : ''
      this.#failed(`${system.name}: ${what}${gone}`, error)
    }
  }

  #failed(what: string, error: unknown): void {
    const text = `${what}: ${error instanceof Error ? error.message : String(error)}`
    this.#say(`FAIL ${text}`)
    this.#failures.push(text)
  }
}

function add(values: Values, results: Partial<Record<MeasureKey, number>>): void {
  for (const [key, value] of Object.entries(results)) (values[key as MeasureKey] ??= []).push(value)
}

function memoryOf(pids: readonly number[]): { readonly rss: number; readonly pss: number } {
  const all = pids.map(pid => readMemory(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')))
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  return { rss: mean(all.map(({ rss }) => rss)), pss: mean(all.map(({ pss }) => pss)) }
}
