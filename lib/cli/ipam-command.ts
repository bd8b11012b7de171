import { Argument, type Command } from 'commander'
import { renderIpamMap } from './render-ipam.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'

export function addIpamCommand(program: Command): void {
  withSettings(
    program
      .command('ipam')
      .description('show who owns which addresses of the mesh')
      .addArgument(new Argument('<action>', 'show: the range as runs of blocks').choices(['show'])),
  ).action(async (_action: string, _options: object, command: Command) => {
    const settings = settingsOf(command)
    const map = await clientOf(settings).call('ipam')
    print(settings, map, renderIpamMap(map))
  })
}
