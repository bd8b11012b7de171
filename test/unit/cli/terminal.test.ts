import fc from 'fast-check'
import t from 'tap'
import { shownOn, terminalOf } from '../../../lib/cli/terminal.ts'

const plain = (text: string) => text.replace(/\u001B\[\d+m/g, '')

t.test('colours are for terminals that have them', async t => {
  t.same(terminalOf({ isTTY: true, columns: 100 }, { TERM: 'xterm' }), { columns: 100, isColoured: true })
  t.same(terminalOf({ isTTY: true }, { TERM: 'dumb' }), { columns: 80, isColoured: false })
  t.same(terminalOf({ isTTY: true, columns: 90 }, { NO_COLOR: '1' }), { columns: 90, isColoured: false })
  t.equal(terminalOf({ isTTY: true }, { NO_COLOR: '' }).isColoured, true, 'an empty NO_COLOR is none')
  t.same(terminalOf({}, { TERM: 'xterm' }), { columns: undefined, isColoured: false })
})

t.test('what is no terminal gets the text as it is', async t => {
  const text = `WARNING: ${'long '.repeat(100)}\n-> h1 established`
  t.equal(shownOn({ columns: undefined, isColoured: false }, text), text)
})

t.test('what matters has a colour: warnings, states, labels', async t => {
  const on = { columns: 200, isColoured: true }
  t.equal(shownOn(on, 'WARNING: a'), '\u001B[31mWARNING: a\u001B[0m')
  t.equal(
    shownOn(on, '-> 192.0.2.1:6783        established h1'),
    '-> 192.0.2.1:6783        \u001B[32mestablished\u001B[0m h1',
  )
  t.equal(
    shownOn(on, '<- 192.0.2.1:6783 retrying    no answer'),
    '<- 192.0.2.1:6783 \u001B[31mretrying\u001B[0m    no answer',
  )
  t.equal(shownOn(on, '          Range: 10.32.0.0/12'), '\u001B[1m          Range:\u001B[0m 10.32.0.0/12')
  t.equal(shownOn(on, 'a word: established'), 'a word: established')
})

t.test('long lines go on below the value of their label', async t => {
  const on = { columns: 60, isColoured: false }
  t.strictSame(shownOn(on, '         Status: waiting: no peer of a mesh is reached: h1 is refused').split('\n'), [
    '         Status: waiting: no peer of a mesh is reached: h1',
    '                 is refused',
  ])
  t.strictSame(shownOn(on, '-> 192.0.2.1:6783 failed refused: this side uses another secret').split('\n'), [
    '-> 192.0.2.1:6783 failed refused: this side uses another',
    '    secret',
  ])
})

t.test('colours change nothing of where a line goes on', async t => {
  for (const line of [
    '         Status: waiting: no peer of a mesh is reached: h1 is refused',
    'WARNING: two hosts use one address: 10.32.0.5 of web is in use on h2 too',
    '-> 192.0.2.1:6783 failed refused: this side uses another secret',
  ]) {
    const [bare, painted] = [false, true].map(isColoured => shownOn({ columns: 60, isColoured }, line))
    t.not(painted, bare)
    t.equal(plain(painted!), bare)
  }
  t.equal(terminalOf({ isTTY: true, columns: 0 }, {}).columns, 80, 'a terminal that does not tell its width')
})

t.test('wrapping and colours lose no word, and keep to the width unless a word is longer', async t => {
  const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom('a', 'b', ':', '-', '!', 'W') })
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 50, max: 120 }),
      (words, columns) => {
        const shown = plain(shownOn({ columns, isColoured: true }, words.join(' ')))
        const rows = shown.split('\n')
        return shown.split(/\s+/).join(' ') === words.join(' ') && rows.every(row => row.length <= columns)
      },
    ),
  )
  t.pass()
})
