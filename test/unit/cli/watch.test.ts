import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { watchMs, watching } from '../../../lib/cli/watch.ts'

t.test('without --watch it is shown once, and errors are errors', async t => {
  let count = 0
  await watching(undefined, async () => () => void count++, { isClearing: false })
  t.equal(count, 1)
  const down = new WeaveError('DAEMON_DOWN', 'down', 'launch it')
  await t.rejects(
    watching(undefined, () => Promise.reject(down), { isClearing: false }),
    { code: 'DAEMON_DOWN' },
  )
})

t.test('with it again and again, also while no daemon answers; other errors end it', async t => {
  const waits: number[] = []
  let count = 0
  const show = async () => {
    count++
    if (count === 2) throw new WeaveError('DAEMON_DOWN', 'no daemon answers', 'launch it')
    if (count === 3) throw new WeaveError('NO_PERMISSION', 'no', 'the socket for readers is gone with the daemon')
    if (count === 4) throw new WeaveError('INTERNAL', 'no', 'report this')
    return () => undefined
  }
  const wait = async (ms: number) => void waits.push(ms)
  await t.rejects(watching('1.5', show, { isClearing: false, wait }), { code: 'INTERNAL' })
  t.same([count, waits], [4, [1_500, 1_500, 1_500]])
})

t.test('who was never answered is told that this user may not', async t => {
  const denied = () => Promise.reject(new WeaveError('NO_PERMISSION', 'no', 'run the command as root'))
  await t.rejects(watching('1', denied, { isClearing: false, wait: async () => undefined }), { code: 'NO_PERMISSION' })
})

t.test('a time that cannot be is refused', async t => {
  t.equal(watchMs('0.5'), 500)
  for (const text of ['', '0', 'x', '-1', '1e3', '100000'])
    t.throws(() => watchMs(text), { code: 'USAGE', message: /--watch/ }, text)
})
