import type { Command } from 'commander'
import { addAttachmentCommands } from './attachment-commands.ts'
import { commandLine } from './command-line.ts'
import { addCompletionCommand } from './completion-command.ts'
import { addDashboardCommand } from './dashboard-command.ts'
import { addDnsArgsCommand } from './dns-args-command.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { addEventsCommand } from './events-command.ts'
import { addExposureCommands } from './exposure-commands.ts'
import { arrangeHelp } from './help-pages.ts'
import { addInviteCommands } from './invite-commands.ts'
import { addIpamCommand } from './ipam-command.ts'
import { addKeygenCommand } from './keygen-command.ts'
import { addLaunchCommand } from './launch-command.ts'
import { addLifecycleCommands } from './lifecycle-commands.ts'
import { addMeshCommands } from './mesh-commands.ts'
import { addNameCommands } from './name-commands.ts'
import { addReportCommand } from './report-command.ts'
import { addServiceCommand } from './service-command.ts'
import { addStatusCommands } from './status-commands.ts'
import { addPerfCommand } from './perf-command.ts'
import { addTopCommand } from './top-command.ts'
import { addWayCommands } from './way-commands.ts'

const EXIT_USAGE = 2

/** The command line with all its commands; each is added by the file of its group. `isJson`: so are its complaints. */
export function weaveProgram(isJson = false): Command {
  const program = commandLine(isJson)
  addLaunchCommand(program)
  addInviteCommands(program)
  addMeshCommands(program)
  addKeygenCommand(program)
  addStatusCommands(program)
  addDoctorCommand(program)
  addDashboardCommand(program)
  addReportCommand(program)
  addWayCommands(program)
  addPerfCommand(program)
  addTopCommand(program)
  addEventsCommand(program)
  addAttachmentCommands(program)
  addExposureCommands(program)
  addNameCommands(program)
  addDnsArgsCommand(program)
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
