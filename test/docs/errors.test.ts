import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ERROR_CODES } from '../../lib/base/errors.ts'
import { projectRoot } from '../../scripts/check-docs.ts'

const page = readFileSync(join(projectRoot(), 'docs/errors.md'), 'utf8')
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map(section => [section.slice(0, section.indexOf('\n')), section]),
)

t.test('every error code has a heading in docs/errors.md, and every heading is a code', async t => {
  t.strictSame([...sections.keys()].sort(), Object.keys(ERROR_CODES).sort())
})

for (const [code, { exit, http }] of Object.entries(ERROR_CODES)) {
  t.test(`docs/errors.md states the statuses, a cause and a remedy of ${code}`, async t => {
    const section = sections.get(code) ?? ''
    t.match(section, `Exit status ${exit} · HTTP ${http}\n`)
    t.match(section, /- Typical cause: ./)
    t.match(section, /- Remedy: ./)
  })
}
