import type { Command } from 'commander'
import type { LaunchDefaults } from './doctor.ts'

/** What `launch` takes where nothing is given, as its `--help` shows it. */
export function launchDefaults(program: Command): LaunchDefaults {
  const options = program.commands.find(one => one.name() === 'launch')?.options ?? []
  return Object.fromEntries(options.map(one => [one.attributeName(), one.defaultValue])) as unknown as LaunchDefaults
}
