import type { Command } from 'commander'
import { WeaveError } from '../base/mod.ts'
import { fail } from './fail.ts'
import { withValues } from './left-out-values.ts'
import { settingsOf, type Settings } from './settings.ts'
import { refuseEmpty } from './word-order.ts'

const EXIT_USAGE = 2

/** Does what a command line asks for, by the program that knows its command; ends the process where that fails. */
export async function run(program: Command, argv: readonly string[]): Promise<void> {
  const words = withValues(argv)
  let settings = settingsOf(program)
  program.hook('preAction', (_program, command) => {
    settings = settingsOf(command)
    refuseEmpty(command.name(), command.args)
  })
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (thrown) {
    const { code = '', exitCode } = thrown as { code?: string; exitCode?: number }
    if (code.startsWith('commander.')) process.exit(exitCode === 0 ? 0 : EXIT_USAGE)
    fail(await withLastWords(thrown, settings), settings.isJson)
  }
}

/** Where no daemon answers: how the last one ended. */
async function withLastWords(thrown: unknown, { stateDir }: Settings): Promise<unknown> {
  if (!(thrown instanceof WeaveError) || thrown.code !== 'DAEMON_DOWN') return thrown
  const { lastWords } = await import('./last-words.ts')
  const words = lastWords(stateDir)
  return words === undefined ? thrown : new WeaveError(thrown.code, `${thrown.message}; ${words}`, thrown.remedy)
}
