import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { OwnersTable } from '../../../lib/node/owners-table.ts'
import { ip, peer } from '../ipam/support.ts'

const A = peer(1)
const B = peer(2)

/** A mesh of four blocks of 64 addresses, and the numbers of its peers. */
function mesh() {
  const owners: (PeerId | undefined)[] = [A, A, undefined, B]
  const lent: { address: number; peer: PeerId }[] = []
  const numbers = new Map([[A, 0]])
  const ipam = {
    isReady: true,
    version: 1,
    ownership: () => ({
      first: ip('10.32.0.0'),
      blockSize: 64,
      blockCount: owners.length,
      ownerOf: (block: number) => owners[block],
      lent,
    }),
  }
  const view = { indexVersion: 1, indexOf: (id: PeerId) => numbers.get(id) }
  return { owners, lent, numbers, ipam, view, table: new OwnersTable(ipam) }
}

t.test('a table says of each block the number of its owner, and to whom single addresses are lent', async t => {
  const { table, view, numbers, ipam, lent, owners } = mesh()
  t.same(table.of(view)?.ownerOf, Int32Array.of(0, 0, -1, -1), 'B has no number yet')
  numbers.set(B, 1)
  view.indexVersion++
  t.same(table.of(view)?.ownerOf, Int32Array.of(0, 0, -1, 1))
  lent.push({ address: ip('10.32.0.9'), peer: B }, { address: ip('10.32.0.3'), peer: B })
  owners[2] = A
  ipam.version++
  t.same(table.of(view), {
    first: ip('10.32.0.0'),
    blockSize: 64,
    ownerOf: Int32Array.of(0, 0, 0, 1),
    lentAddresses: Uint32Array.of(ip('10.32.0.3'), ip('10.32.0.9')),
    lentTo: Int32Array.of(1, 1),
  })
  ipam.isReady = false
  t.equal(table.of(view), undefined)
})

t.test(
  'the array of all blocks is made anew only where it says something else, and an earlier one stays as it was',
  async t => {
    const { table, view, ipam, owners } = mesh()
    const first = table.of(view)!
    view.indexVersion++
    const second = table.of(view)!
    t.not(second, first)
    t.equal(second.ownerOf, first.ownerOf)
    owners[1] = B
    owners.push(A)
    ipam.version++
    t.same(table.of(view)?.ownerOf, Int32Array.of(0, -1, -1, -1, 0), 'more blocks than before')
    owners[0] = undefined
    ipam.version++
    t.same(table.of(view)?.ownerOf, Int32Array.of(-1, -1, -1, -1, 0))
    t.same(first.ownerOf, Int32Array.of(0, 0, -1, -1))
  },
)
