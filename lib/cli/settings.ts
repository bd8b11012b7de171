import type { Command } from 'commander'
import { ApiClient, readSocketOf } from '../api/mod.ts'
import { STATE_DIR_DEFAULT, socketPathOf, stateDirOf } from './paths.ts'
import { shownOn, terminalOf } from './terminal.ts'

/** What belongs to all commands. */
export interface Settings {
  readonly stateDir: string
  readonly isJson: boolean
}

interface Given {
  readonly stateDir?: string
  readonly json?: boolean
}

/** The options of all commands, for the program or one of them. */
export function withSettings(command: Command): Command {
  return withJson(withStateDir(command))
}

/** Of a command whose answer is never JSON. */
export function withStateDir(command: Command): Command {
  return command.option(
    '--state-dir <dir>',
    `state directory, which names the daemon instance (default: ${STATE_DIR_DEFAULT})`,
  )
}

/** Of a command that speaks to no daemon. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON')
}

/** What was given before the command's name and after it; after it wins. */
export function settingsOf(command: Command): Settings {
  const { stateDir, json }: Given = { ...command.parent?.opts<Given>(), ...command.opts<Given>() }
  return { stateDir: stateDirOf(stateDir), isJson: json === true }
}

export function clientOf({ stateDir }: Settings): ApiClient {
  return new ApiClient(socketPathOf(stateDir), { readSocketPath: () => readSocketOf(stateDir) })
}

/** Prints either the JSON value, or the text unless it is empty. */
export function print({ isJson }: Settings, value: unknown, text: string): void {
  if (isJson) console.log(JSON.stringify(value, undefined, 2))
  else if (text !== '') console.log(shown(text))
}

/** Whether somebody looks at what is printed. */
export function isScreen({ isJson }: Settings): boolean {
  return process.stdout.isTTY && !isJson
}

/** A text as standard output is to show it. */
export function shown(text: string): string {
  return shownOn(terminalOf(process.stdout, process.env), text)
}

/** Of an option that may be repeated, or hold several values with commas between. */
export function collected(value: string, previous: readonly string[]): string[] {
  return [...previous, ...value.split(',').filter(part => part !== '')]
}
