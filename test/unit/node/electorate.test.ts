import t from 'tap'
import { Electorate, type ElectionPlan } from '../../../lib/node/electorate.ts'
import { peerNumber } from '../../support/graphs.ts'
import { fakeSuite } from '../../support/fake-suite.ts'

const of = (plan: ElectionPlan) => new Electorate(plan, fakeSuite)
const elector = (number: number, nickname = `h${number}`) => ({ peerId: peerNumber(number), nickname })

t.test('another number or other seeds are another electorate, whatever their order', t => {
  t.notSame(of({ type: 'consensus', size: 3 }).id, of({ type: 'consensus', size: 5 }).id)
  t.same(of({ type: 'seed', names: ['b', 'a'] }).id, of({ type: 'seed', names: ['a', 'b', 'a'] }).id)
  t.notSame(of({ type: 'seed', names: ['a'] }).id, of({ type: 'seed', names: ['b'] }).id)
  t.end()
})

t.test('a majority of the number decides; of all that take part, where there are more', t => {
  const five = of({ type: 'consensus', size: 5 })
  t.strictSame(
    [1, 5, 6, 9].map(counted => five.quorum(counted)),
    [3, 3, 4, 5],
  )
  t.equal(of({ type: 'consensus', size: 50 }).quorum(26), 26)
  t.equal(of({ type: 'seed', names: ['a', 'b', 'c'] }).quorum(9), 2)
  t.end()
})

t.test('seeds are known by id or nickname; two of one name are not counted, and named', t => {
  const electorate = of({ type: 'seed', names: [peerNumber(1), 'h2', 'h3'] })
  t.ok(electorate.hasVote(elector(1, 'any')))
  t.ok(electorate.hasVote(elector(2)))
  t.notOk(electorate.hasVote(elector(4)))
  const sorted = electorate.sort([elector(1), elector(2), elector(3), elector(7, 'h3'), elector(4)])
  t.strictSame(sorted.counted, [elector(1), elector(2)])
  t.strictSame(sorted.ambiguous, [elector(3), elector(7, 'h3')])
  t.notOk(of({ type: 'observer' }).hasVote(elector(1)))
  t.end()
})
