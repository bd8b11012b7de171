import t from 'tap'
import { ANSWER_TIMEOUT_MS } from '../../../lib/ipam/constants.ts'
import { Seeker, subnetKey, type SeekerParts } from '../../../lib/ipam/seeker.ts'
import { cidr, peer } from './support.ts'

const SUBNET = cidr('10.32.0.0/24')
const SELF = peer(1)
const OWNER = peer(2)

/** Who looks for addresses of a subnet that one other peer owns, and what it asked. */
function seeking() {
  let lastId = 0
  const leaps: number[] = []
  const seeker = new Seeker({
    map: { self: SELF, countsIn: () => new Map([[OWNER, 16]]), isOwn: () => false } as unknown as SeekerParts['map'],
    borrower: { isUsable: () => false, handleLent: () => undefined },
    chance: () => 0.5,
    isEphemeral: false,
    takeId: () => ++lastId,
    leapAbove: id => void leaps.push((lastId = id)),
  })
  seeker.setReachable(new Set([OWNER]))
  const key = subnetKey(SUBNET)
  const need = { key, type: 'addresses', subnet: SUBNET, span: { first: 0, last: 15 }, count: 1 } as const
  seeker.setNeeds(new Map([[key, need]]))
  return { seeker, leaps }
}

t.test('an owner that calls an id stale is asked again at once, and not again and again', async t => {
  const { seeker, leaps } = seeking()
  const asked: number[] = []
  for (let now = 0; now < 10 * ANSWER_TIMEOUT_MS; now += 2)
    for (const { to, request } of seeker.advance(now)) {
      asked.push(now)
      t.equal(to, OWNER)
      const lastId = request.id + 100
      seeker.handleAnswer(OWNER, { kind: 'ipam-answer', id: request.id, outcome: 'stale', lastId }, now + 1)
    }
  t.same(asked.slice(0, 2), [0, 2])
  t.ok(asked.length <= 12, `${asked.length} requests`)
  t.same(leaps, [101])
})

t.test('after any other answer its word about ids is believed again', async t => {
  const { seeker, leaps } = seeking()
  for (const outcome of ['stale', 'denied', 'stale'] as const) {
    const [asked] = seeker.advance(0)
    const head = { kind: 'ipam-answer', id: asked!.request.id } as const
    const answer = outcome === 'stale' ? { ...head, outcome, lastId: head.id + 100 } : { ...head, outcome, free: 1 }
    t.equal(seeker.handleAnswer(OWNER, answer, 0), true)
  }
  t.equal(leaps.length, 2)
})
