import t from 'tap'
import { fromHex } from '../../../lib/base/bytes.ts'
import { encodeAcks } from '../../../lib/ipam/acks-record.ts'
import { TAKEOVERS_PER_PEER_MAX, TAKEOVER_RUNS_MAX } from '../../../lib/ipam/constants.ts'
import { makeTakeover, type TakeoverPlan } from '../../../lib/ipam/takeover-record.ts'
import { TakeoverTerms } from '../../../lib/ipam/takeover-terms.ts'
import { MESH_ID, cidr, drain, giver, ipam, peer, record, suite, takenOver } from './support.ts'

const WIDE = cidr('10.32.0.0/12')
const FOUNDER = peer(1)
const SELF = peer(2)
const SCOPE = { meshId: MESH_ID, range: WIDE, blockPrefix: 26 }

/** As many runs as one takeover names, over all of 16,384 blocks. */
function runs(count: number) {
  return Array.from({ length: TAKEOVER_RUNS_MAX }, (_, at) => ({ first: 16 * at, count }))
}
/** New roots are stated, too, which takes the test its time. */
const ROOTS = 6
const MANY = Array.from({ length: TAKEOVERS_PER_PEER_MAX }, (_, at) => at)

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1]!
}

/** Hands takeovers to a peer that knows the founder's blocks. */
function flood(plans: readonly TakeoverPlan[], author = FOUNDER, isAgreed = true) {
  const machine = ipam({ self: SELF, range: WIDE })
  for (let segment = 0; segment < 64; segment++)
    machine.setStatements(FOUNDER, segment, record([{ first: 0, count: 256, owners: [FOUNDER] }], WIDE), 0)
  machine.setReachable(new Set([author]), 0, new Set([FOUNDER, author, SELF]))
  drain(machine)
  const ids: string[] = []
  const times = plans.map((plan, at) => {
    const made = makeTakeover(suite, giver(author), SCOPE, plan)
    ids.push(made.id)
    const acks = encodeAcks(ids.map(takeover => ({ takeover, isSettled: false })))
    const begun = process.cpuUsage()
    machine.setTakeover(author, fromHex(made.id)!, made.value, 10_000 + at)
    if (isAgreed) machine.setAcks(author, acks, 10_000 + at)
    const { user, system } = process.cpuUsage(begun)
    const took = (user + system) / 1000
    for (const [segment, value] of takenOver(made, WIDE)) machine.setStatements(author, segment, value, 10_000 + at)
    drain(machine)
    return took
  })
  return { times, termOfFirst: machine.registerOf(0)?.term }
}

t.test('the greatest term of each block is that of what was added and not removed', t => {
  const terms = new TakeoverTerms(8)
  const [low, high] = [
    { term: 1, runs: [{ first: 0, count: 6 }] },
    {
      term: 3,
      runs: [
        { first: 1, count: 2 },
        { first: 5, count: 2 },
      ],
    },
  ]
  const all = () => Array.from({ length: 8 }, (_, block) => terms.of(block))
  terms.add(high)
  terms.add(low)
  t.same(all(), [1, 3, 3, 1, 1, 3, 3, 0])
  terms.remove(high, [low])
  t.same(all(), [1, 1, 1, 1, 1, 1, 0, 0])
  terms.clear()
  t.same(all(), [0, 0, 0, 0, 0, 0, 0, 0])
  t.end()
})

t.test('64 takeovers of 1,024 runs each cost less than 50 ms a record, in force or not', t => {
  const floods = {
    'new roots, all in force': flood(
      MANY.slice(0, ROOTS).map(at => ({ victim: FOUNDER, term: at + 1, isForced: false, runs: runs(8) })),
    ),
    'of a victim that is gone, all rivals': flood(
      MANY.map(at => ({ victim: FOUNDER, term: 1, isForced: at % 2 === 0, runs: runs(1 + (at >> 2)) })),
      peer(66),
      false,
    ),
    'of blocks that are not the victim’s': flood(
      MANY.map(at => ({ victim: peer(77), term: at + 1, isForced: true, runs: runs(8) })),
      peer(66),
    ),
  }
  t.equal(floods['new roots, all in force'].termOfFirst, ROOTS)
  for (const [what, { times }] of Object.entries(floods)) {
    t.comment(`${what}: ${median(times).toFixed(1)} ms, ${Math.max(...times).toFixed(1)} ms at most`)
    t.ok(median(times) < 50, what)
  }
  t.end()
})
