import t from 'tap'
import { LeanMemory } from '../../../lib/daemon/lean-memory.ts'

t.test('memory is given back when the start is over, and every ten minutes after', async t => {
  let released = 0
  const service = new LeanMemory(() => released++)
  const after: number[] = []
  for (let turn = 0; turn < 42; turn++) {
    await service.reconcile()
    after.push(released)
  }
  t.strictSame([after[0], after[1], after[20], after[21], after[40], after[41]], [0, 1, 1, 2, 2, 3])
})
