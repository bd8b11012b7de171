import t from 'tap'
import { TablePublisher, isSameTable } from '../../../lib/node/forwarding-table.ts'
import type { ForwardingTable } from '../../../lib/overlay/mod.ts'

const make = (more: Partial<ForwardingTable> = {}): ForwardingTable => ({
  selfIndex: 0,
  floodOwn: [1, 2],
  floodOf: [
    [1, [2]],
    [2, []],
  ],
  reachable: [1, 2],
  owners: {
    first: 10,
    blockSize: 64,
    ownerOf: Int32Array.of(0, -1, 2),
    lentAddresses: Uint32Array.of(11, 14),
    lentTo: Int32Array.of(1, 2),
  },
  ...more,
})

t.test('tables are the same when all their numbers are', async t => {
  t.ok(isSameTable(make(), make()))
  t.ok(isSameTable(make({ owners: undefined }), make({ owners: undefined })))
  const owners = make().owners!
  for (const other of [
    make({ floodOwn: [1] }),
    make({ floodOwn: [2, 1] }),
    make({ floodOf: [[1, [2]]] }),
    make({
      floodOf: [
        [1, [2]],
        [3, []],
      ],
    }),
    make({
      floodOf: [
        [1, [2]],
        [2, [1]],
      ],
    }),
    make({ reachable: [1, 2, 3] }),
    make({ owners: undefined }),
    make({ owners: { ...owners, first: 11 } }),
    make({ owners: { ...owners, ownerOf: Int32Array.of(0, -1, 3) } }),
    make({ owners: { ...owners, lentAddresses: Uint32Array.of(11, 15) } }),
    make({ owners: { ...owners, lentTo: Int32Array.of(1, 3) } }),
  ]) {
    t.notOk(isSameTable(make(), other))
    t.notOk(isSameTable(other, make()))
  }
})

t.test('a table is handed out when it differs from the last one', async t => {
  const publisher = new TablePublisher()
  t.same(publisher.take(make), make())
  t.equal(publisher.take(make), undefined, 'nothing was said to have changed')
  publisher.changed()
  t.equal(publisher.take(make), undefined, 'nothing did')
  publisher.changed()
  t.same(publisher.take(() => make({ floodOwn: [] }))?.floodOwn, [])
  t.same(publisher.table?.floodOwn, [])
})
