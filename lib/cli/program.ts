import { Command } from 'commander'
import { SOFTWARE_VERSION } from '../api/mod.ts'
import { addAttachmentCommands } from './attachment-commands.ts'
import { addCompletionCommand } from './completion-command.ts'
import { addEventsCommand } from './events-command.ts'
import { addExposureCommands } from './exposure-commands.ts'
import { arrangeHelp } from './help-pages.ts'
import { addInviteCommands } from './invite-commands.ts'
import { addIpamCommand } from './ipam-command.ts'
import { addLaunchCommand } from './launch-command.ts'
import { addLifecycleCommands } from './lifecycle-commands.ts'
import { addMeshCommands } from './mesh-commands.ts'
import { addNameCommands } from './name-commands.ts'
import { addServiceCommand } from './service-command.ts'
import { withSettings } from './settings.ts'
import { addStatusCommands } from './status-commands.ts'
import { addWayCommands } from './way-commands.ts'
import { weaveAnswer } from './weave-answers.ts'

export const EXIT_STATUSES = [
  ...['0 done', '1 refused', '2 wrong usage', '3 status: not ready', '4 no such target', '7 no daemon'],
  ...['65 damaged state', '69 something missing', '70 failed', '74 disk', '75 busy: try again', '77 no permission'],
  '78 configuration',
]

const EXIT_USAGE = 2
const SEE_HELP = 'add --help to see what can be given'
const EXIT_STATUS_HELP = `
Exit status: ${EXIT_STATUSES.slice(0, 6).join(' · ')}
             ${EXIT_STATUSES.slice(6).join(' · ')}
Environment: WEAVE_TS_STATE_DIR (as --state-dir), WEAVE_PASSWORD (mesh secret), DOCKER_HOST`

/** The command line with all its commands; each is added by the file of its group. `isJson`: so are its complaints. */
export function weaveProgram(isJson = false): Command {
  const program = withSettings(
    new Command('weave-ts')
      .description('An encrypted layer-2 overlay mesh for hosts and containers, without a controller.')
      .version(SOFTWARE_VERSION, '--version')
      .helpOption('-h, --help')
      .enablePositionalOptions()
      .showHelpAfterError(isJson ? false : `  ${SEE_HELP} [USAGE]`)
      .configureOutput({ outputError: (text, write) => write(isJson ? jsonOf(text) : complaintOf(text)) })
      .exitOverride()
      .helpCommand(false)
      .addHelpText('after', EXIT_STATUS_HELP),
  )
  addLaunchCommand(program)
  addInviteCommands(program)
  addMeshCommands(program)
  addStatusCommands(program)
  addWayCommands(program)
  addEventsCommand(program)
  addAttachmentCommands(program)
  addExposureCommands(program)
  addNameCommands(program)
  addIpamCommand(program)
  addLifecycleCommands(program)
  addServiceCommand(program)
  addCompletionCommand(program)
  addHelpCommand(program)
  arrangeHelp(program)
  return program
}

/** Commander's own shows all there is when it does not know the command, and says no word of it. */
function addHelpCommand(program: Command): void {
  program
    .command('help')
    .argument('[command]')
    .description('display help for command')
    .action((name: string | undefined) => {
      if (name === undefined) return program.help()
      const command = program.commands.find(one => one.name() === name)
      if (command === undefined) return program.error(`error: unknown command '${name}'`, { exitCode: EXIT_USAGE })
      return command.help()
    })
}

/** What commander says of wrong usage, as all our errors begin, and with the way to go for a user of Weave Net. */
function complaintOf(text: string): string {
  const answer = weaveAnswer(text)
  const complaint = text.replace(/^error: /, 'weave-ts: ')
  // Commander guesses at a verb that is spelt alike; the answer knows.
  return answer === undefined ? complaint : `${complaint.split('\n')[0]}\n  ${answer}\n`
}

function jsonOf(text: string): string {
  const [message, ...rest] = text
    .replace(/^error: /, '')
    .trim()
    .split('\n')
  const remedy = weaveAnswer(text) ?? [...rest, SEE_HELP].join(' ')
  return `${JSON.stringify({ code: 'USAGE', message, remedy })}\n`
}
