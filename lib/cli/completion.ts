import type { Command } from 'commander'

/** What a word may be, where it is not one of a fixed list: a function of the shell that prints candidates. */
const TARGETS: Readonly<Record<string, string>> = {
  attach: '_weave_ts_targets',
  detach: '_weave_ts_attached',
  ps: '_weave_ts_attached',
  'dns-add': '_weave_ts_attached',
  'dns-remove': '_weave_ts_attached',
  hide: '_weave_ts_exposed',
  ping: '_weave_ts_peers',
  trace: '_weave_ts_peers',
  perf: '_weave_ts_peers',
  rmpeer: '_weave_ts_peers',
  forget: '_weave_ts_contacts',
  help: '_weave_ts_commands',
}

/** `compgen -W` expands what it is given: only plain words get that far. */
const FUNCTIONS = `_weave_ts_plain() { grep -E '^[A-Za-z0-9_.:/@-]+$'; }
# What can be attached: namespaces, and containers where docker answers.
_weave_ts_targets() {
  { printf '%s\\n' net:default /run/netns/* | sed 's|^/run/netns/|netns:|'
    docker ps --format '{{.Names}}' 2>/dev/null; } | _weave_ts_plain
}
# Not what Docker has plugged in itself, as a line says with the network that it is on.
_weave_ts_attached() {
  weave-ts ps 2>/dev/null | awk '$1 != "weave:expose" && !/ on / { print $1 }' | _weave_ts_plain
}
_weave_ts_exposed() {
  weave-ts ps 2>/dev/null | awk '$1 == "weave:expose" { for (i = 3; i <= NF; i++) if (index($i, "/")) print $i }' | _weave_ts_plain
}
# By nickname, and not this one, which comes first.
_weave_ts_peers() {
  weave-ts status peers 2>/dev/null | sed -n '2,$s/^[a-z2-7]*(\\(.*\\)).*/\\1/p' | _weave_ts_plain
}
_weave_ts_contacts() {
  weave-ts status targets 2>/dev/null | _weave_ts_plain
}
`

/** Completion for bash, made of the commands as they are defined. */
export function bashCompletion(program: Command): string {
  const commands = [...program.commands.map(command => command.name()), 'help'].sort()
  return `# bash completion of weave-ts: . <(weave-ts completion bash)
${FUNCTIONS}_weave_ts_commands() { printf '%s\\n' ${commands.join(' ')}; }
_weave_ts() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command='' words='' i
  # What bash has cut at a colon is put together again.
  if declare -F _get_comp_words_by_ref >/dev/null; then _get_comp_words_by_ref -n : -c word -p before; fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --state-dir) ((i++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $before in
${optionCases(program)}
  esac
  case $command in
    '') words='${[...commands, ...longOptions(program)].join(' ')}' ;;
${program.commands.map(command => `    ${command.name()}) ${wordsOf(command)} ;;`).join('\n')}
    help) words=$(_weave_ts_commands) ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$word"; fi
}
complete -F _weave_ts weave-ts
`
}

/** Completion for zsh, by its emulation of bash's. */
export function zshCompletion(program: Command): string {
  return `#compdef weave-ts
# zsh completion of weave-ts: . <(weave-ts completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bashCompletion(program)}`
}

function longOptions(command: Command): string[] {
  const own = command.options.filter(option => option.long !== undefined && option.long !== null)
  return [...own.map(option => option.long!), '--help']
}

/** After an option that takes a value: one of its choices, a file, or nothing that we know. */
function optionCases(program: Command): string {
  const cases = new Map<string, string>()
  for (const option of [program, ...program.commands].flatMap(command => command.options)) {
    if (!option.required || option.long === undefined || option.long === null) continue
    const { argChoices = [] } = option
    const value = /<([^>]+)>/.exec(option.flags)?.[1]
    if (argChoices.length > 0) cases.set(option.long, `compgen -W '${argChoices.join(' ')}' -- "$word"`)
    else if (value === 'file') cases.set(option.long, 'compgen -f -- "$word"')
    else if (value === 'dir') cases.set(option.long, 'compgen -d -- "$word"')
    else cases.set(option.long, ':')
  }
  return [...cases].map(([name, reply]) => `    ${name}) mapfile -t COMPREPLY < <(${reply}); return ;;`).join('\n')
}

function wordsOf(command: Command): string {
  const choices = command.registeredArguments.flatMap(argument => argument.argChoices ?? [])
  const targets = TARGETS[command.name()]
  const found = targets === undefined ? '' : ` $(${targets})`
  return `words="${[...longOptions(command), ...choices].join(' ')}${found}"`
}
