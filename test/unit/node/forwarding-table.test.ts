import t from 'tap'
import { TablePublisher } from '../../../lib/node/forwarding-table.ts'
import { changedTable, type ForwardingTable } from '../../../lib/overlay/mod.ts'

const make = (more: Partial<ForwardingTable> = {}): ForwardingTable => ({
  selfIndex: 0,
  tree: Int32Array.of(1, 1, 2, 0),
  adjacent: [1, 2],
  reachable: [1, 2],
  owners: undefined,
  ...more,
})

t.test('what is new in a table is told when something is', async t => {
  const publisher = new TablePublisher()
  t.same(changedTable(undefined, publisher.take(make)!), make())
  t.equal(publisher.take(make), undefined, 'nothing was said to have changed')
  publisher.changed()
  t.equal(publisher.take(make), undefined, 'nothing did')
  publisher.changed()
  t.same(
    publisher.take(() => make({ tree: Int32Array.of(2, 0) })),
    { rest: { tree: Int32Array.of(2, 0) } },
  )
  publisher.changed()
  t.same(publisher.take(make), { rest: { tree: make().tree } }, 'each change is one to the table before')
})

t.test('a table is made only when something was said to have changed', async t => {
  let made = 0
  const publisher = new TablePublisher()
  for (let look = 0; look < 3; look++) publisher.take(() => (made++, make()))
  t.equal(made, 1)
})
