import fc from 'fast-check'
import t from 'tap'
import { behindPart, FloodWays, type FloodWay } from '../../../lib/overlay/flood-ways.ts'
import { PASSES_ONLY, WAY_ENTRIES_MAX } from '../../../lib/wire/datagram.ts'

/** A tree as nested lists, and as text: a star for who only passes on. */
type Tree = readonly (readonly [number, Tree])[]

function flat(tree: Tree): number[] {
  return tree.flatMap(([peer, children]) => {
    const below = flat(children)
    return [peer, below.length / 2, ...below]
  })
}

function text(ways: Int32Array, { from, end }: FloodWay): string {
  const parts: string[] = []
  for (let at = from; at < end; at = behindPart(ways, at)) {
    const below = text(ways, { from: at + 2, end: behindPart(ways, at) })
    parts.push(`${ways[at]}${ways[at + 1]! >= PASSES_ONLY ? '*' : ''}${below === '' ? '' : `(${below})`}`)
  }
  return parts.join(' ')
}

/** What is left of a tree when only these are to be reached. */
function pruned(tree: Tree, isReceiver: (peer: number) => boolean): string {
  return tree
    .map(([peer, children]) => {
      const below = pruned(children, isReceiver)
      if (below === '' && !isReceiver(peer)) return ''
      return `${peer}${isReceiver(peer) ? '' : '*'}${below === '' ? '' : `(${below})`}`
    })
    .filter(part => part !== '')
    .join(' ')
}

const TREE: Tree = [
  [
    1,
    [
      [2, []],
      [3, [[4, []]]],
    ],
  ],
  [5, []],
]

t.test('a way to everybody is the tree, and one to some is what leads to them', async t => {
  const ways = new Int32Array(1024)
  const book = new FloodWays(ways, () => undefined)
  t.equal(text(ways, book.everybody), '')
  book.setTree(Int32Array.from(flat(TREE)))
  t.equal(text(ways, book.everybody), '1(2 3(4)) 5')
  t.equal(
    text(
      ways,
      book.to(peer => peer === 4),
    ),
    '1*(3*(4))',
  )
  t.equal(
    text(
      ways,
      book.to(peer => peer === 2 || peer === 5),
    ),
    '1*(2) 5',
  )
  t.equal(
    text(
      ways,
      book.to(peer => peer === 1),
    ),
    '1',
  )
  t.equal(
    text(
      ways,
      book.to(peer => peer === 99),
    ),
    '',
  )
  t.equal(text(ways, book.everybody), '1(2 3(4)) 5', 'which stays')
})

t.test('of any tree a way leads to all who are meant, and to nobody else', async t => {
  // Each peer hangs on one before it, or on the source.
  const trees = fc.array(fc.nat()).map((parents): Tree => {
    const nodes: [number, Tree[number][]][] = [[-1, []]]
    for (const [peer, parent] of parents.entries()) {
      const node: [number, Tree[number][]] = [peer, []]
      nodes[parent % nodes.length]![1].push(node)
      nodes.push(node)
    }
    return nodes[0]![1]
  })
  const law = fc.property(trees, fc.array(fc.nat(9)), (tree, receivers) => {
    const ways = new Int32Array(65_536)
    const book = new FloodWays(ways, () => undefined)
    book.setTree(Int32Array.from(flat(tree)))
    const isReceiver = (peer: number) => receivers.includes(peer)
    return text(ways, book.to(isReceiver)) === pruned(tree, isReceiver)
  })
  t.doesNotThrow(() => fc.assert(law, { numRuns: 300 }))
})

t.test('room is used again, after what is still to go has gone', async t => {
  const ways = new Int32Array(30)
  let reused = 0
  const book = new FloodWays(ways, () => reused++)
  book.setTree(Int32Array.from(flat(TREE)))
  t.equal(reused, 1, 'a new tree voids all ways')
  for (let i = 0; i < 20; i++)
    t.equal(
      text(
        ways,
        book.to(peer => peer === 4),
      ),
      '1*(3*(4))',
    )
  t.ok(reused > 5)
  t.equal(text(ways, book.everybody), '1(2 3(4)) 5')
})

t.test('one copy names as many as it may', async t => {
  const ways = new Int32Array(65_536)
  const book = new FloodWays(ways, () => undefined)
  const count = WAY_ENTRIES_MAX + 50
  const line = Array.from({ length: count }, (_, at) => [at, count - 1 - at]).flat()
  book.setTree(Int32Array.from([...line, 7_000, 0]))
  const { from, end } = book.everybody
  t.equal(ways[from + 1], WAY_ENTRIES_MAX)
  t.equal(ways[behindPart(ways, from)], 7_000, 'the next child has its own')
  t.equal(behindPart(ways, behindPart(ways, from)), end)
})
