import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'

const lib = join(projectRoot(), 'lib')

/** Kinds that the code names as such; those of `debug` and `trace` are no events. */
function kindsOfCode(levels = 'info|warn|error|fatal'): string[] {
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
  const kinds = files.flatMap(name => {
    const text = readFileSync(join(lib, name), 'utf8')
    return [
      ...text.matchAll(new RegExp(`\\blog\\(\\s*'(?:${levels})',\\s*'([a-z0-9-]+)'`, 'g')),
      ...text.matchAll(new RegExp(`\\b(?:log|#log)\\.(?:${levels})\\(\\s*\\{ event: '([a-z0-9-]+)'`, 'g')),
    ].map(match => match[1]!)
  })
  return [...new Set(kinds)].sort()
}

t.test('docs/events.md tells of each kind of event, and of no other', async t => {
  const page = readFileSync(join(projectRoot(), 'docs/events.md'), 'utf8')
  const told = [...page.matchAll(/^\| `([a-z0-9-]+)` \| \S/gm)].map(match => match[1]!)
  const kinds = kindsOfCode()
  t.ok(kinds.length > 50, `${kinds.length} kinds were found`)
  t.strictSame([...told].sort(), kinds)
})

t.test('docs/events.md says which are grave', async t => {
  const page = readFileSync(join(projectRoot(), 'docs/events.md'), 'utf8')
  const [, errors = '', fatal = ''] = /Of level `error`[^:]*: ([^;]*); of level `fatal`: ([^.]*)\./s.exec(page) ?? []
  const named = (text: string) => [...text.matchAll(/`([a-z0-9-]+)`/g)].map(match => match[1]!)
  // The line of `store-full` is also that of `store-mended`.
  t.strictSame(named(errors), [...kindsOfCode('error'), 'store-full'])
  t.strictSame(named(fatal), kindsOfCode('fatal'))
})
