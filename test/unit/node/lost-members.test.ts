import t from 'tap'
import { REUNION_AFTER_MS } from '../../../lib/node/constants.ts'
import { LostMembers } from '../../../lib/node/lost-members.ts'
import { peerNumber } from '../../support/graphs.ts'

const [SELF, ONE, TWO, NEW] = [0, 1, 2, 3].map(peerNumber) as [never, never, never, never]
const MEMBERS = new Set([SELF, ONE, TWO])

t.test('who was met and is lost for a while has returned, once', async t => {
  const lost = new LostMembers(SELF)
  t.same(lost.look(MEMBERS, new Set([SELF, ONE]), 0), [])
  lost.look(MEMBERS, new Set([SELF]), 1_000)
  t.equal(lost.isLost(ONE, 999 + REUNION_AFTER_MS), false)
  t.equal(lost.isLost(ONE, 1_000 + REUNION_AFTER_MS), true)
  t.equal(lost.isLost(TWO, 1_000 + REUNION_AFTER_MS), false, 'it was never met: that is a first meeting')
  t.same(lost.look(MEMBERS, MEMBERS, 1_000 + REUNION_AFTER_MS), [ONE])
  t.same(lost.look(MEMBERS, MEMBERS, 9_000), [])
})

t.test('a neighbour is lost since it was heard last, and all are when this peer was away', async t => {
  const lost = new LostMembers(SELF)
  lost.restore(MEMBERS, 0)
  lost.look(MEMBERS, MEMBERS, 1)
  lost.handleLinkDown(ONE, 2_000)
  lost.look(MEMBERS, new Set([SELF, TWO]), 9_000)
  t.equal(lost.isLost(ONE, 9_000), true)
  t.equal(lost.areMost, false)
  lost.loseAll(5_000)
  t.equal(lost.isLost(TWO, 9_000), true)
  t.equal(lost.areMost, true)
})

t.test('half of the others are not most of them, and who is no member does not count', async t => {
  const lost = new LostMembers(SELF)
  lost.restore(MEMBERS, 0)
  t.equal(lost.areMost, true)
  lost.look(new Set([SELF, ONE, TWO]), new Set([SELF, ONE]), 1)
  t.equal(lost.areMost, false)
  lost.look(new Set([SELF, NEW]), new Set([SELF, NEW]), 9_000)
  t.equal(lost.isLost(TWO, 9_000), false)
})
