import { serialize } from 'node:v8'
import t from 'tap'
import { changeBetween, changedTable, type BlockOwners, type ForwardingTable } from '../../../lib/overlay/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const make = (more: Partial<ForwardingTable> = {}): ForwardingTable => ({
  selfIndex: 0,
  tree: Int32Array.of(1, 1, 3, 0, 2, 0),
  adjacent: [1, 2],
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

/** In one order. */
function sorted(table: ForwardingTable): ForwardingTable {
  const [adjacent, reachable] = [table.adjacent, table.reachable].map(set => [...set].sort((a, b) => a - b))
  const listening = [...(table.listening ?? [])].sort(([a], [b]) => a - b)
  return { ...table, adjacent: adjacent!, reachable: reachable!, listening }
}

t.test('of equal tables there is no change, whatever the order of their sets', async t => {
  t.equal(changeBetween(make(), make()), undefined)
  t.equal(changeBetween(make({ owners: undefined }), make({ owners: undefined })), undefined)
  t.equal(changeBetween(make(), make({ reachable: [2, 1] })), undefined)
  t.equal(changeBetween(make(), make({ adjacent: [2, 1] })), undefined)
})

t.test('whatever differs is told, and nothing else', async t => {
  const owners = make().owners!
  const prefix = Uint8Array.of(0xfd, 1, 2, 3, 4, 5)
  for (const [what, other] of [
    ['rest', make({ selfIndex: 4 })],
    ['rest', make({ tree: Int32Array.of(1, 1, 3, 0) })],
    ['rest', make({ tree: Int32Array.of(1, 0, 3, 0, 2, 0) })],
    ['rest', make({ ipv6Prefix: prefix })],
    ['adjacent', make({ adjacent: [1] })],
    ['adjacent', make({ adjacent: [1, 3] })],
    ['listening', make({ listening: [[1, []]] })],
    [
      'listening',
      make({
        listening: [
          [1, [5, 6]],
          [2, []],
        ],
      }),
    ],
    ['reachable', make({ reachable: [1, 2, 3] })],
    ['reachable', make({ reachable: [3] })],
    ['owners', make({ owners: undefined })],
    ['owners', make({ owners: { ...owners, first: 11 } })],
    ['owners', make({ owners: { ...owners, ownerOf: Int32Array.of(0, -1, 3) } })],
    ['owners', make({ owners: { ...owners, ownerOf: Int32Array.of(0, -1) } })],
    ['owners', make({ owners: { ...owners, lentAddresses: Uint32Array.of(11, 15) } })],
    ['owners', make({ owners: { ...owners, lentTo: Int32Array.of(1, 3) } })],
  ] as const)
    for (const [before, now] of [
      [make(), other],
      [other, make()],
    ] as const) {
      const change = changeBetween(before, now)
      t.same(Object.keys(change ?? {}), [what])
      t.same(sorted(changedTable(structuredClone(before), change!)), sorted(now))
    }
})

t.test('a lane that took all changes has the table, from the first on', async t => {
  const chance = seededChance(7)
  const upTo = (max: number) => Math.floor(chance() * max)
  const list = (max: number) => Array.from({ length: max }, (_, at) => at).filter(() => chance() < 0.5)
  const owners = (blocks: number): BlockOwners => {
    const lent = list(6)
    return {
      first: 100,
      blockSize: 4,
      ownerOf: Int32Array.from({ length: blocks }, () => upTo(5) - 1),
      lentAddresses: Uint32Array.from(lent),
      lentTo: Int32Array.from(lent, () => upTo(4)),
    }
  }
  let held: ForwardingTable | undefined
  let before: ForwardingTable | undefined
  for (let round = 0; round < 500; round++) {
    const now: ForwardingTable = {
      selfIndex: upTo(2),
      tree: Int32Array.from(list(8)),
      adjacent: list(8),
      reachable: list(10),
      listening: list(6).map(peer => [peer, list(3)] as const),
      owners: chance() < 0.1 ? undefined : owners(chance() < 0.1 ? 3 : 8),
      ...(chance() < 0.5 && { ipv6Prefix: Uint8Array.of(upTo(2), 2, 3, 4, 5, 6) }),
    }
    const change = changeBetween(before, now)
    if (change !== undefined) held = changedTable(held, structuredClone(change))
    before = now
    t.same(sorted(held!), sorted({ ipv6Prefix: undefined, ...now }))
    t.equal(changeBetween(held, now), undefined)
  }
})

t.test('one peer more or less of 500 costs bytes, where the table has tens of kilobytes', async t => {
  const numbers = Array.from({ length: 500 }, (_, at) => at)
  const ownerOf = Int32Array.from({ length: 16_384 }, (_, block) => block % 500)
  const base = make().owners!
  const table = make({
    adjacent: numbers,
    reachable: numbers,
    owners: { ...base, ownerOf },
  })
  const now = make({
    adjacent: numbers.slice(1),
    reachable: numbers.slice(1),
    owners: { ...base, ownerOf: ownerOf.with(17, 3) },
  })
  const bytes = serialize(changeBetween(table, now)).length
  t.ok(bytes < 300, `${bytes} bytes`)
  t.ok(serialize(now).length > 100 * bytes)
})
