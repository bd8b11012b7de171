import type { Command } from 'commander'
import { print, settingsOf, withSettings } from './settings.ts'

export function addLifecycleCommands(program: Command): void {
  withSettings(
    program
      .command('stop')
      .description(
        'stop the daemon; containers keep their interfaces and talk within the host, all is resumed by the next launch',
      ),
  ).action(async (_options: object, command: Command) => {
    const settings = settingsOf(command)
    const { stopDaemon } = await import('./stop.ts')
    await stopDaemon(settings.stateDir)
    print(settings, { ok: true }, '')
  })
  withSettings(
    program
      .command('reset')
      .description('leave the mesh for good: hand the addresses on, remove the bridge, all interfaces and the state'),
  )
    .option('--force', 'also without a running daemon; its address blocks are then lost to the mesh until taken over')
    .action(async ({ force = false }: { force?: boolean }, command: Command) => {
      const settings = settingsOf(command)
      const { resetInstance } = await import('./stop.ts')
      const notes = await resetInstance(settings.stateDir, force)
      for (const note of notes) console.error(`weave-ts: ${note}`)
      print(settings, { ok: true, notes }, '')
    })
}
