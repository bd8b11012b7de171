import { Command } from 'commander'
import { SOFTWARE_VERSION } from '../api/mod.ts'
import { withSettings } from './settings.ts'
import { asTyped } from './left-out-values.ts'
import { weaveAnswer } from './weave-answers.ts'

export const EXIT_STATUSES = [
  ...['0 done', '1 refused', '2 wrong usage', '3 status: not ready', '4 no such target', '7 no daemon'],
  ...['65 damaged state', '69 something missing', '70 failed', '74 disk', '75 busy: try again', '77 no permission'],
  '78 configuration',
]

const SEE_HELP = 'add --help to see what can be given'
const EXIT_STATUS_HELP = `
Exit status: ${EXIT_STATUSES.slice(0, 6).join(' · ')}
             ${EXIT_STATUSES.slice(6).join(' · ')}
Environment: WEAVE_TS_STATE_DIR (as --state-dir), WEAVE_PASSWORD (mesh secret), DOCKER_HOST`

/** What is common to all commands, and none of them yet. `isJson`: so are its complaints. */
export function commandLine(isJson: boolean): Command {
  return withSettings(
    new Command('weave-ts')
      .description('An encrypted layer-2 overlay mesh for hosts and containers, without a controller.')
      .version(SOFTWARE_VERSION, '--version')
      .helpOption('-h, --help')
      .enablePositionalOptions()
      .showHelpAfterError(isJson ? false : `  ${SEE_HELP} [USAGE]`)
      .configureOutput({
        outputError: (text, write) => write(isJson ? jsonOf(asTyped(text)) : complaintOf(asTyped(text))),
      })
      .exitOverride()
      .helpCommand(false)
      .addHelpText('after', EXIT_STATUS_HELP),
  )
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
