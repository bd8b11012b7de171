import type { Command } from 'commander'
import { ADDRESSES } from './attachment-commands.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'
import { withNotice } from './waiting.ts'

export function addExposureCommands(program: Command): void {
  withSettings(
    program
      .command('expose')
      .description('give this host addresses of the overlay; prints them')
      .argument('[addresses...]', `${ADDRESSES}; none: one of the default subnet`),
  ).action(async (addresses: string[], _options: object, command: Command) => {
    const settings = settingsOf(command)
    const client = clientOf(settings)
    const { cidrs } = await withNotice(client, 'expose', client.call('expose', { addresses }))
    print(settings, { cidrs }, cidrs.join(' '))
  })
  withSettings(
    program
      .command('hide')
      .description('take addresses of the overlay, or all, from this host; prints what was removed')
      .argument('[addresses...]', 'as `weave-ts ps` shows them'),
  ).action(async (addresses: string[], _options: object, command: Command) => {
    const settings = settingsOf(command)
    const { cidrs } = await clientOf(settings).call('hide', { addresses })
    print(settings, { cidrs }, cidrs.join(' '))
  })
}
