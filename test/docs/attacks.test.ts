import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'

const root = projectRoot()
const COLUMNS = 4
/** `file` "name of the test" */
const REFERENCE = /`(test\/[\w./-]+\.test\.ts)` "([^"]+)"/g

const rows = readFileSync(join(root, 'docs/attacks.md'), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('| ') && !/^\| (what|---) /.test(line))
  .map(line => line.slice(2, -2).split(' | '))

t.test('every attack says what happens now, and which tests show it', async t => {
  t.ok(rows.length >= 19, `${rows.length} attacks`)
  for (const row of rows) {
    t.equal(row.length, COLUMNS, row[0]!)
    t.ok([...row[COLUMNS - 1]!.matchAll(REFERENCE)].length > 0, `a test shows it: ${row[0]!}`)
    t.equal(row[COLUMNS - 1]!.replace(REFERENCE, '').replace(/[; ]/g, ''), '', `nothing but tests is named: ${row[0]!}`)
  }
})

t.test('the tests that the attacks name exist in the files that they name', async t => {
  for (const [, , , shown] of rows)
    for (const [, file, name] of shown!.matchAll(REFERENCE)) {
      const text = readFileSync(join(root, file!), 'utf8')
      t.ok(text.includes(`'${name!}'`), `${file!}: ${name!}`)
    }
})
