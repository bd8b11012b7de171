import t from 'tap'
import { MEND_AT_ONCE, MEND_KEYS_MAX } from '../../../lib/daemon/constants.ts'
import { Mending, type Trouble } from '../../../lib/daemon/mending.ts'
import { waitFor } from '../../support/testbed-command.ts'

/** Something that is settled when the test says so. */
function world() {
  const under = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  const begun: string[] = []
  const failures: (Trouble & { key: string })[] = []
  const mending = new Mending(
    key => {
      begun.push(key)
      return new Promise((resolve, reject) => under.set(key, { resolve, reject }))
    },
    (key, trouble) => void failures.push({ key, ...trouble }),
  )
  return { mending, under, begun, failures }
}

t.test('one that is asked for while it is under way is done once more, however often it was asked for', async t => {
  const w = world()
  for (let i = 0; i < 5; i++) w.mending.ask('a')
  t.strictSame(w.begun, ['a'])
  t.ok(w.mending.isBusy('a'))
  w.under.get('a')!.resolve()
  await waitFor('the second time', 1_000, () => w.begun.length === 2)
  w.under.get('a')!.resolve()
  await waitFor('rest', 1_000, () => !w.mending.isBusy('a'))
  t.strictSame(w.begun, ['a', 'a'])
  await w.mending.stop()
})

t.test('what fails is tried again until it goes right, and its trouble is told as long', async t => {
  const w = world()
  w.mending.ask('a')
  for (let attempts = 1; attempts <= 2; attempts++) {
    w.under.get('a')!.reject(new Error('disk is full'))
    await waitFor('the next attempt', 3_000, () => w.begun.length === attempts + 1)
    t.match(w.mending.troubleOf('a'), { text: 'disk is full', attempts })
  }
  w.under.get('a')!.resolve()
  await waitFor('it went right', 1_000, () => w.mending.troubleOf('a') === undefined)
  t.match(w.failures, [
    { key: 'a', attempts: 1 },
    { key: 'a', attempts: 2 },
  ])
  await w.mending.stop()
})

t.test('so many are under way at once, and so many wait', async t => {
  const w = world()
  const keys = Array.from({ length: MEND_AT_ONCE + MEND_KEYS_MAX }, (_, i) => `k${i}`)
  t.ok(keys.every(key => w.mending.ask(key)))
  t.equal(w.begun.length, MEND_AT_ONCE)
  t.notOk(w.mending.ask('one too many'))
  w.under.get('k0')!.resolve()
  await waitFor('the next', 1_000, () => w.begun.length === MEND_AT_ONCE + 1)
  t.equal(w.begun.at(-1), `k${MEND_AT_ONCE}`)
  const stopped = w.mending.stop()
  for (const { reject } of w.under.values()) reject(new Error('ends'))
  await stopped
  t.equal(w.begun.length, MEND_AT_ONCE + 1, 'nothing begins after the stop')
})
