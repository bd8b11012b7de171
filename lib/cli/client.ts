import type { Command } from 'commander'
import { addAttachmentCommands } from './attachment-commands.ts'
import { commandLine } from './command-line.ts'
import { addEventsCommand } from './events-command.ts'
import { addExposureCommands } from './exposure-commands.ts'
import { arrangeHelp } from './help-pages.ts'
import { addIpamCommand } from './ipam-command.ts'
import { addMeshCommands } from './mesh-commands.ts'
import { addNameCommands } from './name-commands.ts'
import { run } from './run.ts'
import { addStatusCommands } from './status-commands.ts'
import { addPerfCommand } from './perf-command.ts'
import { addTopCommand } from './top-command.ts'
import { addWayCommands } from './way-commands.ts'

type AddGroup = (program: Command) => void

/** The commands that ask a running daemon and do nothing else, each with what adds its group. */
const CLIENT_VERBS: ReadonlyMap<string, AddGroup> = new Map<string, AddGroup>(
  [
    { add: addStatusCommands, verbs: ['status', 'metrics', 'version'] },
    { add: addAttachmentCommands, verbs: ['attach', 'detach', 'ps', 'whois'] },
    { add: addNameCommands, verbs: ['dns-add', 'dns-remove', 'dns-lookup'] },
    { add: addWayCommands, verbs: ['ping', 'trace'] },
    { add: addPerfCommand, verbs: ['perf'] },
    { add: addTopCommand, verbs: ['top'] },
    { add: addExposureCommands, verbs: ['expose', 'hide'] },
    { add: addMeshCommands, verbs: ['connect', 'forget', 'found', 'prime', 'rmpeer'] },
    { add: addEventsCommand, verbs: ['events'] },
    { add: addIpamCommand, verbs: ['ipam'] },
  ].flatMap(({ add, verbs }) => verbs.map((verb): [string, AddGroup] => [verb, add])),
)

/** Does what a command line asks for where a running daemon does it all; false: it is for the whole program (`main`). */
export async function runClient(argv: readonly string[]): Promise<boolean> {
  const program = clientProgram(argv)
  if (program === undefined) return false
  await run(program, argv)
  return true
}

/** The part of the whole program that knows the command of a command line; undefined where that is none of a client. */
export function clientProgram(argv: readonly string[]): Command | undefined {
  const add = CLIENT_VERBS.get(verbOf(argv) ?? '')
  if (add === undefined) return undefined
  const program = commandLine(argv.includes('--json'))
  add(program)
  arrangeHelp(program)
  return program
}

/** The command, behind nothing but options that all commands have. */
function verbOf(argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!
    if (word === '--state-dir') at++
    else if (!word.startsWith('-')) return word
    else if (word !== '--json' && !word.startsWith('--state-dir=')) return undefined
  }
  return undefined
}

export const CLIENT_COMMANDS = [...CLIENT_VERBS.keys()]
