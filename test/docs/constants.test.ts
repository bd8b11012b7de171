import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  codeConstants,
  correctedPage,
  differences,
  documentedConstants,
  projectRoot,
} from '../../scripts/check-docs.ts'

const page = readFileSync(join(projectRoot(), 'docs/protocol.md'), 'utf8')

t.test('docs/protocol.md states the constants of the code, all of them and no others', async t => {
  t.ok(codeConstants().size > 100, 'the code has constants')
  t.strictSame(differences(page), [], 'after a change run: node build/scripts/check-docs.js --write')
})

t.test('a wrong value, a missing row and a row too many are found, and --write mends them', async t => {
  const wrong = page.replace(/\| `HOP_LIMIT` \| 16 \|/, '| `HOP_LIMIT` | 17 |')
  t.match(differences(wrong), [/HOP_LIMIT: the code says 16, docs\/protocol.md 17/])
  const without = page.replace(/\| `REKEY_AFTER_MS`.*\n/, '| `NO_SUCH_THING` | 1 | |\n')
  t.equal(differences(without).length, 2)
  for (const damaged of [wrong, without]) t.strictSame(differences(correctedPage(damaged)), [])
  t.equal(correctedPage(page), page, 'a page that is right stays as it is')
})

t.test('numbers are read with commas and as powers of two', async t => {
  const stated = documentedConstants('### `lib/x.ts`\n\n| `A` | 60,000 | |\n| `B` | 2^34 | |\n| `C` | many | |\n')
  t.strictSame([...stated.values()], [60_000, 2 ** 34, Number.NaN])
})
