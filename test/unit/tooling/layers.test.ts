import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'

interface Cruise {
  readonly summary: { readonly violations: readonly { from: string; to: string; rule: { name: string } }[] }
}

function projectRoot(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, '.dependency-cruiser.cjs'))) directory = dirname(directory)
  return directory
}

const root = projectRoot()
const run = spawnSync(
  join(root, 'node_modules/.bin/depcruise'),
  ['--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', 'lib'],
  { cwd: join(root, 'test/fixtures/layers'), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
)
const { violations } = (JSON.parse(run.stdout) as Cruise).summary
const rulesBroken = (file: string) =>
  violations
    .filter(violation => violation.from === file)
    .map(violation => violation.rule.name)
    .sort()

for (const [file, rules, what] of [
  ['lib/base/upward.ts', ['layer-0-base'], 'an import of a later room of its layer'],
  ['lib/ledger/sideways.ts', ['layer-2-ledger'], 'a type imported from a room of the same layer'],
  ['lib/peer/backward.ts', ['layer-3-peer'], 'the peer that imports the node'],
  ['lib/ledger/impure.ts', ['pure-no-node'], 'a runtime module in a pure layer'],
  ['lib/ledger/heavy.ts', ['no-dev-package-in-lib', 'pure-no-package'], 'a package in a pure layer'],
  ['lib/io/leaning.ts', ['no-test-in-lib'], 'shipped code that imports a test'],
  ['lib/peer/beside.ts', ['room-by-its-mod'], 'a room imported beside its mod.ts'],
  ['lib/node/inward.ts', ['not-by-its-own-mod'], 'a file that imports its own mod.ts'],
  ['lib/page/valuing.ts', ['page-types-only'], 'a page that imports more than types'],
  ['lib/page/reaching.ts', ['page-alone'], 'a page that imports types of another room'],
  ['lib/stray/stray.ts', ['known-room'], 'a room that no layer knows'],
] as const) {
  t.test(`the rule of layers catches ${what}`, t => {
    t.strictSame(rulesBroken(file), [...rules])
    t.end()
  })
}

t.test('the rule of layers lets imports point down, within a room, and from node to peer', t => {
  const broken = new Set(violations.map(violation => violation.from))
  for (const file of [
    'address/street.ts',
    'noise/noise.ts',
    'peer/peer.ts',
    'node/node.ts',
    'io/io.ts',
    'cli/cli.ts',
    'page/page.ts',
  ]) {
    t.notOk(broken.has(`lib/${file}`), file)
  }
  t.equal(violations.length, 12)
  t.end()
})
