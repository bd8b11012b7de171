import type { Command } from 'commander'
import { print, settingsOf, withJson } from './settings.ts'

export function addKeygenCommand(program: Command): void {
  withJson(
    program
      .command('keygen')
      .description('print a strong mesh secret, for a file that every peer is given with --password-file'),
  ).action(async (_options: object, command: Command) => {
    const { generateSecret, systemEntropy } = await import('../io/mod.ts')
    const secret = generateSecret(systemEntropy)
    print(settingsOf(command), { secret }, secret)
  })
}
