import t from 'tap'
import { shaperOf } from '../../../lib/daemon/daemon-log.ts'

const LINE = '{"level":40,"time":"2026-01-31T12:00:00.123Z","event":"service","msg":"could not"}\n'
const PIPE = { isTerminal: false, dev: 8, ino: 15 }
const TERMINAL = { ...PIPE, isTerminal: true }

/** How the line comes out: as it is, in words, in colours, or for journald. */
function kindOf(...given: Parameters<typeof shaperOf>): string {
  const shown = shaperOf(...given)(LINE)
  if (shown === LINE) return 'json'
  if (shown === `<4>${LINE}`) return 'journal'
  return shown.includes('\u001B[33mWARN ') ? 'colours' : shown.includes(' WARN  service ') ? 'text' : shown
}

t.test('a terminal gets words, a program JSON', async t => {
  t.equal(kindOf('auto', {}, PIPE), 'json')
  t.equal(kindOf('auto', {}, TERMINAL), 'colours')
  t.equal(kindOf('auto', { NO_COLOR: '1' }, TERMINAL), 'text')
  t.equal(kindOf('auto', { TERM: 'dumb' }, TERMINAL), 'text')
  t.equal(kindOf('auto', { NO_COLOR: '' }, TERMINAL), 'colours', 'an empty variable is none')
})

t.test('what was asked for counts', async t => {
  t.equal(kindOf('text', {}, PIPE), 'text')
  t.equal(kindOf('json', {}, TERMINAL), 'json')
})

t.test('journald gets priorities, where standard error leads to it', async t => {
  t.equal(kindOf('auto', { JOURNAL_STREAM: '8:15' }, PIPE), 'journal')
  t.equal(kindOf('auto', { JOURNAL_STREAM: '8:16' }, PIPE), 'json', 'another stream')
  t.equal(kindOf('json', { JOURNAL_STREAM: '8:15' }, PIPE), 'json')
  t.equal(kindOf('auto', { JOURNAL_STREAM: '8:15' }, TERMINAL), 'colours')
})
