import type { Command } from 'commander'
import { WeaveError } from '../base/mod.ts'
import { print, settingsOf, withSettings } from './settings.ts'

const EXIT_REFUSED = 1

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
    print(settings, { ok: true }, 'stopped; `weave-ts launch` goes on with the same options, mesh and addresses')
  })
  withSettings(
    program
      .command('reset')
      .description(
        'leave the mesh for good: hand the addresses on, remove the bridge, all interfaces and the state; says what is cut',
      ),
  )
    .option(
      '--force',
      'also without a running daemon; its address blocks are then lost until rmpeer on another host takes them over',
    )
    .option('--yes', 'do not ask; needed, or --force, where there is no terminal to ask at')
    .action(async ({ force = false, yes = false }: { force?: boolean; yes?: boolean }, command: Command) => {
      const settings = settingsOf(command)
      const { isMeant, resetPlan } = await import('./reset-plan.ts')
      const plan = await resetPlan(settings.stateDir, force)
      for (const line of plan) console.error(`weave-ts: reset${yes ? '' : ' means'}: ${line}`)
      const isSure = yes || (await isMeant('weave-ts: go on?'))
      if (isSure === undefined && !force)
        throw new WeaveError(
          'USAGE',
          'nothing was removed: `reset` asks before it does, and there is no terminal to ask at',
          'run it on a terminal, or where it is meant: weave-ts reset --yes',
        )
      if (isSure === false) {
        console.error('weave-ts: nothing was removed')
        process.exitCode = EXIT_REFUSED
        return
      }
      const { resetInstance } = await import('./stop.ts')
      const notes = await resetInstance(settings.stateDir, force)
      for (const note of notes) console.error(`weave-ts: ${note}`)
      print(settings, { ok: true, notes }, '')
    })
}
