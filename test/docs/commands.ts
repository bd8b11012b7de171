import { spawnSync } from 'node:child_process'
import { withValues } from '../../lib/cli/left-out-values.ts'

export interface CliOption {
  /** As in `--port`. */
  readonly name: string
  /** As in `<number>`; empty for a switch. */
  readonly value: string
  readonly help: string
}

export interface CliCommand {
  readonly options: ReadonlyMap<string, CliOption>
  /** Fewest and most arguments. */
  readonly argumentsMin: number
  readonly argumentsMax: number
}

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).href

/** Runs the command line as it was compiled with this test. */
export function runCli(...argv: readonly string[]) {
  const script = `import(${JSON.stringify(MAIN)}).then(cli => cli.main(process.argv.slice(1)))`
  return spawnSync(process.execPath, ['-e', script, '--', ...argv], { encoding: 'utf8' })
}

export function commandNames(): string[] {
  const { stdout } = runCli('--help')
  return [...stdout.matchAll(/^ {2}([a-z]+(?:-[a-z]+)*)\b/gm)].map(match => match[1]!)
}

/** What `--help` says of a command: the real definition, as users see it. */
export function commandOf(name: string): CliCommand {
  const { stdout } = runCli(name, '--help')
  const options = optionsOf(stdout)
  const usage = /^Usage: (.*)$/m.exec(stdout)?.[1] ?? ''
  const words = usage
    .split(' ')
    .slice(2)
    .filter(word => word !== '[options]')
  return {
    options,
    argumentsMin: words.filter(word => word.startsWith('<')).length,
    argumentsMax: words.some(word => word.includes('...')) ? Infinity : words.length,
  }
}

function optionsOf(help: string): Map<string, CliOption> {
  const section = (help.split(/^Options:$/m)[1] ?? '').split(/^\S/m)[0]!
  const options = new Map<string, CliOption>()
  for (const entry of section.split(/^ {2}(?=-)/m).slice(1)) {
    const match = /^(?:-\w, )?(--[a-z0-9-]+)(?: (<[^>]+>))?\s+([\s\S]*)$/.exec(entry)
    if (match === null) continue
    options.set(match[1]!, { name: match[1]!, value: match[2] ?? '', help: match[3]!.replace(/\s+/g, ' ').trim() })
  }
  return options
}

/** Of all commands, which may stand before the command's name: what `weave-ts --help` says of them. */
export function commonOptions(): ReadonlyMap<string, CliOption> {
  const options = new Map(optionsOf(runCli('--help').stdout))
  for (const name of ['--help', '--version']) options.delete(name)
  return options
}

/** Why a command line (words behind `weave-ts`) would be refused as wrong usage, if so. */
export function misuse(
  words: readonly string[],
  commands: ReadonlyMap<string, CliCommand>,
  common: ReadonlyMap<string, CliOption> = new Map(),
): string | undefined {
  let at = 0
  for (let option = common.get(words[at] ?? ''); option !== undefined; option = common.get(words[at] ?? ''))
    at += option.value === '' ? 1 : 2
  const [name, ...rest] = withValues(words.slice(at))
  if (name === undefined || name === '--help' || name === '--version') return undefined
  if (name === 'help') return rest.every(word => commands.has(word)) ? undefined : `help of ${rest.join(' ')}`
  const command = commands.get(name)
  if (command === undefined) return `there is no command ${name}`
  let count = 0
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!
    if (!word.startsWith('-') || word === '-') {
      count++
      continue
    }
    const option = command.options.get(word.split('=')[0]!)
    if (option === undefined) return `${name} has no option ${word}`
    if (option.value !== '' && !word.includes('=') && rest[++at] === undefined) return `${word} needs a value`
  }
  if (count < command.argumentsMin) return `${name} needs ${command.argumentsMin} arguments`
  return count > command.argumentsMax ? `${name} takes at most ${command.argumentsMax} arguments` : undefined
}
