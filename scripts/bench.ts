/**
 * What carrying traffic costs, beside other systems: all in one run, in turns, hosts as network namespaces on this machine.
 * See docs/benchmarks.md. Needs root. Removes all that it made. Exit status 1 when something could not be measured, 69 or 77
 * when it cannot run.
 *
 *     [c1]          [c2]         containers
 *      │             │
 *     (h1) ══════── (h2)         hosts: 192.0.2.1 and .2, a pair for each system
 *
 * SYSTEMS: names, as "weave-ts nebula weave-ts:*" (default: the main ones; "*": all). WHERE: hosts, containers (default both).
 * MEASURES: steps, as "stream ping" (default: all). ROUNDS (default 5), SECONDS_EACH: length of a run (default 2). CEILING, WIREGUARD_GO,
 * NEBULA: programs. JSON: file for all values. BASELINE: a file that JSON named before, to compare with.
 */
import { spawnSync } from 'node:child_process'
import { compareTable } from './bench/compare.ts'
import { machineWords } from './bench/machine.ts'
import { STEPS } from './bench/measures.ts'
import { YARDSTICKS } from './bench/page.ts'
import { readReport, type Report } from './bench/report.ts'
import { Runner, type Plan } from './bench/runner.ts'
import { chosenSystems, SYSTEMS } from './bench/systems.ts'
import { medianTable, ratioTable, spreadTable } from './bench/tables.ts'
import { jsonFileFromEnvironment, orUsage } from './json-file.ts'
import { needRoot } from './need-root.ts'
import { numberFromEnvironment } from './number-from-environment.ts'
import { refuseUnknown, wordsFromEnvironment, wordsOf } from './words-from-environment.ts'

const EXIT_MISSING = 69
const TOOLS = ['ip', 'sysctl', 'nsenter', 'ss', 'ping', 'iperf3', 'c++'] as const
const PLACES = ['hosts', 'containers'] as const
const ROUNDS = 5
const SECONDS_EACH = 2

function refuse(text: string, status: number): never {
  console.error(`bench: ${text}`)
  process.exit(status)
}

/** Those that a variable names, each once. */
function inOrder<T extends string>(variable: string, known: readonly T[]): T[] {
  const given = wordsFromEnvironment('bench', variable, known)
  return known.filter(word => given.includes(word))
}

function amount(name: string, standard: number): number {
  return numberFromEnvironment('bench', name, standard)
}

function planned(): Plan {
  const named = process.env['SYSTEMS'] ?? ''
  const { systems, unknown } = chosenSystems(named)
  refuseUnknown(
    'bench',
    'SYSTEMS',
    unknown,
    SYSTEMS.map(({ name }) => name),
  )
  const there = systems.filter(({ name, missing }) => {
    const why = missing()
    if (why !== undefined && wordsOf(named).includes(name)) refuse(`${name}, which SYSTEMS names: ${why}`, EXIT_MISSING)
    if (why !== undefined) console.error(`bench: without ${name}: ${why}`)
    return why === undefined
  })
  if (there.length === 0) refuse('none of these systems is there', EXIT_MISSING)
  return {
    systems: there,
    steps: inOrder('MEASURES', STEPS),
    places: inOrder('WHERE', PLACES),
    rounds: amount('ROUNDS', ROUNDS),
    seconds: amount('SECONDS_EACH', SECONDS_EACH),
  }
}

function show(report: Report): void {
  const { machine, rounds, secondsEach, load, failures } = report
  const print = (title: string, lines: readonly string[]) => {
    if (lines.length > 0) console.log(['', title, '', ...lines].join('\n'))
  }
  console.log(machineWords(machine))
  console.log(`load before ${load.before.toFixed(2)}, at the end ${load.after.toFixed(2)}`)
  print(`medians of ${rounds} rounds, ${secondsEach} s each:`, medianTable(report))
  if (rounds > 1) print('largest less least of the rounds, % of the median:', spreadTable(report))
  print('between containers:', ratioTable(report, 'weave-ts', YARDSTICKS))
  for (const failure of failures) console.log(`FAIL ${failure}`)
}

needRoot('bench')
const absent = TOOLS.filter(tool => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
if (absent.length > 0) refuse(`missing programs: ${absent.join(' ')}; make setup installs them`, EXIT_MISSING)

const earlier = process.env['BASELINE']
const baseline = earlier ? orUsage(`bench: BASELINE ${earlier}`, () => readReport(earlier)) : undefined
const write = jsonFileFromEnvironment('bench', 'JSON')
const plan = planned()
// A testbed for each system listens for the end of the process.
process.setMaxListeners(4 * plan.systems.length + 10)
const report = await new Runner(plan, text => console.error(`bench: ${text}`)).run()
show(report)
write?.(report)
if (baseline !== undefined)
  console.log(['', `now divided by ${baseline.at}:`, '', ...compareTable(report, baseline)].join('\n'))
process.exitCode = report.failures.length === 0 ? 0 : 1
