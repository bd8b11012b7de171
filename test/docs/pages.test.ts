import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { codeLines, codeSpans, pages } from './pages.ts'

interface Manifest {
  readonly version: string
  readonly license: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const root = projectRoot()
const readManifest = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Manifest

t.test('links between the pages lead somewhere', async t => {
  for (const { path, text } of pages()) {
    for (const [, target] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^(https?:|#)/.test(target!)) continue
      const file = normalize(join(dirname(path), target!.split('#')[0]!))
      t.ok(existsSync(join(root, file)), `${path}: ${target!}`)
    }
  }
})

t.test('the files that the pages name exist', async t => {
  let count = 0
  for (const { path, text } of pages()) {
    for (const span of codeSpans(text)) {
      if (!/^(lib|native|test|scripts|docs|bin)\/[\w./-]*$/.test(span)) continue
      count++
      t.ok(existsSync(join(root, span)), `${path}: ${span}`)
    }
  }
  t.ok(count > 80, `${count} names of files were found`)
})

t.test('ARCHITECTURE.md says of every file of lib/node what it does', async t => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const files = readdirSync(join(root, 'lib/node')).map(name => `lib/node/${name}`)
  t.ok(files.length > 50, `${files.length} files were found`)
  t.strictSame(
    files.filter(file => !text.includes(`\`${file}\``)),
    [],
  )
})

t.test('the make targets that the pages name exist', async t => {
  const makefile = readFileSync(join(root, 'Makefile'), 'utf8')
  const targets = new Set([...makefile.matchAll(/^([a-z-]+):/gm)].map(match => match[1]!))
  for (const { path, text } of pages()) {
    for (const line of [...codeLines(text), ...codeSpans(text)]) {
      const target = /^(?:sudo )?make ([a-z-]+)/.exec(line)?.[1]
      if (target !== undefined) t.ok(targets.has(target), `${path}: make ${target}`)
    }
  }
})

t.test('decision 0001 lists every dependency with its licence, and no other', async t => {
  const page = readFileSync(join(root, 'docs/decisions/0001-decisions-and-dependencies.md'), 'utf8')
  const listed = new Map(
    [...page.matchAll(/^\| `([^`]+)` \| ([^|]+) \| \S/gm)].map(match => [match[1]!, match[2]!.trim()] as const),
  )
  const { dependencies, devDependencies } = readManifest('package.json')
  t.strictSame([...listed.keys()].sort(), Object.keys({ ...dependencies, ...devDependencies }).sort())
  for (const [name, licence] of listed)
    t.equal(licence, readManifest(`node_modules/${name}/package.json`).license, `licence of ${name}`)
})

t.test('decisions are numbered, each number once', async t => {
  const numbers = pages()
    .filter(page => page.path.startsWith('docs/decisions/'))
    .map(({ path, text }) => {
      const number = /\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]
      t.match(text, new RegExp(`^# ${Number(number)}\\. `), `${path} has its number in its title`)
      return number
    })
  t.equal(new Set(numbers).size, numbers.length)
})

t.test('every drop reason of the code is explained in docs/protocol.md, and every one explained exists', async t => {
  const page = readFileSync(join(root, 'docs/protocol.md'), 'utf8')
    .split(/^## 13 /m)[1]!
    .split(/^## 14 /m)[0]!
  const sections = page.split(/^### /m)
  const explained = new Set([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(match => match[1]!))
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const engine = [...read('native/counters.h').matchAll(/"drop:([a-z-]+)"/g)].map(match => match[1]!)
  t.ok(engine.length > 20)
  for (const reason of engine) t.ok(explained.has(reason), reason)
  const link = /export type LinkDownReason =([\s\S]*?)\n\n/.exec(read('lib/peer/link.ts'))?.[1] ?? ''
  const ledger = /LEDGER_DROPS = \[([\s\S]*?)\]/.exec(read('lib/ledger/constants.ts'))?.[1] ?? ''
  const refused = /refused: Readonly<Record<([^,]+), number>>/.exec(read('lib/io/link-server.ts'))?.[1] ?? ''
  const named = [
    ...[...refused.matchAll(/'([a-z-]+)'/g)].map(match => `link-refused-${match[1]!}`),
    ...[...link.matchAll(/'([a-z-]+)'/g)].map(match => `link-${match[1]!}`),
    ...[...ledger.matchAll(/'([a-z-]+)'/g)].map(match => match[1]!),
    ...sourceDrops(),
  ]
  t.ok(named.length > 80)
  for (const reason of named) t.ok(explained.has(reason), reason)
  const known = new Set([...engine, ...named, 'link-goodbye'])
  for (const reason of explained) t.ok(known.has(reason), `${reason} is explained and does not exist`)
  t.ok(sections.length > 4)
})

/** What the sources hand to `new Drop(…)` and to the node's `drop(…)`. */
function sourceDrops(): string[] {
  const found = new Set<string>()
  for (const file of sourceFiles()) {
    const text = readFileSync(join(root, file), 'utf8')
    for (const call of text.matchAll(/(?:new Drop|(?:context|#context)\.drop)\(([^()]*)\)/g))
      for (const reason of call[1]!.matchAll(/'([a-z]+(?:-[a-z]+)+)'/g)) found.add(reason[1]!)
  }
  return [...found]
}

function sourceFiles(): string[] {
  const rooms = ['address', 'wire', 'crypto', 'noise', 'ledger', 'topology', 'ipam', 'overlay', 'peer', 'node']
  return rooms.flatMap(room =>
    readdirSync(join(root, 'lib', room))
      .filter(name => name.endsWith('.ts'))
      .map(name => join('lib', room, name)),
  )
}
