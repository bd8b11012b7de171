import t from 'tap'
import {
  chooseNeighbours,
  mayRefuse,
  neighbourTarget,
  surplusNeighbours,
  type Candidate,
} from '../../../lib/topology/mod.ts'
import { peerNumber as p } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'

function candidates(count: number, linked: number, linkCount = 30): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    peer: p(i),
    rttMs: i % 2 === 0 ? 1000 - i : undefined,
    isLinked: i < linked,
    linkCount,
  }))
}

t.test('the target is everyone up to 32 peers, then grows with the logarithm', async t => {
  for (const [peers, target] of [
    [1, 0],
    [2, 1],
    [32, 31],
    [33, 12],
    [64, 12],
    [65, 14],
    [1000, 20],
  ] as const) {
    t.equal(neighbourTarget(peers), target, `${peers} peers`)
  }
})

t.test('in a small mesh everyone is chosen', async t => {
  t.equal(chooseNeighbours(candidates(31, 5), seededChance(1)).length, 26)
  t.same(surplusNeighbours(candidates(31, 31), seededChance(1)), [])
})

t.test('in a large mesh what is wanting is chosen, half of it near', async t => {
  const all = candidates(999, 0)
  const chosen = chooseNeighbours(all, seededChance(1))
  t.equal(new Set(chosen).size, 20)
  const nearest = all.filter(({ rttMs }) => rttMs !== undefined).sort((a, b) => a.rttMs! - b.rttMs!)
  t.same(
    chosen.slice(0, 10),
    nearest.slice(0, 10).map(({ peer }) => peer),
  )
  t.not(chosen.join(), chooseNeighbours(all, seededChance(2)).join(), 'the others depend on chance')
  t.equal(chooseNeighbours(candidates(999, 15), seededChance(1)).length, 5)
  t.same(chooseNeighbours(candidates(999, 20), seededChance(1)), [])
  t.same(chooseNeighbours(candidates(999, 100), seededChance(1)), [])
})

t.test('links are given up only above twice the target, and never those of the near or of the poor', async t => {
  t.same(surplusNeighbours(candidates(999, 40), seededChance(1)), [])
  const given = surplusNeighbours(candidates(999, 41), seededChance(1))
  t.equal(given.length, 21)
  const near = candidates(41, 41)
    .filter(({ rttMs }) => rttMs !== undefined)
    .sort((a, b) => a.rttMs! - b.rttMs!)
  for (const { peer } of near.slice(0, 10)) t.notOk(given.includes(peer))
  t.same(surplusNeighbours(candidates(999, 41, 20), seededChance(1)), [])
})

t.test('a newcomer’s first link is never refused', async t => {
  t.equal(mayRefuse(1000, 500, 0), false)
  t.equal(mayRefuse(1000, 40, 1), true)
  t.equal(mayRefuse(1000, 39, 1), false)
  t.equal(mayRefuse(20, 30, 1), false)
})
