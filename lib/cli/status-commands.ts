import { Argument, type Command } from 'commander'
import { SOFTWARE_VERSION, type Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { renderConnections, renderDns, renderIpam, renderPeers, renderStatus, renderTargets } from './render.ts'
import { renderGroups } from './render-groups.ts'
import { renderRoutes } from './render-ways.ts'
import { clientOf, isScreen, print, settingsOf, withSettings, withStateDir, type Settings } from './settings.ts'
import { WATCH, watching } from './watch.ts'

const EXIT_NOT_READY = 3

const PARTS: Readonly<Record<string, (status: Status) => { text: string; value: unknown }>> = {
  peers: status => ({ text: renderPeers(status), value: status.peers }),
  connections: status => ({ text: renderConnections(status.connections), value: status.connections }),
  targets: status => ({ text: renderTargets(status), value: status.targets }),
  ipam: status => ({ text: renderIpam(status), value: status.ipam }),
}

export function addStatusCommands(program: Command): void {
  withSettings(
    program
      .command('status')
      .description('show the state of the daemon and of the mesh as it sees it')
      .addArgument(
        new Argument('[part]', 'one part of it, in more detail').choices([
          ...Object.keys(PARTS),
          'routes',
          'groups',
          'dns',
        ]),
      ),
  )
    .option('--watch <seconds>', WATCH)
    .action((part: string | undefined, { watch }: { watch?: string }, command: Command) =>
      watching(watch, () => statusShowing(part, settingsOf(command)), { isClearing: isScreen(settingsOf(command)) }),
    )
  withStateDir(
    program
      .command('metrics')
      .description('print what the daemon counts and measures, as Prometheus reads it (see `launch --metrics`)'),
  ).action(async (_options: object, command: Command) => {
    process.stdout.write(await clientOf(settingsOf(command)).call('metrics'))
  })
  withSettings(
    program.command('version').description('print the version of this program and of the running daemon'),
  ).action(async (_options: object, command: Command) => {
    const settings = settingsOf(command)
    const daemon = await clientOf(settings)
      .call('status')
      .then(
        status => status.version,
        (thrown: unknown) => {
          if (thrown instanceof WeaveError && thrown.code === 'DAEMON_DOWN') return null
          // A daemon that runs since before an upgrade may answer otherwise.
          if (thrown instanceof WeaveError && thrown.code === 'INTERNAL') return 'of another version'
          if (!settings.isJson) console.log(`weave-ts ${SOFTWARE_VERSION}`)
          throw thrown
        },
      )
    const text = `weave-ts ${SOFTWARE_VERSION}\n${daemon === null ? 'no daemon is running' : `daemon ${daemon}`}`
    print(settings, { version: SOFTWARE_VERSION, daemon }, text)
  })
}

async function statusShowing(part: string | undefined, settings: Settings): Promise<() => void> {
  if (part === 'dns') {
    const { entries } = await clientOf(settings).call('dns')
    return () => print(settings, entries, renderDns(entries))
  }
  if (part === 'routes') {
    const { routes } = await clientOf(settings).call('routes')
    return () => print(settings, routes, renderRoutes(routes))
  }
  if (part === 'groups') {
    const groups = await clientOf(settings).call('groups')
    return () => print(settings, groups, renderGroups(groups))
  }
  const status = await clientOf(settings).call('status')
  return () => {
    const shown = part === undefined ? { text: renderStatus(status), value: status } : PARTS[part]!(status)
    print(settings, shown.value, shown.text)
    if (part === undefined) process.exitCode = status.isReady ? 0 : EXIT_NOT_READY
  }
}
