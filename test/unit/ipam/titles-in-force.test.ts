import t from 'tap'
import { TitlesInForce } from '../../../lib/ipam/titles-in-force.ts'
import { RENEW_AT } from '../../../lib/ipam/constants.ts'
import { cidr, peer, titleOf } from './support.ts'

const RANGE = cidr('10.32.0.0/24')
const [founder, other] = [peer(1), peer(2)]
const title = (...owners: (typeof founder)[]) => titleOf({ first: 0, count: 1, owners }, RANGE)

t.test('counts blocks and versions: of titles whenever one changes, of owners when a block changes hands', async t => {
  const titles = new TitlesInForce(other, 4)
  titles.set(0, title(founder))
  titles.set(1, title(founder))
  t.same([titles.version, titles.registersVersion, titles.ownsAny], [2, 2, false])
  titles.set(0, title(founder))
  t.same([titles.version, titles.registersVersion], [2, 2], 'nothing new')
  titles.set(0, title(founder, other))
  t.same(
    [...titles.counts.all],
    [
      [founder, 1],
      [other, 1],
    ],
  )
  t.same([titles.isOwn(0), titles.isOwn(1), titles.ownsAny], [true, false, true])
  titles.set(1, title(founder, other, founder))
  t.same([titles.version, titles.registersVersion], [3, 4], 'a new title of the same owner')
  t.same(titles.takeChanged(), [0, 1, 0])
  t.same(titles.takeChanged(), [])
  titles.set(0, undefined)
  t.same([...titles.counts.all], [[founder, 1]])
  t.equal(titles.titleOf(0), undefined)
})

t.test('knows without a search whether a block is lost, and whether one has a long title', async t => {
  const titles = new TitlesInForce(founder, 4)
  const long = titleOf(
    { first: 0, count: 1, owners: Array.from({ length: RENEW_AT + 1 }, (_, at) => (at % 2 === 0 ? founder : other)) },
    RANGE,
  )
  const facts = () => [titles.hasLost, titles.hasLong, titles.ownsAny, titles.counts.sum]
  titles.set(0, title(founder))
  t.same(facts(), [false, false, true, 1])
  titles.set(0, title(founder, other))
  t.same(facts(), [false, false, false, 1])
  titles.set(0, title(founder))
  t.same(facts(), [true, false, false, 1])
  titles.set(1, title(founder))
  titles.set(1, long)
  t.equal(long.owner, founder)
  t.same(facts(), [true, true, true, 2])
  titles.set(1, undefined)
  titles.forgetHighest(0)
  titles.set(0, title(founder))
  t.same(facts(), [false, false, true, 1])
  titles.set(0, undefined)
  t.same(facts(), [false, false, false, 0])
})

t.test('a block is not own below the greatest title that was seen, until that is forgotten', async t => {
  const titles = new TitlesInForce(founder, 1)
  titles.set(0, title(founder))
  t.ok(titles.isOwn(0))
  titles.set(0, title(founder, other))
  titles.set(0, title(founder))
  t.same([titles.isOwn(0), titles.titleOf(0)?.owner, titles.highestOf(0)?.owner], [false, founder, other])
  t.notOk(titles.isHighest(0, title(founder)))
  titles.forgetHighest(0)
  t.equal(titles.highestOf(0), undefined)
  titles.set(0, title(founder))
  t.ok(titles.isOwn(0))
  titles.set(0, title(founder, other))
  titles.forget()
  titles.set(0, title(founder))
  t.ok(titles.isOwn(0), 'another mesh')
})
