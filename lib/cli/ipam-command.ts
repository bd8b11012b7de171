import { Argument, type Command } from 'commander'
import { renderIpamCheck, renderIpamMap } from './render-ipam.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'

const EXIT_FINDINGS = 1

export function addIpamCommand(program: Command): void {
  withSettings(
    program
      .command('ipam')
      .description('show who owns which addresses of the mesh, or check those of this host')
      .addArgument(
        new Argument('<action>', 'show: the range as runs of blocks; check: whether all agrees on this host').choices([
          'show',
          'check',
        ]),
      ),
  ).action(async (action: string, _options: object, command: Command) => {
    const settings = settingsOf(command)
    if (action === 'check') {
      const checked = await clientOf(settings).call('ipam-check')
      print(settings, checked, renderIpamCheck(checked))
      if (checked.findings.length > 0) process.exitCode = EXIT_FINDINGS
      return
    }
    const map = await clientOf(settings).call('ipam')
    print(settings, map, renderIpamMap(map))
  })
}
