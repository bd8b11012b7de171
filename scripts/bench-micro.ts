/**
 * What the packet engine and the switch cost for one datagram, beside the bare calls of OpenSSL. See docs/benchmarks.md.
 *
 * JSON: file for all values. BASELINE: a file that JSON named before, to compare with. CALLGRIND=0: count no instructions
 * even where valgrind is there.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { must, run } from '../test/support/testbed-command.ts'
import { compiled } from './bench/compiler.ts'
import { machine, machineWords } from './bench/machine.ts'
import {
  microComparison,
  microReportOf,
  microTable,
  readCallgrind,
  readMicro,
  readMicroReport,
  type MicroResult,
} from './bench/micro/report.ts'
import { measureSwitch } from './bench/micro/switch.ts'
import { installed, PROJECT } from './bench/project.ts'
import { jsonFileFromEnvironment, orUsage } from './json-file.ts'

const LIMIT_MS = 300_000
const PROFILED_BATCHES = 50
const PROFILED_BYTES = 64

/** The program, made of the engine's own objects. */
function program(): Promise<string> {
  const objects = readdirSync(join(PROJECT, 'build/native'))
    .filter(name => name.endsWith('.o') && !name.startsWith('binding-'))
    .map(name => join(PROJECT, 'build/native', name))
  return compiled(join(PROJECT, 'scripts/bench/micro/micro.cpp'), [`-I${join(PROJECT, 'native')}`, ...objects])
}

async function counted(path: string, result: MicroResult): Promise<MicroResult> {
  const words = ['valgrind', '--tool=callgrind', '--collect-atstart=no', '--callgrind-out-file=/dev/null', path]
  const one = [result.name, result.cipher, String(result.bytes), String(PROFILED_BATCHES)]
  const { status, stdout, stderr } = await run([...words, ...one], { limitMs: LIMIT_MS })
  if (status !== 0) throw new Error(`callgrind of ${one.join(' ')}: status ${status}: ${stderr.slice(-500)}`)
  return { ...result, instructions: readCallgrind(stderr, Number(stdout)) }
}

const earlier = process.env['BASELINE']
const baseline = earlier ? orUsage(`bench-micro: BASELINE ${earlier}`, () => readMicroReport(earlier)) : undefined
const write = jsonFileFromEnvironment('bench-micro', 'JSON')
const at = new Date().toISOString()
const path = await program()
const { openssl, results } = readMicro(await must([path], { limitMs: LIMIT_MS }))
const canCount = process.env['CALLGRIND'] !== '0' && installed('valgrind') !== undefined
const all: MicroResult[] = []
for (const result of results)
  all.push(canCount && result.bytes === PROFILED_BYTES ? await counted(path, result) : result)
const report = microReportOf({ at, machine: machine(), openssl, results: [...all, ...measureSwitch()] })
console.log([machineWords(report.machine), `OpenSSL ${openssl}`, '', ...microTable(report)].join('\n'))
if (!canCount) console.log('\ninstructions were not counted (apt install valgrind)')
if (baseline !== undefined) console.log(['', ...microComparison(report, baseline)].join('\n'))
write?.(report)
