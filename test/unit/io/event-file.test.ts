import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { EventFile } from '../../../lib/io/mod.ts'

t.test('what was written is read again, and what is no JSON is left out', async t => {
  const stateDir = mkdtempSync(join(tmpdir(), 'weave-ts-events-'))
  t.teardown(() => rmSync(stateDir, { recursive: true }))
  const file = new EventFile(stateDir)
  t.strictSame(file.read(), [])
  file.write({ seq: 2 })
  appendFileSync(join(stateDir, 'events.jsonl'), '{"cut sho\n\n')
  file.write({ seq: 3 })
  writeFileSync(join(stateDir, 'events.jsonl.1'), '{"seq":1}\n', { mode: 0o600 })
  t.strictSame(new EventFile(stateDir).read(), [{ seq: 1 }, { seq: 2 }, { seq: 3 }])
  t.strictSame(new EventFile(stateDir).read(1), [{ seq: 3 }])
})

t.test('a directory that is not there is nobody’s trouble', async t => {
  const file = new EventFile('/nonexistent')
  file.write({ seq: 1 })
  t.strictSame(file.read(), [])
})

t.test('as many as a file holds are read again, from it and the one before it', async t => {
  const stateDir = mkdtempSync(join(tmpdir(), 'weave-ts-events-'))
  t.teardown(() => rmSync(stateDir, { recursive: true }))
  const file = new EventFile(stateDir)
  const text = 'x'.repeat(1_000)
  for (let seq = 1; seq <= 2_500; seq++) file.write({ seq, text })
  const numbers = new EventFile(stateDir).read().map(one => (one as { readonly seq: number }).seq)
  t.equal(numbers.at(-1), 2_500)
  t.ok(numbers.length > 1_000, `${numbers.length} are there`)
  t.strictSame(
    numbers,
    [...numbers].sort((a, b) => a - b),
  )
})
