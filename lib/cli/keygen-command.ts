import type { Command } from 'commander'
import { print, settingsOf, withJson } from './settings.ts'

const KEYGEN_NOTICE =
  'weave-ts: a new mesh secret was written to standard output: keep it from others, and give it to every host (--password-file)'

export function addKeygenCommand(program: Command): void {
  withJson(
    program
      .command('keygen')
      .description('print a strong mesh secret, for a file that every peer is given with --password-file'),
  ).action(async (_options: object, command: Command) => {
    const { generateSecret, systemEntropy } = await import('../io/mod.ts')
    const secret = generateSecret(systemEntropy)
    print(settingsOf(command), { secret }, secret)
    // Into a file it goes without a word, and whoever types that sees nothing.
    if (process.stdout.isTTY !== true && process.stderr.isTTY === true) console.error(KEYGEN_NOTICE)
  })
}
