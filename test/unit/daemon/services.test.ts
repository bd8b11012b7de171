import t from 'tap'
import { CALL_NAMES, type CallHandlers } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { FailedTurns } from '../../../lib/daemon/failed-turns.ts'
import type { Service } from '../../../lib/daemon/service.ts'
import { Services } from '../../../lib/daemon/services.ts'
import { UndoStack } from '../../../lib/daemon/undo.ts'

const calls = Object.fromEntries(CALL_NAMES.map(name => [name, () => ({})])) as unknown as CallHandlers

function trial(services: readonly Service[]) {
  const failures: string[] = []
  const joined = new Services([{ name: 'calls', calls }, ...services], (service, error) =>
    failures.push(`${service}: ${String(error)}`),
  )
  return { joined, failures }
}

t.test('each service has its turn, one after the other, and a failure keeps nobody else', async t => {
  const turns: string[] = []
  const { joined, failures } = trial([
    {
      name: 'slow',
      reconcile: async () => {
        turns.push('slow begins')
        await new Promise(resolve => setImmediate(resolve))
        turns.push('slow ends')
      },
    },
    { name: 'broken', reconcile: () => Promise.reject(new Error('no')) },
    { name: 'last', reconcile: async () => void turns.push('last') },
  ])
  await Promise.all([joined.reconcile(), joined.reconcile()])
  const once = ['slow begins', 'slow ends', 'last']
  t.strictSame(turns, [...once, ...once], 'two turns do not overlap')
  t.strictSame(failures, ['broken: Error: no', 'broken: Error: no'])
})

t.test('who failed in its last turn is told of until it succeeds', async t => {
  let error: Error | undefined = new WeaveError('BRIDGE_FOREIGN', 'somebody took the bridge', 'remove it')
  const { joined } = trial([
    { name: 'host', reconcile: () => (error === undefined ? Promise.resolve() : Promise.reject(error)) },
  ])
  const failed = new FailedTurns(() => joined.failures)
  t.strictSame(failed.warnings(), [])
  await joined.reconcile()
  t.strictSame(failed.warnings(), ['host is not in order: somebody took the bridge; remove it'])
  error = new Error('no')
  await joined.reconcile()
  t.strictSame(failed.warnings(), ['host is not in order: no'])
  error = undefined
  await joined.reconcile()
  t.strictSame(failed.warnings(), [])
})

t.test('stop waits for the turn under way, skips what is left of it, and ends the last first', async t => {
  const turns: string[] = []
  let go = () => {}
  const gate = new Promise<void>(resolve => (go = resolve))
  let begin = () => {}
  const begun = new Promise<void>(resolve => (begin = resolve))
  const { joined, failures } = trial([
    {
      name: 'first',
      reconcile: async () => {
        begin()
        await gate
        turns.push('first is done')
      },
      stop: async () => void turns.push('first stops'),
    },
    {
      name: 'second',
      reconcile: async () => void turns.push('second'),
      stop: () => Promise.reject(new Error('stuck')),
    },
    { name: 'third', stop: async () => void turns.push('third stops') },
  ])
  const turn = joined.reconcile()
  await begun
  const stopped = joined.stop()
  go()
  await Promise.all([turn, stopped])
  t.strictSame(turns, ['first is done', 'third stops', 'first stops'])
  t.strictSame(failures, ['second: Error: stuck'])
  await joined.reconcile()
  t.equal(turns.length, 3, 'nothing happens after it')
})

t.test('a service that answers a call of another is a fault of ours', t => {
  t.throws(() => trial([{ name: 'thief', calls: { ps: calls.ps } }]), /ps is handled by calls and by thief/)
  t.end()
})

t.test('what was opened is let go of in the opposite order, once, whatever fails', async t => {
  const undone: string[] = []
  const failures: string[] = []
  const undo = new UndoStack()
  undo.push('a', () => void undone.push('a'))
  undo.push('b', () => Promise.reject(new Error('stuck')))
  undo.push('c', async () => void undone.push('c'))
  const unwind = () => undo.unwind((what, error) => failures.push(`${what}: ${String(error)}`))
  await unwind()
  await unwind()
  t.strictSame(undone, ['c', 'a'])
  t.strictSame(failures, ['b: Error: stuck'])
})
