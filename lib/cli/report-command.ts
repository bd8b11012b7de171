import type { Command } from 'commander'
import { launchDefaults } from './launch-defaults.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'

export function addReportCommand(program: Command): void {
  withSettings(
    program
      .command('report')
      .description('print everything that the daemon knows, as JSON; or write an archive for a bug report'),
  )
    .option(
      '--bundle <file>',
      'write an archive (.tar.gz) with that, doctor, events, log and how the host is, without secrets; -: to standard output',
    )
    .action(async ({ bundle }: { bundle?: string }, command: Command) => {
      const settings = settingsOf(command)
      if (bundle === undefined) return print({ ...settings, isJson: true }, await clientOf(settings).call('report'), '')
      const { writeBundle } = await import('./write-bundle.ts')
      const { file, bytes, entries } = await writeBundle(bundle, { settings, defaults: launchDefaults(program) })
      if (file === undefined) return
      print(
        settings,
        { file, bytes, entries },
        `${file}: ${bytes} bytes, ${entries.length} files; secrets are left out, names and addresses are in it: look through it before you give it away`,
      )
    })
}
