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
})

t.test('a directory that is not there is nobody’s trouble', async t => {
  const file = new EventFile('/nonexistent')
  file.write({ seq: 1 })
  t.strictSame(file.read(), [])
})
