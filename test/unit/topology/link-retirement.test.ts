import t from 'tap'
import { LinkRetirement, RETIRE_AFTER_MS, RETIRE_TOGETHER_MS } from '../../../lib/topology/mod.ts'
import { peerNumber as p } from '../../support/graphs.ts'

const link = (number: number, isOutbound = true) => ({ peerId: p(number), isOutbound })

t.test('gives up what it dialled and has not wanted for long; what is due soon goes along', async t => {
  const draws = [0.5, 0.6, 0.999]
  const retirement = new LinkRetirement(() => draws.shift() ?? 0)
  retirement.update([link(1), link(2), link(3, false), link(4), link(5)], new Set([p(4)]), 0)
  t.equal(retirement.nextAt(), RETIRE_AFTER_MS)
  t.same(retirement.take(RETIRE_AFTER_MS - 1), [])
  t.same(retirement.take(RETIRE_AFTER_MS), [p(1), p(2), p(5)])
  t.same(retirement.take(RETIRE_AFTER_MS), [])
  t.equal(retirement.nextAt(), undefined)
  retirement.update([link(6)], new Set(), 0)
  draws.push(0.999)
  retirement.update([link(6), link(7)], new Set(), RETIRE_TOGETHER_MS)
  t.same(retirement.take(RETIRE_AFTER_MS * 0.75), [p(6)], 'what is due later stays until then')
})

t.test('what is wanted again in time stays, and its time begins anew', async t => {
  const retirement = new LinkRetirement(() => 0.5)
  retirement.update([link(1)], new Set(), 0)
  retirement.update([link(1)], new Set([p(1)]), 30_000)
  t.equal(retirement.nextAt(), undefined)
  retirement.update([link(1)], new Set(), 40_000)
  t.equal(retirement.nextAt(), 40_000 + RETIRE_AFTER_MS)
  retirement.update([], new Set(), 50_000)
  t.equal(retirement.nextAt(), undefined, 'a link that is gone')
})

t.test('the time is not the same for all', async t => {
  const draws = [0, 0.999]
  const retirement = new LinkRetirement(() => draws.shift() ?? 0)
  retirement.update([link(1)], new Set(), 0)
  t.equal(retirement.nextAt(), RETIRE_AFTER_MS * 0.75)
  t.same(retirement.take(RETIRE_AFTER_MS * 0.75), [p(1)])
  retirement.update([link(2)], new Set(), 0)
  t.ok(retirement.nextAt()! > RETIRE_AFTER_MS * 1.24)
})
