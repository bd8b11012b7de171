import t from 'tap'
import { SUSPECT_LINK_LAST_MS, SUSPECT_LINK_LOOK_MS, SUSPECT_LINK_MS } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { LocalHealth } from '../../../lib/node/local-health.ts'
import { LinkSuspicion, linkSuspicionMs } from '../../../lib/node/link-suspicion.ts'
import { Graph } from '../../../lib/topology/mod.ts'
import { claimsOf, graphOf, peerNumber, type Edge } from '../../support/graphs.ts'

const NO_EDGES = { count: 0, offsets: new Int32Array(1), ends: new Int32Array(0), costs: new Int32Array(0) }
const PEER = peerNumber(1)

function world(graph = new Graph([], { control: NO_EDGES, data: NO_EDGES })) {
  const w = { heardAt: 0 as number | undefined, asked: [] as string[], givenUp: [] as number[] }
  const health = new LocalHealth()
  const view = { graph }
  const context = {
    config: { identity: { peerId: peerNumber(0) } },
    view,
    neighbours: {
      ask: (peer: string) => w.heardAt !== undefined && w.asked.push(peer) > 0,
      heardAt: () => w.heardAt,
      giveUp: (_peer: string, now: number) => w.givenUp.push(now),
    },
  } as unknown as NodeContext
  const suspicion = new LinkSuspicion(context, health)
  const run = (until: number) => {
    for (let next = suspicion.pollTimeout(); next !== undefined && next.at <= until; next = suspicion.pollTimeout())
      suspicion.handleTimeout(next.at)
  }
  const setGraph = (next: Graph) => void (view.graph = next)
  return { w, health, suspicion, run, setGraph }
}

t.test('waits the longest when nobody confirms, the shortest when all do, and ever shorter between', t => {
  t.equal(linkSuspicionMs(0, 0), SUSPECT_LINK_LAST_MS)
  t.equal(linkSuspicionMs(0, 5), SUSPECT_LINK_LAST_MS)
  t.equal(linkSuspicionMs(5, 5), SUSPECT_LINK_MS)
  for (let count = 1; count <= 5; count++) t.ok(linkSuspicionMs(count, 5) < linkSuspicionMs(count - 1, 5))
  t.end()
})

t.test('asks a neighbour once, and gives its link up when nothing comes', t => {
  const { w, suspicion, run } = world()
  suspicion.suspect(PEER, 1_000)
  suspicion.suspect(PEER, 1_100)
  t.same(w.asked, [PEER])
  run(60_000)
  t.equal(w.givenUp.length, 1)
  t.ok(
    w.givenUp[0]! >= 1_000 + SUSPECT_LINK_LAST_MS &&
      w.givenUp[0]! <= 1_000 + SUSPECT_LINK_LAST_MS + SUSPECT_LINK_LOOK_MS,
  )
  t.equal(suspicion.pollTimeout(), undefined)
  t.end()
})

/** Five that are linked to each other; without a data path, or any link, where that is said. */
function five(isDataUp: (a: number, b: number) => boolean, isLinked: (a: number, b: number) => boolean = () => true) {
  const edges: Edge[] = []
  for (let a = 0; a < 5; a++) for (let b = a + 1; b < 5; b++) if (isLinked(a, b)) edges.push([a, b, 0, isDataUp(a, b)])
  return graphOf(claimsOf(5, edges), peerNumber(0))
}

t.test(
  'of several that are gone at once nobody is waited for as a witness, nor one that gave its link up already',
  t => {
    const isGone = (number: number) => number === 1 || number === 2
    const isBetweenLiving = (a: number, b: number) => isGone(a) === isGone(b)
    for (const [isDataUp, isLinked] of [
      [isBetweenLiving, () => true],
      [() => true, isBetweenLiving],
    ] as const) {
      const { w, suspicion, run, setGraph } = world(five(() => true))
      for (const number of [1, 2]) suspicion.suspect(peerNumber(number), 1_000)
      setGraph(five(isDataUp, isLinked))
      run(60_000)
      t.equal(w.givenUp.length, 2)
      for (const at of w.givenUp) t.ok(at <= 1_000 + SUSPECT_LINK_MS + SUSPECT_LINK_LOOK_MS, `${at} ms`)
    }
    t.end()
  },
)

t.test('anything that is heard ends the suspicion, and so does the end of the link', t => {
  const { w, suspicion, run } = world()
  suspicion.suspect(PEER, 1_000)
  w.heardAt = 1_500
  run(60_000)
  suspicion.suspect(PEER, 60_000)
  w.heardAt = undefined
  run(120_000)
  suspicion.suspect(PEER, 120_000)
  t.same(w.givenUp, [])
  t.equal(suspicion.pollTimeout(), undefined)
  t.end()
})

t.test('time that this process was not there does not count, and a process that stalls is patient', t => {
  const { w, health, suspicion, run } = world()
  suspicion.suspect(PEER, 1_000)
  suspicion.forgive(20_000)
  run(20_000)
  t.same(w.givenUp, [])
  health.expect(0)
  health.attend(20_000)
  run(21_000 + SUSPECT_LINK_LAST_MS)
  t.same(w.givenUp, [])
  run(60_000)
  t.equal(w.givenUp.length, 1)
  t.end()
})
