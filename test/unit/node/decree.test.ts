import t from 'tap'
import fc from 'fast-check'
import type { PeerId } from '../../../lib/address/mod.ts'
import { NO_VOTE, decidedFounder, isBefore, newAttempt, nextVote, type Vote } from '../../../lib/node/decree.ts'
import { peerNumber } from '../../support/graphs.ts'

t.test('attempts are ordered by round, then by proposer', t => {
  const at = (round: number, number: number) => ({ round, proposer: peerNumber(number) })
  t.ok(isBefore(undefined, at(1, 1)))
  t.notOk(isBefore(at(1, 1), undefined))
  t.ok(isBefore(at(1, 2), at(2, 1)))
  t.not(isBefore(at(1, 1), at(1, 2)), isBefore(at(1, 2), at(1, 1)))
  t.notOk(isBefore(at(1, 1), at(1, 1)))
  t.end()
})

t.test('an elector alone decides at once, and one without a majority never', t => {
  const self = peerNumber(1)
  const first = newAttempt(self, new Map())
  const votes = new Map([[self, first]])
  const next = nextVote(self, votes, 1)
  t.equal(next.accepted?.founder, self)
  t.equal(decidedFounder(new Map([[self, next]]), 1), self)
  t.equal(nextVote(self, votes, 2).accepted, undefined)
  t.end()
})

interface Step {
  readonly who: number
  readonly from: number
  readonly doesPropose: boolean
}

t.test('whatever is told late, twice or never: no two founders are ever decided', t => {
  const steps = fc.array(
    fc.record<Step>({
      who: fc.nat(4),
      from: fc.nat(4),
      doesPropose: fc.integer({ min: 0, max: 29 }).map(roll => roll === 0),
    }),
    { minLength: 200, maxLength: 400, size: 'max' },
  )
  let decisions = 0
  fc.assert(
    fc.property(steps, all => {
      const peers = Array.from({ length: 5 }, (_, number) => peerNumber(number))
      const views = peers.map(peer => new Map<PeerId, Vote>([[peer, NO_VOTE]]))
      const decided = new Set<PeerId>()
      for (const { who, from, doesPropose } of all) {
        const [self, view] = [peers[who]!, views[who]!]
        // The newest vote of one elector arrives; what was told before it never will.
        view.set(peers[from]!, views[from]!.get(peers[from]!)!)
        view.set(self, doesPropose ? newAttempt(self, view) : nextVote(self, view, 3))
        for (const one of views) {
          const founder = decidedFounder(one, 3)
          if (founder !== undefined) decided.add(founder)
        }
        // Nobody sees it all; whoever did would see no more than one either.
        const truth = new Map(peers.map((peer, number) => [peer, views[number]!.get(peer)!]))
        const founder = decidedFounder(truth, 3)
        if (founder !== undefined) decided.add(founder)
      }
      decisions += decided.size
      return decided.size <= 1
    }),
    { numRuns: 500 },
  )
  t.ok(decisions > 50, `${decisions} runs came to a decision`)
  t.end()
})
