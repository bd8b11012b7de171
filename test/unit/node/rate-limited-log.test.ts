import t from 'tap'
import type { LogLine } from '../../../lib/base/mod.ts'
import {
  LOG_BURST,
  LOG_ERRORS_BURST,
  LOG_INTERVAL_MS,
  LOG_KEYS_MAX,
  LOG_LINES_PER_SECOND,
} from '../../../lib/node/constants.ts'
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

t.test('lets errors through where others are held back, up to a bound of their own', t => {
  const { log, lines } = record()
  for (let i = 0; i < 2 * LOG_BURST; i++) log.write('info', 'link-up', { peer: `${i}` }, 0)
  lines.length = 0
  for (let i = 0; i < 10 * LOG_ERRORS_BURST; i++) log.write('error', 'ledger-unreadable', {}, 0)
  t.equal(lines.length, LOG_ERRORS_BURST)
  t.end()
})

t.test('bounds all lines together, and tells how many it held back', t => {
  const { log, lines } = record()
  const minuteMs = 60_000
  for (let i = 0; i < 3_000; i++)
    log.write('info', i % 2 === 0 ? 'link-up' : 'link-down', { peer: `${i}` }, Math.floor((i * minuteMs) / 3_000))
  const most = LOG_BURST + (minuteMs / 1000) * LOG_LINES_PER_SECOND
  t.ok(lines.length <= most && lines.length > most - 5, `${lines.length} of 3,000 lines`)
  const told = lines.reduce((sum, line) => sum + Number(line.fields['heldBack'] ?? 0), 0)
  log.write('warn', 'other', {}, 2 * minuteMs)
  const last = lines.at(-1)!
  t.equal(last.event, 'other')
  t.equal(told + Number(last.fields['heldBack'] ?? 0), 3_000 - (lines.length - 1), 'none is left out of the count')
  log.write('warn', 'another', {}, 2 * minuteMs)
  t.notOk('heldBack' in lines.at(-1)!.fields, 'the count begins anew')
  t.end()
})

t.test('does not bound what only a debugging operator sees', t => {
  const { log, lines } = record()
  for (let i = 0; i < 2 * LOG_BURST; i++) log.write('debug', 'detail', { peer: `${i}` }, 0)
  t.equal(lines.length, 2 * LOG_BURST)
  t.end()
})

t.test('remembers a bounded number of sources, the latest', t => {
  const { log, lines } = record()
  for (let i = 0; i <= LOG_KEYS_MAX; i++) log.write('debug', 'path', { peer: `${i}` }, 0)
  lines.length = 0
  log.write('debug', 'path', { peer: `${LOG_KEYS_MAX}` }, 1)
  t.equal(lines.length, 0, 'the latest is remembered')
  log.write('debug', 'path', { peer: '0' }, 1)
  t.equal(lines.length, 1, 'the oldest was let go')
  t.end()
})
