import t from 'tap'
import { PathUse } from '../../../lib/node/path-use.ts'

/** Totals of sessions by receiver index: datagrams sent and received. */
function totalsOf(sessions: Record<number, [number, number]>) {
  return (receiverIndex: number) => {
    const [sentDatagrams, receivedDatagrams] = sessions[receiverIndex] ?? [-1, -1]
    return sentDatagrams < 0 ? undefined : { sentDatagrams, receivedDatagrams, sentBytes: 0, receivedBytes: 0 }
  }
}

t.test('is used from when it is made, and whenever it is wanted', async t => {
  const use = new PathUse(5)
  t.equal(use.usedAt, 5)
  use.want(9)
  t.equal(use.usedAt, 9)
})

t.test('control datagrams are no use, one frame of either direction is', async t => {
  const use = new PathUse(0)
  use.look(new Map([[1, 10]]), totalsOf({ 1: [6, 4] }), 100)
  t.equal(use.usedAt, 0)
  use.look(new Map([[1, 12]]), totalsOf({ 1: [7, 6] }), 200)
  t.equal(use.usedAt, 200, 'received')
  use.look(new Map([[1, 14]]), totalsOf({ 1: [8, 7] }), 300)
  t.equal(use.usedAt, 200)
  use.look(new Map([[1, 14]]), totalsOf({ 1: [9, 7] }), 400)
  t.equal(use.usedAt, 400, 'sent')
})

t.test('what was ordered and is not sent yet is not taken for a frame later', async t => {
  const use = new PathUse(0)
  use.look(new Map([[1, 2]]), totalsOf({ 1: [1, 2] }), 100)
  t.equal(use.usedAt, 100)
  use.look(new Map([[1, 3]]), totalsOf({ 1: [1, 2] }), 200)
  use.look(new Map([[1, 3]]), totalsOf({ 1: [2, 2] }), 300)
  t.equal(use.usedAt, 100)
})

t.test('each key counts for itself, and a session that is gone for nothing', async t => {
  const use = new PathUse(0)
  use.look(new Map([[1, 0]]), totalsOf({ 1: [50, 50] }), 100)
  const both = new Map([
    [1, 0],
    [2, 0],
  ])
  use.look(both, totalsOf({ 1: [50, 50], 2: [1, 0] }), 200)
  t.equal(use.usedAt, 200)
  use.look(both, totalsOf({ 2: [1, 0] }), 300)
  use.look(new Map([[2, 0]]), totalsOf({ 2: [1, 0] }), 400)
  t.equal(use.usedAt, 200)
  use.look(both, totalsOf({ 1: [1, 0], 2: [1, 0] }), 500)
  t.equal(use.usedAt, 500, 'an index may come again')
})
