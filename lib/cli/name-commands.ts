import type { Command } from 'commander'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'
import { targetFirst } from './word-order.ts'

const WHOSE = 'netns:NAME, pid:N, the id or name of a Docker container, weave:expose (this host), or any IP address'

interface NameOptions {
  readonly name: string[]
}

export function addNameCommands(program: Command): void {
  withNames(
    withSettings(
      program
        .command('dns-add')
        .description('give names to what is attached here, or to any address; prints all that it has')
        .argument('<target>', WHOSE)
        .argument('[names...]', 'one label each, or names in the domain'),
    ),
  ).action((target: string, names: string[], options: NameOptions, command: Command) =>
    change('dns-add', target, [...names, ...options.name], command),
  )
  withNames(
    withSettings(
      program
        .command('dns-remove')
        .description('take names away that were given here, all when none is named; prints those that are left')
        .argument('<target>', WHOSE)
        .argument('[names...]', 'one label each, or names in the domain'),
    ),
  ).action((target: string, names: string[], options: NameOptions, command: Command) =>
    change('dns-remove', target, [...names, ...options.name], command),
  )
  withSettings(
    program
      .command('dns-lookup')
      .description('print the addresses of a name, or the names of an address, one a line')
      .argument('<name>', 'one label, a name in the domain, or an IP address'),
  ).action(async (name: string, _options: object, command: Command) => {
    const settings = settingsOf(command)
    const found = await clientOf(settings).call('dns-lookup', { name })
    print(settings, found, [...found.addresses, ...found.names].join('\n'))
  })
}

/** `-h` is Weave's; so help has its long form only. */
export function withNames(command: Command): Command {
  return command
    .helpOption('--help', 'display help for command')
    .option('-h, --name <name>', 'a name; repeatable', collectedNames, [])
}

/** An empty one is kept, to be refused: a script meant to give a name. */
function collectedNames(value: string, previous: readonly string[]): string[] {
  return [...previous, ...value.split(',')]
}

async function change(
  call: 'dns-add' | 'dns-remove',
  target: string,
  names: readonly string[],
  command: Command,
): Promise<void> {
  const settings = settingsOf(command)
  targetFirst(call, target, names)
  const answer = await clientOf(settings).call(call, { target, names: [...names] })
  print(settings, answer, answer.names.join('\n'))
}
