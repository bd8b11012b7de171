import type { Command } from 'commander'
import { numberOf } from './number-option.ts'
import { clientOf, settingsOf, withSettings } from './settings.ts'

const PORT_MAX = 65_535
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function addDashboardCommand(program: Command): void {
  withSettings(
    program
      .command('dashboard')
      .description(
        'show the page of the mesh to a browser of this host, until interrupted; prints an address that is good once',
      ),
  )
    .option('--port <number>', 'of 127.0.0.1; 0: a free one', '0')
    .action(async ({ port }: { port: string }, command: Command) => {
      const settings = settingsOf(command)
      const { openDashboard } = await import('./dashboard.ts')
      const server = await openDashboard(numberOf('--port', port, 0, PORT_MAX, true), clientOf(settings))
      const { url } = server
      console.log(settings.isJson ? JSON.stringify({ url }) : `open ${url} in a browser of this host; Ctrl-C ends it`)
      await new Promise<void>(resolve => {
        for (const signal of ENDS) process.once(signal, () => resolve())
      })
      await server.close()
    })
}
