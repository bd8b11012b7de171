import t from 'tap'
import type { LogLine } from '../../../lib/base/mod.ts'
import { LOG_INTERVAL_MS, LOG_KEYS_MAX } from '../../../lib/node/constants.ts'
import { RateLimitedLog } from '../../../lib/node/rate-limited-log.ts'

function record(): { log: RateLimitedLog; lines: LogLine[] } {
  const lines: LogLine[] = []
  return { log: new RateLimitedLog(line => lines.push(line)), lines }
}

t.test('lets one warning of an event through per interval, whoever caused it, and counts the others', t => {
  const { log, lines } = record()
  for (let i = 0; i < 100; i++) log.write('warn', 'link-framing', { endpoint: `192.0.2.${i}:1` }, i)
  t.equal(lines.length, 1)
  log.write('warn', 'link-framing', { endpoint: 'x' }, LOG_INTERVAL_MS)
  t.equal(lines.length, 2)
  t.equal(lines[1]?.fields['suppressed'], 99)
  log.write('warn', 'link-framing', { endpoint: 'x' }, 2 * LOG_INTERVAL_MS)
  t.notOk('suppressed' in lines[2]!.fields, 'the count begins anew')
  t.end()
})

t.test('lets news of different peers through', t => {
  const { log, lines } = record()
  for (const peer of ['a', 'b', 'a']) log.write('info', 'link-up', { peer }, 0)
  t.same(
    lines.map(line => line.fields['peer']),
    ['a', 'b'],
  )
  t.end()
})

t.test('holds no error back', t => {
  const { log, lines } = record()
  for (let i = 0; i < 3; i++) log.write('error', 'ledger-unreadable', {}, 0)
  t.equal(lines.length, 3)
  t.end()
})

t.test('remembers a bounded number of sources, the latest', t => {
  const { log, lines } = record()
  for (let i = 0; i <= LOG_KEYS_MAX; i++) log.write('info', 'path', { peer: `${i}` }, 0)
  lines.length = 0
  log.write('info', 'path', { peer: `${LOG_KEYS_MAX}` }, 1)
  t.equal(lines.length, 0, 'the latest is remembered')
  log.write('info', 'path', { peer: '0' }, 1)
  t.equal(lines.length, 1, 'the oldest was let go')
  t.end()
})
