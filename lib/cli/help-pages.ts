import type { Command } from 'commander'

/** Commands as `weave-ts --help` shows them: by what somebody is about. */
const HELP_GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Start and stop:': ['launch', 'join', 'restart', 'stop', 'reset', 'service'],
  'The mesh:': ['invite', 'connect', 'forget', 'found', 'prime', 'rmpeer', 'keygen'],
  'Containers and this host:': ['attach', 'detach', 'ps', 'whois', 'expose', 'hide', 'ipam'],
  'Names:': ['dns-add', 'dns-remove', 'dns-lookup', 'dns-args'],
  'How it goes:': [
    'status',
    'doctor',
    'dashboard',
    'events',
    'ping',
    'trace',
    'perf',
    'top',
    'report',
    'metrics',
    'version',
  ],
  'This program:': ['completion', 'help'],
}

/** What is shown below the options of a command: its arguments, and what comes of them. */
const EXAMPLES: Readonly<Record<string, readonly (readonly [words: string, effect: string])[]>> = {
  launch: [
    ['launch --password-file /etc/weave-ts.secret', 'found a mesh'],
    ['launch --password-file /etc/weave-ts.secret --wait host1', 'join that of host1, and return once it is joined'],
    ['launch --replace --mtu 1400', 'as before, but for one option, with a short gap'],
  ],
  join: [['join -', 'read the invitation from standard input: ssh HOST1 weave-ts invite | weave-ts join -']],
  restart: [['restart', 'run the program that was just installed']],
  stop: [['stop', 'until the next launch']],
  reset: [
    ['reset', 'show what would be cut, and ask'],
    ['reset --yes', 'without a question'],
  ],
  service: [['service install', 'at each boot the last launch is resumed']],
  invite: [['invite', 'on this host; then on the other: weave-ts join -']],
  connect: [
    ['connect host2 192.0.2.7:6784 [2001:db8::7]:6783', 'by name and by address'],
    ['connect --replace host3', 'host3 only'],
  ],
  forget: [['forget host2', 'on all hosts']],
  found: [['found', 'when all hosts wait for each other']],
  prime: [['prime --timeout 60', 'in a script, before the first attach']],
  rmpeer: [['rmpeer host3', 'host3 is broken, and will not come back']],
  keygen: [['keygen', 'for example into a file that only root may read']],
  attach: [
    ['attach web', 'a Docker container, with an address of the default subnet'],
    ['attach netns:red --name red', 'a network namespace, by the name red'],
    ['attach 10.32.5.7/24 net:default web', 'this address, and one of the default subnet'],
  ],
  detach: [
    ['detach web', 'all of it'],
    ['detach 10.32.5.7/24 web', 'one address'],
  ],
  ps: [
    ['ps', 'on this host'],
    ['ps --all', 'on all hosts'],
    ['ps web', 'one container, by id or any name'],
  ],
  whois: [['whois 10.32.0.5', 'who has it, and where']],
  expose: [
    ['expose', 'one address of the default subnet'],
    ['expose net:10.40.0.0/24 --name gate', 'one of that subnet, with a name'],
  ],
  hide: [['hide', 'all of them']],
  ipam: [
    ['ipam show', 'who owns what'],
    ['ipam check', 'exit status 1 when something does not agree'],
  ],
  'dns-add': [
    ['dns-add web www', 'web is found as www, too'],
    ['dns-add 192.0.2.9 printer', 'any address'],
  ],
  'dns-remove': [
    ['dns-remove web www', 'this name'],
    ['dns-remove web', 'all that were given here'],
  ],
  'dns-lookup': [
    ['dns-lookup www', 'addresses'],
    ['dns-lookup 10.32.0.5', 'names'],
  ],
  'dns-args': [['dns-args', 'docker run $(weave-ts dns-args) …']],
  status: [
    ['status', 'in short, and what is wrong'],
    ['status connections', 'how each peer is reached'],
    ['status connections --watch 5', 'again every five seconds'],
    ['status --json', 'for scripts'],
  ],
  doctor: [
    ['doctor', 'all checks, problems first'],
    ['doctor --json', 'for scripts'],
  ],
  dashboard: [
    ['dashboard', 'for a browser on this host'],
    ['dashboard --port 7700', 'for one elsewhere: ssh -t -L 7700:127.0.0.1:7700 HOST1 weave-ts dashboard --port 7700'],
  ],
  events: [
    ['events --since 1h', 'the last hour'],
    ['events --follow', 'go on with what happens'],
  ],
  ping: [['ping host2', 'direct, or through whom']],
  trace: [['trace host2', 'each host on the way']],
  perf: [
    ['perf host2', 'both ways, 100 Mbit/s for 3 s each'],
    ['perf host2 --rate 1G --seconds 10 --direction to', 'one way'],
    ['perf host2 --svg host2.svg', 'with a drawing'],
    ['perf host2 --history', 'what was measured before'],
  ],
  top: [
    ['top', 'until interrupted'],
    ['top --seconds 10 --count 5', 'the five busiest pairs'],
  ],
  report: [
    ['report', 'for scripts'],
    ['report --bundle', 'an archive for a bug report, without secrets'],
    ['report --bundle -', 'to standard output: ssh HOST1 weave-ts report --bundle - > host1.tar.gz'],
  ],
  metrics: [['metrics', 'for a look; Prometheus asks where launch --metrics says']],
  version: [['version', 'program and daemon may differ until a restart']],
  completion: [['completion bash', 'into /etc/bash_completion.d/weave-ts']],
}

/** The command lines that `--help` shows for a command, words behind `weave-ts`, and what comes of each. */
export function examplesOf(name: string): readonly (readonly [words: string, effect: string])[] {
  return EXAMPLES[name] ?? []
}

/** Sorts the commands into groups, in short, each with examples. To be called when all have been added. */
export function arrangeHelp(program: Command): void {
  const order = Object.values(HELP_GROUPS).flat()
  // Groups stand in the order of their first commands.
  const commands = program.commands as Command[]
  commands.sort((a, b) => order.indexOf(a.name()) - order.indexOf(b.name()))
  for (const [heading, names] of Object.entries(HELP_GROUPS))
    for (const command of commands) if (names.includes(command.name())) command.helpGroup(heading)
  for (const command of commands) {
    command.summary(command.description().split(/[;:]/)[0]!)
    const shown = exampleLines(command.name())
    if (shown !== '') command.addHelpText('after', shown)
  }
  program.configureHelp({
    subcommandTerm: command => `${command.name()} ${command.usage().replace('[options] ', '')}`.trim(),
  })
}

function exampleLines(name: string): string {
  const rows = examplesOf(name)
  const width = Math.max(0, ...rows.map(([words]) => words.length))
  const lines = rows.map(([words, effect]) => `  weave-ts ${words.padEnd(width)}  ${effect}`)
  return lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}`
}
