import t from 'tap'
import fc from 'fast-check'
import type { PeerId } from '../../../lib/address/mod.ts'
import {
  PUBLISHED_LINKS_MAX,
  SHARED_NAMES_MAX,
  type ClaimTable,
  type Shares,
  type Survey,
} from '../../../lib/topology/mod.ts'
import {
  claim,
  claimsOf,
  peerNumber as p,
  randomClaims,
  recordOf,
  surveyIn,
  tableOf,
  type Edge,
  type PeerLinks,
} from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const EXACT = 1e-9

function sharesIn(table: ClaimTable, from = 0): Shares {
  return surveyIn(table, from, true).shares!
}

function sumOf({ nearest, shares }: Survey, isCounted: (peer: PeerId) => boolean = () => true): number {
  return nearest.reduce((sum, { peer }) => sum + (isCounted(peer) ? shares!.of(peer) : 0), 0)
}

/** The same, and one of them claims links that nobody else knows of. */
function naming(claims: readonly PeerLinks[], from: number, ...named: readonly PeerId[]): PeerLinks[] {
  return claims.map(({ peer, links }, number) => ({
    peer,
    links: number === from ? [...links, ...named.map(name => claim(name))] : links,
  }))
}

function ring(honest: number): Edge[] {
  return Array.from({ length: honest }, (_, number): Edge => [number, (number + 1) % honest])
}

t.test('each divides what it is given among itself and those that it leads to', async t => {
  const shares = sharesIn(
    tableOf(
      claimsOf(6, [
        [0, 1],
        [0, 2],
        [1, 2],
        [1, 3],
        [2, 3],
        [2, 4],
      ]),
    ),
  )
  const expected = { 0: 1 / 3, 1: 1 / 6, 2: 1 / 9, 3: 1 / 6 + 1 / 9, 4: 1 / 9, 5: 0 }
  for (const [number, share] of Object.entries(expected))
    t.ok(Math.abs(shares.of(p(Number(number))) - share) < EXACT, `${number} has ${shares.of(p(Number(number)))}`)
})

t.test('who is named, and does not claim the link itself, counts behind those who do', async t => {
  const claims = claimsOf(4, [
    [0, 1],
    [1, 2],
  ])
  const shares = sharesIn(tableOf(naming(claims, 1, p(3), p(99))))
  t.equal(shares.of(p(2)), 1 / 4)
  t.equal(shares.of(p(3)), 1 / 8)
  t.equal(shares.of(p(99)), 1 / 8, 'also when nothing of it is known')
  t.equal(shares.ofLinked(p(99)), 0)
  const isolated = sharesIn(tableOf(naming(claimsOf(3, [[0, 1]]), 2, p(1), p(77))))
  t.equal(isolated.of(p(77)), 0, 'who is not linked vouches for nobody')
  t.equal(isolated.of(p(2)), 0, 'nor for itself')
})

t.test('all shares together are one, however peers are linked, and however often the work pauses', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 60 }), (seed, count) => {
      const table = tableOf(randomClaims(count, 6, seededChance(seed), 0.1))
      const whole = surveyIn(table, 0, true)
      const sliced = surveyIn(table, 0, true, 5)
      const isSame = whole.nearest.every(({ peer }) => whole.shares!.of(peer) === sliced.shares!.of(peer))
      return Math.abs(sumOf(whole) - 1) < EXACT && isSame
    }),
    { numRuns: 40 },
  )
})

t.test('hops count links', async t => {
  const claims = claimsOf(5, [
    [0, 1],
    [1, 2],
    [0, 3],
    [2, 3],
  ])
  const { nearest, hops, claims: sum } = surveyIn(tableOf(claims), 0, false)
  t.same(
    nearest.map(({ peer }, place) => [peer, hops[place]]).sort(),
    [
      [p(0), 0],
      [p(1), 1],
      [p(3), 1],
      [p(2), 2],
    ].sort(),
  )
  t.equal(sum, 8)
  t.equal(surveyIn(tableOf(claims), 0, false).shares, undefined, 'nobody asked for shares, and all find room')
  t.same(surveyIn(tableOf(claims), 77, true).nearest, [], 'a stranger reaches nobody')
})

t.test(
  'what a member makes up has no more than the member was given, and takes nothing of what others give',
  async () => {
    const honest = 12
    const member = 3
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1, max: 200 }), (seed, fakes) => {
        const chance = seededChance(seed)
        const edges = [...ring(honest), [member, 0] as Edge, [5, 0] as Edge]
        const before = sharesIn(tableOf(claimsOf(honest, edges)))
        // Each is linked to the member or to one made up before it, and to some more of them.
        for (let number = honest; number < honest + fakes; number++) {
          const root = Math.floor(chance() * (number - honest + 1))
          edges.push([number, root === 0 ? member : honest + root - 1])
          for (let i = 0; i < chance() * 4; i++) edges.push([number, honest + Math.floor(chance() * fakes)])
        }
        const after = surveyIn(tableOf(claimsOf(honest + fakes, edges)), 0, true)
        const honestPeers = Array.from({ length: honest }, (_, number) => p(number))
        const isMadeUp = (peer: PeerId) => !honestPeers.includes(peer)
        return (
          sumOf(after, isMadeUp) <= 1 / 5 + EXACT &&
          honestPeers.every((peer, number) => {
            // Those two are farther away than the member, and have something of it too.
            const least = [member, 2, 4].includes(number) ? 0 : before.of(peer)
            const isKept = number === member || after.shares!.of(peer) >= before.of(peer) / 2
            return isKept && after.shares!.of(peer) >= least - EXACT
          })
        )
      }),
      { numRuns: 40 },
    )
  },
)

t.test(
  'with 4,096 made-up peers a newcomer that is named has more than almost all, and no honest peer is left out',
  async t => {
    // A member beside the centre, and a newcomer at the far end: every made-up peer that the member names is nearer.
    const honest = 24
    const member = 1
    const introducer = 12
    const newcomer = p(100_000)
    for (const [shape, fakeEdges] of Object.entries(SHAPES)) {
      const claims = claimsOf(honest + 4_096, [...meshOf(honest), ...fakeEdges(honest, member)])
      const table = tableOf(naming(claims, introducer, newcomer))
      const surveyed = surveyIn(table, 0, true)
      const { nearest, shares } = surveyed
      const share = shares!.of(newcomer)
      const above = nearest.filter(({ peer }) => shares!.of(peer) >= share).length
      t.ok(nearest.length > 4_000, `${shape}: they are all linked`)
      t.ok(above < 256, `${shape}: ${above} are above it`)
      const graph = table.graph(surveyed)
      const lost = Array.from({ length: honest }, (_, number) => p(number)).filter(peer => graph.indexOf(peer) < 0)
      t.same(lost, [], shape)
    }
  },
)

t.test('how many names are known is bounded, and those with the largest part are', async t => {
  const count = 280
  const claims = claimsOf(
    count,
    Array.from({ length: count - 1 }, (_, i): Edge => [Math.floor(i / 3), i + 1]),
  )
  const made = claims.map(({ peer, links }, number) => ({
    peer,
    links: [
      ...links,
      ...Array.from({ length: PUBLISHED_LINKS_MAX - links.length }, (_, i) =>
        claim(p(1_000 + number * PUBLISHED_LINKS_MAX + i)),
      ),
    ],
  }))
  const shares = sharesIn(tableOf(made))
  t.ok(count * (PUBLISHED_LINKS_MAX - 4) > SHARED_NAMES_MAX, 'there are more')
  let known = 0
  for (let number = 0; number < count; number++)
    for (let i = 0; i < PUBLISHED_LINKS_MAX - 4; i++)
      if (shares.of(p(1_000 + number * PUBLISHED_LINKS_MAX + i)) > 0) known++
  t.ok(known <= SHARED_NAMES_MAX && known > SHARED_NAMES_MAX / 2, `${known} are known`)
  t.ok(shares.of(p(1_000)) > 0, 'the nearest has named')
})

t.test('peers that come and go while a survey pauses break nothing', async t => {
  for (let seed = 1; seed <= 10; seed++) {
    const chance = seededChance(seed)
    const count = 40
    const claims = randomClaims(count, 6, chance)
    const table = tableOf(claims)
    const held = new Set(claims.keys())
    const surveyed = surveyIn(table, 0, true, 3, () => {
      const index = 1 + Math.floor(chance() * (2 * count))
      if (held.delete(index)) return table.remove(index)
      held.add(index)
      table.add(index, p(index + (chance() < 0.5 ? 0 : 1_000)))
      table.set(index, recordOf(randomClaims(count, 6, chance)[index % count]!.links))
    })
    const graph = table.graph(surveyed)
    if (graph.indexOf(p(0)) < 0) t.fail(`seed ${seed}: the centre is gone`)
    for (const peer of graph.peers)
      if (![...held].some(index => [p(index), p(index + 1_000)].includes(peer)))
        t.fail(`seed ${seed}: ${peer} was removed`)
  }
  t.pass('all well')
})

/** Every honest peer has links to the next ones and to some far ones. */
function meshOf(honest: number): Edge[] {
  return Array.from({ length: honest }, (_, number) =>
    [1, 2, 7].map((step): Edge => [number, (number + step) % honest]),
  ).flat()
}

/** How 4,096 made-up peers can be linked to a member and to each other. */
const SHAPES: Record<string, (first: number, member: number) => Edge[]> = {
  'a star of stars': (first, member) =>
    Array.from({ length: 4_096 }, (_, i) => (i < 16 ? [member, first + i] : [first + (i % 16), first + i])),
  'as wide as can be': (first, member) =>
    Array.from({ length: 4_096 }, (_, i) => (i < 248 ? [member, first + i] : [first + (i % 248), first + i])),
  'a band': (first, member) =>
    Array.from({ length: 4_096 }, (_, i) => {
      const row = Math.floor(i / 16)
      return row === 0
        ? [[member, first + i] as Edge]
        : Array.from({ length: 16 }, (_, j): Edge => [first + (row - 1) * 16 + j, first + i])
    }).flat(),
  'a chain': (first, member) => Array.from({ length: 4_096 }, (_, i) => [i === 0 ? member : first + i - 1, first + i]),
  'all close together': (first, member) =>
    Array.from({ length: 4_096 }, (_, i) => [
      ...(i < 248 ? [[member, first + i] as Edge] : []),
      ...Array.from({ length: 8 }, (_, step): Edge => [first + i, first + ((i + step + 1) % 4_096)]),
    ]).flat(),
}
