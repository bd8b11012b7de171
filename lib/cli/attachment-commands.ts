import type { Command } from 'commander'
import { chosenAttachments, chosenContainers } from './chosen-attachments.ts'
import { withNames } from './name-commands.ts'
import { renderContainers } from './render-containers.ts'
import { renderPs } from './render.ts'
import { clientOf, isScreen, print, settingsOf, withSettings, type Settings } from './settings.ts'
import { TIMEOUT, timeoutOf, withNotice } from './waiting.ts'
import { WATCH, watching } from './watch.ts'
import { targetLast } from './word-order.ts'

const TARGET = 'netns:NAME, pid:N, or the id or name of a Docker container'
export const ADDRESSES = 'CIDR or ip:CIDR (this one), net:CIDR (one of that subnet), net:default'

interface AttachOptions {
  readonly multicastRoute: boolean
  readonly name: string[]
  readonly withoutDns?: boolean
  readonly resolvConf?: boolean
  readonly timeout?: string
}

export function addAttachmentCommands(program: Command): void {
  withNames(
    withSettings(
      program
        .command('attach')
        .description('plug a container into the overlay; prints its addresses')
        .argument('<target...>', `addresses, if any, and then the target: ${ADDRESSES}; ${TARGET}`),
    ),
  )
    .usage('[options] [addresses...] <target>')
    .option('--no-multicast-route', 'do not route multicast of the container into the overlay')
    .option('--timeout <seconds>', TIMEOUT)
    .option('--without-dns', 'no name but those given with --name')
    .option('--resolv-conf', 'write /etc/netns/NAME/resolv.conf for netns:NAME, so that it asks this host for names')
    .action(async (args: string[], options: AttachOptions, command: Command) => {
      const { multicastRoute, name: names, withoutDns = false, resolvConf = false, timeout } = options
      const settings = settingsOf(command)
      const client = clientOf(settings)
      const answer = client.call('attach', {
        ...targetLast('attach', args),
        multicastRoute,
        names,
        defaultNames: !withoutDns,
        resolvConf,
        ...timeoutOf(timeout),
      })
      const { cidrs, ipv6, notes } = await withNotice(client, 'attach', answer)
      for (const note of notes) console.error(`weave-ts: ${note}`)
      print(settings, { cidrs, ipv6, notes }, [...cidrs, ...ipv6].join(' '))
    })
  withSettings(
    program
      .command('detach')
      .description('take addresses, or all and the interface, from a container; prints what was removed')
      .argument('<target...>', `addresses, if any, and then the target: ${TARGET}`),
  )
    .usage('[options] [addresses...] <target>')
    .action(async (args: string[], _options: object, command: Command) => {
      const settings = settingsOf(command)
      const { cidrs, ipv6 } = await clientOf(settings).call('detach', targetLast('detach', args))
      print(settings, { cidrs, ipv6 }, [...cidrs, ...ipv6].join(' '))
    })
  withSettings(
    program.command('ps').description('list what is attached: id, MAC, addresses, names').argument('[targets...]'),
  )
    .option('--all', 'on all hosts of the mesh: host, id, addresses, names')
    .option('--watch <seconds>', WATCH)
    .action((targets: string[], { all = false, watch }: { all?: boolean; watch?: string }, command: Command) =>
      watching(watch, () => attachedShowing(targets, all, settingsOf(command)), {
        isClearing: isScreen(settingsOf(command)),
      }),
    )
  withSettings(
    program
      .command('whois')
      .description('print which container has an address or a name, and on which host of the mesh it is')
      .argument('<what>', 'an IP address, a name, or the id of a container'),
  ).action(async (what: string, _options: object, command: Command) => {
    const settings = settingsOf(command)
    const { containers } = await clientOf(settings).call('whois', { what })
    print(settings, containers, renderContainers(containers))
  })
}

async function attachedShowing(targets: readonly string[], isAll: boolean, settings: Settings): Promise<() => void> {
  if (isAll) {
    const { containers } = await clientOf(settings).call('containers')
    const chosen = chosenContainers(containers, targets)
    return () => print(settings, chosen, renderContainers(chosen))
  }
  const { attachments } = await clientOf(settings).call('ps')
  const chosen = chosenAttachments(attachments, targets)
  return () => print(settings, chosen, renderPs(chosen))
}
