import t from 'tap'
import { SETTLE_AT_ONCE, SETTLE_KEYS_MAX } from '../../../lib/daemon/constants.ts'
import { Settling, type Trouble } from '../../../lib/daemon/settling.ts'
import { waitFor } from '../../support/testbed-command.ts'

/** Something that is settled when the test says so. */
function world() {
  const under = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  const begun: string[] = []
  const failures: (Trouble & { key: string })[] = []
  const settling = new Settling(
    key => {
      begun.push(key)
      return new Promise((resolve, reject) => under.set(key, { resolve, reject }))
    },
    (key, trouble) => void failures.push({ key, ...trouble }),
  )
  return { settling, under, begun, failures }
}

t.test('one that is asked for while it is under way is done once more, however often it was asked for', async t => {
  const w = world()
  for (let i = 0; i < 5; i++) w.settling.ask('a')
  t.strictSame(w.begun, ['a'])
  t.ok(w.settling.isBusy('a'))
  w.under.get('a')!.resolve()
  await waitFor('the second time', 1_000, () => w.begun.length === 2)
  w.under.get('a')!.resolve()
  await waitFor('rest', 1_000, () => !w.settling.isBusy('a'))
  t.strictSame(w.begun, ['a', 'a'])
  await w.settling.stop()
})

t.test('what fails is tried again until it goes right, and its trouble is told as long', async t => {
  const w = world()
  w.settling.ask('a')
  for (let attempts = 1; attempts <= 2; attempts++) {
    w.under.get('a')!.reject(new Error('disk is full'))
    await waitFor('the next attempt', 3_000, () => w.begun.length === attempts + 1)
    t.match(w.settling.troubleOf('a'), { text: 'disk is full', attempts })
  }
  w.under.get('a')!.resolve()
  await waitFor('it went right', 1_000, () => w.settling.troubleOf('a') === undefined)
  t.match(w.failures, [
    { key: 'a', attempts: 1 },
    { key: 'a', attempts: 2 },
  ])
  await w.settling.stop()
})

t.test('so many are under way at once, and so many wait', async t => {
  const w = world()
  const keys = Array.from({ length: SETTLE_AT_ONCE + SETTLE_KEYS_MAX }, (_, i) => `k${i}`)
  t.ok(keys.every(key => w.settling.ask(key)))
  t.equal(w.begun.length, SETTLE_AT_ONCE)
  t.notOk(w.settling.ask('one too many'))
  w.under.get('k0')!.resolve()
  await waitFor('the next', 1_000, () => w.begun.length === SETTLE_AT_ONCE + 1)
  t.equal(w.begun.at(-1), `k${SETTLE_AT_ONCE}`)
  const stopped = w.settling.stop()
  for (const { reject } of w.under.values()) reject(new Error('ends'))
  await stopped
  t.equal(w.begun.length, SETTLE_AT_ONCE + 1, 'nothing begins after the stop')
})
