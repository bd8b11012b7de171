import t from 'tap'
import { PathUse } from '../../../lib/node/path-use.ts'

/** A use, and looks at it with these totals: datagrams sent and received, by receiver index. */
function world(now: number) {
  let counted: Record<number, [number, number]> = {}
  const use = new PathUse(receiverIndex => {
    const [sentDatagrams, receivedDatagrams] = counted[receiverIndex] ?? [-1, -1]
    return sentDatagrams < 0 ? undefined : { sentDatagrams, receivedDatagrams, sentBytes: 0, receivedBytes: 0 }
  }, now)
  const look = (control: ReadonlyMap<number, number>, totals: typeof counted, at: number) => {
    counted = totals
    use.look(control, at)
  }
  return { use, look }
}

t.test('is used from when it is made, and whenever it is wanted', async t => {
  const { use } = world(5)
  t.equal(use.usedAt, 5)
  use.want(9)
  t.equal(use.usedAt, 9)
})

t.test('control datagrams are no use, one frame of either direction is', async t => {
  const { use, look } = world(0)
  look(new Map([[1, 10]]), { 1: [6, 4] }, 100)
  t.equal(use.usedAt, 0)
  look(new Map([[1, 12]]), { 1: [7, 6] }, 200)
  t.equal(use.usedAt, 200, 'received')
  look(new Map([[1, 14]]), { 1: [8, 7] }, 300)
  t.equal(use.usedAt, 200)
  look(new Map([[1, 14]]), { 1: [9, 7] }, 400)
  t.equal(use.usedAt, 400, 'sent')
})

t.test('what was ordered and is not sent yet is not taken for a frame later', async t => {
  const { use, look } = world(0)
  look(new Map([[1, 2]]), { 1: [1, 2] }, 100)
  t.equal(use.usedAt, 100)
  look(new Map([[1, 3]]), { 1: [1, 2] }, 200)
  look(new Map([[1, 3]]), { 1: [2, 2] }, 300)
  t.equal(use.usedAt, 100)
})

t.test('each key counts for itself, and a session that is gone for nothing', async t => {
  const { use, look } = world(0)
  look(new Map([[1, 0]]), { 1: [50, 50] }, 100)
  const both = new Map([
    [1, 0],
    [2, 0],
  ])
  look(both, { 1: [50, 50], 2: [1, 0] }, 200)
  t.equal(use.usedAt, 200)
  look(both, { 2: [1, 0] }, 300)
  look(new Map([[2, 0]]), { 2: [1, 0] }, 400)
  t.equal(use.usedAt, 200)
  look(both, { 1: [1, 0], 2: [1, 0] }, 500)
  t.equal(use.usedAt, 500, 'an index may come again')
})
