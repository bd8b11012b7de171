import { Argument, type Command } from 'commander'
import { print, settingsOf, withSettings } from './settings.ts'

interface Options {
  readonly print?: boolean
  readonly now?: boolean
  readonly name: string
  readonly unitDir: string
}

export function addServiceCommand(program: Command): void {
  withSettings(
    program
      .command('service')
      .description('have systemd run the daemon: resume the last launch at boot and after a crash')
      .addArgument(new Argument('<action>', 'what to do').choices(['install', 'uninstall'])),
  )
    .option('--print', 'print the unit file instead of installing it')
    .option('--now', 'start it at once')
    .option('--name <name>', 'name of the unit, for a second instance', 'weave-ts')
    .option('--unit-dir <dir>', 'where unit files are', '/etc/systemd/system')
    .action(async (action: string, options: Options, command: Command) => {
      const settings = settingsOf(command)
      const { installService, serviceUnit, uninstallService } = await import('./service.ts')
      if (options.print === true) {
        const text = serviceUnit(settings.stateDir)
        return print(settings, { unit: text }, text.trimEnd())
      }
      const { stateDir } = settings
      const service = { stateDir, name: options.name, unitDir: options.unitDir, isNow: options.now === true }
      const notes = action === 'install' ? installService(service) : uninstallService(service)
      print(settings, { ok: true, notes }, notes.join('\n'))
    })
}
