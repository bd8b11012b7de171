import t from 'tap'
import { asTyped, withValues } from '../../../lib/cli/left-out-values.ts'

t.test('a value that was left out is put in; a word that is no time stays a word', async t => {
  for (const [words, expected] of [
    ['launch --wait host1', 'launch --wait=30 host1'],
    ['launch --wait 10s host1', 'launch --wait 10s host1'],
    ['launch host1 --wait', 'launch host1 --wait=30'],
    ['status connections --watch 5', 'status connections --watch 5'],
    ['ps --watch web', 'ps --watch=2 web'],
    ['ps --watch=0.5 web', 'ps --watch=0.5 web'],
    ['report --bundle', 'report --bundle='],
    ['report --bundle --json', 'report --bundle= --json'],
    ['report --bundle - --json', 'report --bundle - --json'],
    ['report --bundle a.tar.gz', 'report --bundle a.tar.gz'],
    ['dns-lookup constructor toString __proto__', 'dns-lookup constructor toString __proto__'],
  ] as const)
    t.strictSame(withValues(words.split(' ')), expected.split(' '))
})

t.test('a complaint names an option as it was typed', async t => {
  t.equal(asTyped("error: unknown option '--watch=2'"), "error: unknown option '--watch'")
  t.equal(asTyped("error: unknown option '--watch=3'"), "error: unknown option '--watch=3'")
})
