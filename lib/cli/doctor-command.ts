import type { Command } from 'commander'
import { askDoctor } from './ask-doctor.ts'
import { launchDefaults } from './launch-defaults.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'

const EXIT_PROBLEMS = 1
const EXIT_DOWN = 7

export function addDoctorCommand(program: Command): void {
  withSettings(
    program
      .command('doctor')
      .description(
        'say what is wrong on this host and between it and its neighbours, and what to do; exit status 1: something is, 7: no daemon runs',
      ),
  ).action(async (_options: object, command: Command) => {
    const settings = settingsOf(command)
    const { renderDoctor } = await import('./render-doctor.ts')
    const answer = await askDoctor(clientOf(settings), async down => {
      const { diagnoseDown } = await import('./doctor.ts')
      return diagnoseDown(down, { stateDir: settings.stateDir, defaults: launchDefaults(program) })
    })
    print(settings, answer, renderDoctor(answer))
    if (!answer.isDaemonUp) process.exitCode = EXIT_DOWN
    else if (answer.problems > 0) process.exitCode = EXIT_PROBLEMS
  })
}
