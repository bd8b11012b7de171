import type { Command } from 'commander'
import { dnsArgs } from './dns-args.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'

export function addDnsArgsCommand(program: Command): void {
  withSettings(
    program
      .command('dns-args')
      .description('print what makes docker run ask this host for names: docker run $(weave-ts dns-args) …'),
  ).action(async (_options: object, command: Command) => {
    const settings = settingsOf(command)
    const { dns } = await clientOf(settings).call('status')
    const args = dnsArgs(dns)
    print(settings, args, args.join(' '))
  })
}
