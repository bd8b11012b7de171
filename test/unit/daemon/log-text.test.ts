import fc from 'fast-check'
import t from 'tap'
import { logText, withPriority } from '../../../lib/daemon/log-text.ts'

process.env['TZ'] = 'UTC'
const LINK = {
  ...{ level: 30, time: '2026-01-31T12:00:00.123Z', event: 'link-up' },
  ...{ peer: 'abcdefghijklmnopqrstuvwxyz', nickname: 'h1', endpoint: '192.0.2.1:6783', msg: 'link-up' },
}
const text = (fields: object, isColoured = false) => logText(`${JSON.stringify(fields)}\n`, isColoured)

t.test('a line says when, how grave, what, of whom, and what of it', async t => {
  t.equal(text(LINK), '2026-01-31 12:00:00 INFO  link-up            abcdefgh(h1) endpoint=192.0.2.1:6783\n')
  t.equal(
    text({ ...LINK, level: 40, event: 'service', peer: undefined, error: 'no nft', msg: 'could not do its part' }),
    '2026-01-31 12:00:00 WARN  service            could not do its part endpoint=192.0.2.1:6783 error="no nft"\n',
  )
})

t.test('what is grave has a colour where there are colours', async t => {
  t.equal(text(LINK, true), text(LINK), 'most lines have none')
  for (const [level, shown] of [
    [20, '\u001B[2mDEBUG\u001B[0m'],
    [40, '\u001B[33mWARN \u001B[0m'],
    [50, '\u001B[31mERROR\u001B[0m'],
    [60, '\u001B[31mFATAL\u001B[0m'],
  ] as const)
    t.match(text({ ...LINK, level }, true), ` ${shown} link-up`)
})

t.test('a stack stands below its line', async t => {
  t.match(
    text({ ...LINK, level: 60, error: 'Error: x\n    at a (b)\n    at c' }),
    /error="Error: x"\n {4}at a \(b\)\n {4}at c\n$/,
  )
})

t.test('what others say does not steer the terminal, and is one line', async t => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (details, words) => {
      const line = text({ ...details, ...LINK, error: undefined, msg: `\u001B[2J\u009b${words}` })
      return !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(line) && line.split('\n').length === 2
    }),
  )
  t.pass()
})

t.test('what is no line of ours stays as it is', async t => {
  for (const line of ['', 'words\n', '{"level":30\n', '{"level":30}\n', '5\n']) t.equal(logText(line, true), line)
})

t.test('journald is told how grave a line is', async t => {
  for (const [level, priority] of [
    [20, 7],
    [30, 6],
    [40, 4],
    [50, 3],
    [60, 2],
  ])
    t.equal(withPriority(`{"level":${level},"x":1}\n`), `<${priority}>{"level":${level},"x":1}\n`)
  t.equal(withPriority('words\n'), '<6>words\n')
})
