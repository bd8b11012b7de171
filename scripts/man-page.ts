/** Prints weave-ts(8), made of the commands as they are defined: roff with the macros of man(7). */
import { pathToFileURL } from 'node:url'
import type { Argument, Command, Option } from 'commander'
import { SOFTWARE_VERSION } from '../lib/api/mod.ts'
import { examplesOf } from '../lib/cli/help-pages.ts'
import { EXIT_STATUSES } from '../lib/cli/command-line.ts'
import { weaveProgram } from '../lib/cli/program.ts'

/** Plain text as roff takes it. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replace(/[^\p{ASCII}]/gu, letter => `\\[u${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`)
}

export function manPage(): string {
  const program = weaveProgram()
  return `.TH WEAVE\\-TS 8 "" "weave\\-ts ${roff(SOFTWARE_VERSION)}" "System administration"
.SH NAME
weave\\-ts \\- ${roff(program.description().replace(/\.$/, ''))}
.SH SYNOPSIS
.B weave\\-ts
[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]
.SH DESCRIPTION
One daemon runs on each host. Containers plug into a local bridge; the daemon reads frames from a TAP port of that bridge,
seals them in UDP datagrams, and sends them to the peer behind which the destination is. Peers find each other by gossip;
there is no controller and no central store.
.SH OPTIONS
Of every command that speaks to a daemon, before the command's name or after it.
${program.options.map(optionEntry).join('')}.SH COMMANDS
${program.commands.map(command => commandSection(command, program)).join('')}.SH EXIT STATUS
${roff(EXIT_STATUSES.join(', '))}.
.SH ENVIRONMENT
.TP
.B WEAVE_TS_STATE_DIR
the state directory, as with \\fB\\-\\-state\\-dir\\fR
.TP
.B WEAVE_PASSWORD
the mesh secret, for launch
.TP
.B DOCKER_HOST
the Docker that the daemon follows: unix:///path or tcp://host:port
.SH FILES
.TP
.I /var/lib/weave\\-ts
the state directory
.SH SEE ALSO
The pages in the directory docs of the program, README.md first.
`
}

function commandSection(command: Command, program: Command): string {
  const common = new Set(program.options.map(option => option.long))
  const own = command.options.filter(option => !option.hidden && !common.has(option.long))
  return `.SS "${roff(`${command.name()} ${command.usage()}`)}"
${roff(command.description())}
${command.registeredArguments.map(argumentEntry).join('')}${own.map(optionEntry).join('')}${examples(command.name())}`
}

function examples(name: string): string {
  return examplesOf(name)
    .map(([words, effect]) => entry(`.B "weave\\-ts ${roff(words)}"`, effect))
    .join('')
}

function argumentEntry(argument: Argument): string {
  const { description, argChoices = [] } = argument
  const text = [description, argChoices.join(', ')].filter(part => part !== '').join(': ')
  return text === '' ? '' : entry(`.I ${roff(argument.name())}`, text)
}

function optionEntry(option: Option): string {
  const { argChoices = [], defaultValue: preset } = option
  const extra = [
    ...(argChoices.length > 0 ? [`one of ${argChoices.join(', ')}`] : []),
    ...(typeof preset === 'string' ? [`default: ${preset}`] : []),
  ]
  const text = `${option.description}${extra.length === 0 ? '' : ` (${extra.join('; ')})`}`
  return entry(`.B "${roff(option.flags)}"`, text)
}

function entry(head: string, text: string): string {
  return `.TP\n${head}\n${roff(text.trim())}\n`
}

const [, script] = process.argv
if (script !== undefined && pathToFileURL(script).href === import.meta.url) process.stdout.write(manPage())
