import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'

const lib = join(projectRoot(), 'lib')
const sources = new Map(
  readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => [name, readFileSync(join(lib, name), 'utf8')] as const),
)

t.test('no constant has the name of another', async t => {
  const found = constantsOf(sources)
  t.ok(found.size > 400, `${found.size} constants were found`)
  t.strictSame(sharedNames(found), [])
})

t.test('a name that two rooms export is found, and one that two files give different values', async t => {
  const shared = (...texts: string[]) =>
    sharedNames(constantsOf(new Map(texts.map((text, i) => [`room${i}/constants.ts`, text]))))
  t.strictSame(shared('export const LINKS_MAX = 1\n', 'export const LINKS_MAX = 1\n'), [
    'LINKS_MAX: room0/constants.ts, room1/constants.ts',
  ])
  t.strictSame(shared('const KEY_BYTES = 16\n', 'export const KEY_BYTES = 32\n'), [
    'KEY_BYTES: room0/constants.ts, room1/constants.ts',
  ])
  t.strictSame(shared('const NO_BYTES = none()\n', 'const NO_BYTES = none()\n', 'export const PORT = 1\n'), [])
})

interface Constant {
  readonly file: string
  readonly isExported: boolean
  readonly value: string
}

function constantsOf(files: ReadonlyMap<string, string>): Map<string, Constant[]> {
  const found = new Map<string, Constant[]>()
  for (const [file, text] of files)
    for (const [, isExported, name, value] of text.matchAll(/^(export )?const ([A-Z][A-Z0-9_]*)\b[^=]*=\s*(.*)$/gm))
      found.set(name!, [...(found.get(name!) ?? []), { file, isExported: isExported !== undefined, value: value! }])
  return found
}

/** A value that several files keep to themselves may have one name in all of them. */
function sharedNames(constants: ReadonlyMap<string, readonly Constant[]>): string[] {
  return [...constants]
    .filter(([, all]) => all.length > 1)
    .filter(([, all]) => all.filter(one => one.isExported).length > 1 || new Set(all.map(one => one.value)).size > 1)
    .map(([name, all]) => `${name}: ${all.map(one => one.file).join(', ')}`)
}
