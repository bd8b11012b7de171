import type { Command } from 'commander'
import { ADDRESSES } from './attachment-commands.ts'
import { withNames } from './name-commands.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'
import { TIMEOUT, timeoutOf, withNotice } from './waiting.ts'

interface ExposeOptions {
  readonly withoutMasquerade?: true
  readonly name: string[]
  readonly timeout?: string
}

export function addExposureCommands(program: Command): void {
  withNames(
    withSettings(
      program
        .command('expose')
        .description('give this host addresses of the overlay; prints them')
        .argument('[addresses...]', `${ADDRESSES}; none: one of the default subnet`),
    ),
  )
    .option('--without-masquerade', 'leave the addresses of what enters and leaves those subnets as they are')
    .option('--timeout <seconds>', TIMEOUT)
    .action(async (addresses: string[], options: ExposeOptions, command: Command) => {
      const { withoutMasquerade, name: names, timeout } = options
      const settings = settingsOf(command)
      const client = clientOf(settings)
      const answer = client.call('expose', {
        addresses,
        masquerade: withoutMasquerade !== true,
        names,
        ...timeoutOf(timeout),
      })
      const { cidrs, ipv6, notes } = await withNotice(client, 'expose', answer)
      for (const note of notes) console.error(`weave-ts: ${note}`)
      print(settings, { cidrs, ipv6, notes }, [...cidrs, ...ipv6].join(' '))
    })
  withSettings(
    program
      .command('hide')
      .description('take addresses of the overlay, or all, from this host; prints what was removed')
      .argument('[addresses...]', 'as `weave-ts ps` shows them'),
  ).action(async (addresses: string[], _options: object, command: Command) => {
    const settings = settingsOf(command)
    const { cidrs, ipv6 } = await clientOf(settings).call('hide', { addresses })
    print(settings, { cidrs, ipv6 }, [...cidrs, ...ipv6].join(' '))
  })
}
