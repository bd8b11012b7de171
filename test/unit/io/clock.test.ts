import t from 'tap'
import { monotonicMillis } from '../../../lib/io/clock.ts'

t.test('gives whole milliseconds that never go back and do go on', t => {
  const first = monotonicMillis()
  let last = first
  while (last < first + 3) {
    const now = monotonicMillis()
    if (!Number.isSafeInteger(now) || now < last) t.fail(`${last} then ${now}`)
    last = now
  }
  t.ok(last - first < 60_000, 'milliseconds, not smaller units')
  t.end()
})
