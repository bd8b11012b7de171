import fc from 'fast-check'
import t from 'tap'
import { DUPLICATE_EXPIRY_MS } from '../../../lib/overlay/constants.ts'
import { DuplicateWindow } from '../../../lib/overlay/duplicate-window.ts'

t.test('admits a frame once, by origin and id', async t => {
  const window = new DuplicateWindow(64)
  t.ok(window.admit(0, 5, 0))
  t.notOk(window.admit(0, 5, 0))
  t.ok(window.admit(1, 5, 0))
  t.ok(window.admit(0, 6, 0))
  t.ok(window.admit(0, 0, 0), 'the zero id of peer 0 is no empty slot')
  t.notOk(window.admit(0, 0, 0))
})

t.test('an id is 32 bits of either sign', async t => {
  const window = new DuplicateWindow(64)
  t.ok(window.admit(3, 0xffff_fff0, 0))
  t.notOk(window.admit(3, -16, 0))
})

t.test('a copy after the expiry is a new frame', async t => {
  const window = new DuplicateWindow(64)
  t.ok(window.admit(0, 5, 1000))
  t.notOk(window.admit(0, 5, 1000 + DUPLICATE_EXPIRY_MS))
  t.ok(window.admit(0, 5, 1001 + DUPLICATE_EXPIRY_MS))
  t.notOk(window.admit(0, 5, 1002 + DUPLICATE_EXPIRY_MS))
})

t.test('time may pass 2^31 ms', async t => {
  const window = new DuplicateWindow(64)
  t.ok(window.admit(0, 5, 2 ** 31 - 5))
  t.notOk(window.admit(0, 5, 2 ** 31 + 5))
  t.ok(window.admit(0, 5, 2 ** 31 + 20_000))
})

t.test('a full bucket forgets the oldest first', async t => {
  const window = new DuplicateWindow(8)
  for (let id = 0; id < 9; id++) t.ok(window.admit(0, id, id))
  for (let id = 1; id < 9; id++) t.notOk(window.admit(0, id, 10), `${id} is remembered`)
  t.ok(window.admit(0, 0, 10), 'the oldest is not')
})

t.test('never drops a frame that a set of all frames does not hold', async t => {
  const frames = fc.array(fc.record({ origin: fc.nat(3), id: fc.nat(30), after: fc.nat(3000) }), { maxLength: 200 })
  const law = fc.property(frames, fc.boolean(), (run, isSmall) => {
    const window = new DuplicateWindow(isSmall ? 8 : 4096)
    const seen = new Map<string, number>()
    let now = 0
    for (const { origin, id, after } of run) {
      now += after
      const key = `${origin} ${id}`
      const at = seen.get(key)
      const isFresh = at === undefined || now - at > DUPLICATE_EXPIRY_MS
      const isAdmitted = window.admit(origin, id, now)
      if (isFresh && !isAdmitted) throw new Error('a new frame was dropped')
      if (!isSmall && isAdmitted !== isFresh) throw new Error('a copy was admitted')
      if (isAdmitted) seen.set(key, now)
    }
  })
  t.doesNotThrow(() => fc.assert(law))
})

t.test('refuses a capacity that is no power of two', async t => {
  t.throws(() => new DuplicateWindow(100))
})

t.test('has says what was admitted of late, and remembers nothing', async t => {
  const window = new DuplicateWindow(64)
  t.notOk(window.has(0, 5, 1000))
  t.ok(window.admit(0, 5, 1000), 'to be asked for is not to be admitted')
  t.ok(window.has(0, 5, 1000 + DUPLICATE_EXPIRY_MS))
  t.notOk(window.admit(0, 5, 1000 + DUPLICATE_EXPIRY_MS))
  t.notOk(window.has(0, 5, 1001 + DUPLICATE_EXPIRY_MS), 'copies do not make it longer')
  t.notOk(window.has(1, 5, 1000))
})
