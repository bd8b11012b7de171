import t from 'tap'
import { isPrintable, printable } from '../../../lib/base/printable.ts'

t.test('what would steer a terminal, or turn a text around, is not shown', async t => {
  for (const [text, shown] of [
    ['a\u001b[31mb', 'a?[31mb'],
    ['a\u009b31mb', 'a?31mb'],
    ['a\r\n\tb\u007f', 'a???b?'],
    ['\u202etxt.exe\u202c', '?txt.exe?'],
    ['\u2066a\u2069\u2028\u2029\ufeff', '?a????'],
  ] as const) {
    t.equal(printable(text), shown)
    t.notOk(isPrintable(text))
  }
  for (const text of ['', 'Zürich 東京', 'a b']) {
    t.equal(printable(text), text)
    t.ok(isPrintable(text))
  }
})
