/**
 * Has libFuzzer make up what the engine reads: frames, vnet headers, datagrams, plaintexts of peers
 * (test/native/fuzz-engine.cpp), from the inputs in test/native/corpus.txt on. See docs/decisions/0061.
 *
 * SECONDS: how long (default 60). KEEP=1: writes what covers all that is reached now to the corpus. CLANG: the compiler. Exit
 * status 1 when something was found: the input is named, and stands in hexadecimal digits as a line for the corpus. 77: no clang.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const EXIT_NO_COMPILER = 77
const CORPUS = 'test/native/corpus.txt'
const DIRECTORY = 'build/native-fuzz'
/** Of one input: a few frames with their headers; what is behind is filled in. */
const INPUT_BYTES_MAX = 1024
const LIBFUZZER = [`-max_len=${INPUT_BYTES_MAX}`, '-detect_leaks=0', `-artifact_prefix=${DIRECTORY}/`]
const COMPILERS = ['clang++', ...[21, 20, 19, 18, 17, 16, 15, 14].map(version => `clang++-${version}`)]

function main(): void {
  const seconds = process.env['SECONDS'] ?? '60'
  if (!/^[1-9]\d{0,5}$/.test(seconds)) refuse(2, `SECONDS is a number of 1 or more, not "${seconds}"`)
  const compiler = [process.env['CLANG'] ?? '', ...COMPILERS].find(isThere)
  if (compiler === undefined) {
    refuse(EXIT_NO_COMPILER, 'clang++ is not there: install clang (Debian, Ubuntu: apt-get install clang)')
  }
  const env = { ...process.env, CXX: compiler }
  const program = execFileSync('scripts/build-native.sh', ['fuzz-engine'], { env, encoding: 'utf8' }).trim()
  const inputs = unpacked('inputs', readFileSync(CORPUS, 'utf8'))
  for (const file of artefacts()) rmSync(join(DIRECTORY, file))
  const { status } = spawnSync(program, [...LIBFUZZER, `-max_total_time=${seconds}`, '-print_final_stats=1', inputs], {
    stdio: 'inherit',
  })
  for (const file of artefacts()) {
    console.log(`found: ${join(DIRECTORY, file)}; as a line of ${CORPUS}:`)
    console.log(readFileSync(join(DIRECTORY, file)).toString('hex'))
  }
  if (status === 0 && process.env['KEEP'] === '1') keep(program, inputs)
  process.exitCode = status === 0 ? 0 : 1
}

/** The fewest inputs that reach every branch that all of them reach. */
function keep(program: string, inputs: string): void {
  const kept = unpacked('kept', '')
  execFileSync(program, [...LIBFUZZER, '-set_cover_merge=1', '-use_counters=0', kept, inputs], { stdio: 'ignore' })
  const lines = readdirSync(kept).map(file => readFileSync(join(kept, file)).toString('hex'))
  writeFileSync(CORPUS, `${lines.sort().join('\n')}\n`)
  console.log(`${CORPUS}: ${lines.length} inputs`)
}

/** A fresh directory with a file for each line. */
function unpacked(name: string, lines: string): string {
  const directory = join(DIRECTORY, name)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const [i, line] of lines
    .split('\n')
    .filter(text => text !== '')
    .entries()) {
    writeFileSync(join(directory, `kept-${i}`), Buffer.from(line, 'hex'))
  }
  return directory
}

function artefacts(): string[] {
  return readdirSync(DIRECTORY).filter(file => /^(crash|oom|timeout|leak)-/.test(file))
}

function isThere(compiler: string): boolean {
  return compiler !== '' && spawnSync(compiler, ['--version'], { stdio: 'ignore' }).status === 0
}

function refuse(status: number, text: string): never {
  console.error(`fuzz: ${text}`)
  process.exit(status)
}

main()
