/** What a user of Weave Net is told: by the program, and by docs/from-weave.md, which name the same words. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { weaveAnswer, weaveWords } from '../../lib/cli/weave-answers.ts'
import { projectRoot } from '../../scripts/check-docs.ts'
import { commandNames, commandOf, commonOptions, misuse, runCli } from './commands.ts'
import { codeSpans, weaveCommand } from './pages.ts'

t.setTimeout(120_000)
const names = commandNames()
const commands = new Map(names.filter(name => name !== 'help').map(name => [name, commandOf(name)]))

t.test('a verb or an option of Weave that is not here is answered with the one to use', async t => {
  const verb = runCli('setup-cni')
  t.equal(verb.status, 2)
  t.match(
    verb.stderr,
    /^weave-ts: unknown command 'setup-cni'\n {2}setup-cni was Weave Net's; here: there is no CNI plugin/,
  )
  t.notMatch(runCli('setup').stderr, /Did you mean/)
  const option = runCli('launch', '--trusted-subnets=10.0.0.0/8')
  t.equal(option.status, 2)
  t.match(option.stderr, /unknown option.*\n {2}--trusted-subnets was Weave Net's; here: all traffic is encrypted/)
  t.notMatch(runCli('fly').stderr, /Weave Net/)
  t.equal(weaveAnswer("error: unknown command 'constructor'"), undefined)
})

t.test('what is answered is not here, and what an answer names is', async t => {
  for (const verb of weaveWords.verbs) t.notOk(commands.has(verb), `${verb} is no command`)
  const own = [...commands.values()].flatMap(({ options }) => [...options.keys()])
  for (const option of weaveWords.options)
    if (option !== '--name') t.notOk(own.includes(option), `${option} is no option`)
  for (const [kind, words] of [
    ['command', weaveWords.verbs],
    ['option', weaveWords.options],
  ] as const)
    for (const word of words)
      for (const span of codeSpans(weaveAnswer(`error: unknown ${kind} '${word}'`)!)) {
        const line = weaveCommand(span)
        if (line !== undefined) t.equal(misuse(line, commands, commonOptions()), undefined, span)
      }
})

t.test('docs/from-weave.md names every such verb and option', async t => {
  const page = readFileSync(join(projectRoot(), 'docs/from-weave.md'), 'utf8')
  for (const word of [...weaveWords.verbs, ...weaveWords.options]) t.match(page, `\`${word}\``)
})
