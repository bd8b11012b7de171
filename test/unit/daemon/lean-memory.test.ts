import t from 'tap'
import { LeanMemory } from '../../../lib/daemon/lean-memory.ts'

t.test(
  'memory is given back when the start is over, soon again while a mesh comes together, and then every ten minutes',
  async t => {
    let turn = 0
    const releasedAt: number[] = []
    const service = new LeanMemory(() => releasedAt.push(turn))
    for (; turn < 80; turn++) await service.reconcile()
    t.strictSame(releasedAt, [1, 2, 4, 8, 16, 32, 52, 72])
  },
)
