/**
 * Addresses of whole meshes under everything that befalls hosts: joins, leaves, crashes, partitions, removals, restored and
 * copied disks, lies. Drawn from a seed.
 *
 * ADDRESSES_SEED (or SEED): where the seeds begin. ADDRESSES_SEEDS (or ROUNDS): how many.
 */
import t from 'tap'
import { parseCidr } from '../../lib/address/mod.ts'
import { seededChance } from '../support/seeded-chance.ts'
import { SimSchedule, meshIdsOf, usableOf, type SchedulePlan } from '../support/sim-schedule.ts'
import { replayOf, seedsOf } from '../support/sim-seeds.ts'

t.setTimeout(0)

const SEEDS = 120
/**
 * Beyond those: two of one victim's blocks were settled by all but the victim; an identity was copied before it had met
 * anybody; a restored host was given answers of its other life; what one forced was of somebody who is there; who took a
 * host over left before that one was back; one alone removed a host of which the others knew that it had left; removed
 * peers whose records all had lost went on to count as members; one who had lent heard of a removal before it missed the peer;
 * a request came late, when who had asked was just removed.
 */
const FOUND_SEEDS = [1_248, 2_067, 2_275, 4_043, 4_350, 5_010, 7_027, 7_466, 8_184]
const AGREE_MS = 60_000
/** A freed address rests so long, and so do blocks that came back. */
const REST_MS = 35_000
/** A vote of peers that reach each other is over by then. */
const TAKEOVER_MS = 5_000
/** Blocks of nobody are taken over 20 s after they were seen, and again when that was in vain. */
const ORPHANS_MS = 45_000
/** By then all have heard of a link that came or went: what is told of such waits for up to 4 s, and views are made anew. */
const HEARD_MS = 10_000
const ANSWER_MS = 12_000
const BATCH = 8

function planOf(seed: number): SchedulePlan {
  const chance = seededChance(seed * 7919)
  const below = (limit: number) => Math.floor(chance() * limit)
  const range = parseCidr(`10.32.0.0/${26 + below(2)}`)!
  return {
    seed,
    peers: seed % 100 === 0 ? 20 + below(30) : 3 + below(6),
    steps: 20 + below(20),
    range,
    blockPrefix: 29 + below(2),
    isDecided: seed % 6 === 1,
    isCloned: seed % 20 === 7,
    isLied: seed % 5 === 3,
  }
}

/** What is wrong; undefined when all is well. */
function wrongWith(schedule: SimSchedule, range: SchedulePlan['range']): string | undefined {
  const { mesh, disputes } = schedule
  schedule.play()
  const tookMs = mesh.until(() => mesh.agrees(), AGREE_MS)
  if (tookMs === undefined) return mesh.disagreements(5).join('; ')
  if (meshIdsOf(schedule.live).length > 1) return 'there are several meshes'
  schedule.run(REST_MS)
  if (!staysAgreed(schedule)) return `later: ${mesh.disagreements(5).join('; ')}`
  const hidden = disputes.hidden()
  if (hidden.length > 0) return `nobody says that it is disputed: ${hidden.join('; ')}`
  schedule.reclaim()
  return unusable(schedule, range)
}

/**
 * Blocks of nobody may be taken over at this very moment: once that is over, hosts agree, and go on to. A link that is given up,
 * or chosen anew, takes a moment until all have heard of it.
 */
function staysAgreed({ mesh }: SimSchedule): boolean {
  if (mesh.agrees()) return true
  if (mesh.until(() => mesh.agrees(), TAKEOVER_MS) === undefined) return false
  const end = mesh.clock.now + ORPHANS_MS
  while (mesh.clock.now < end) {
    if (mesh.until(() => !mesh.agrees(), end - mesh.clock.now) === undefined) return true
    if (mesh.until(() => mesh.agrees(), HEARD_MS) === undefined) return false
  }
  return true
}

/** Containers are attached on one host until nothing is left for it: then every address is in use. */
function unusable(schedule: SimSchedule, range: SchedulePlan['range']): string | undefined {
  const { mesh, live } = schedule
  const host = live[Math.floor(mesh.chance() * live.length)]!
  for (let isFull = false; !isFull;) {
    const ids = Array.from({ length: BATCH }, () => schedule.attach(host))
    if (mesh.until(() => schedule.isAnswered, ANSWER_MS) === undefined) return `${host.name} answers nothing`
    isFull = ids.some(id => host.containers.get(id)?.ip === undefined)
  }
  const left = usableOf(range)
  for (const { containers } of live) for (const { ip } of containers.values()) if (ip !== undefined) left.delete(ip)
  if (left.size === 0) return undefined
  return `${host.name} is not given ${[...left].map(address => (address - range.address).toString()).join(' ')} of ${usableOf(range).size}`
}

void t.test('whatever befalls a mesh, every address has one container, and every free one can be had', t => {
  const outcomes = new Map<string, number>()
  let failures = 0
  const seeds = seedsOf('ADDRESSES', SEEDS)
  const all = [...seeds, ...FOUND_SEEDS]
  for (const seed of seeds.length < SEEDS ? seeds : all) {
    const plan = planOf(seed)
    const attempt = (isLogged: boolean) => {
      const schedule = new SimSchedule({ ...plan, isLogged })
      let wrong: string | undefined
      try {
        wrong = wrongWith(schedule, plan.range)
      } catch (thrown) {
        wrong = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
      }
      return { schedule, wrong }
    }
    const { schedule, wrong } = attempt(false)
    for (const [what, count] of schedule.outcomes) outcomes.set(what, (outcomes.get(what) ?? 0) + count)
    outcomes.set('disputed', (outcomes.get('disputed') ?? 0) + schedule.disputes.count)
    if (wrong === undefined) continue
    // Once more, with what happened.
    const again = attempt(true).schedule
    t.comment(again.mesh.story(120))
    t.comment(again.history.join('\n'))
    for (const { name, node } of again.mesh.hosts.filter(host => host.isUp)) {
      const nameOf = (peer: string) => again.mesh.hosts.find(({ identity }) => identity.peerId === peer)?.name ?? peer
      const held = node.ledger.owners().map(({ owner, records, bytes }) => `${nameOf(owner)} ${records}/${bytes}`)
      const { lent: loans, borrowed, leases } = node.addresses.ipam.report()
      t.comment(
        loans.map(({ address, peer }) => `${address} lent ${nameOf(peer)}`).join(', '),
        JSON.stringify(borrowed),
        JSON.stringify(leases),
      )
      const { takeovers, perPeer, disputed } = node.addresses.ipam.report()
      t.comment(name, held.sort().join(', '))
      t.comment(JSON.stringify([...node.drops, ...node.ledger.drops]))
      t.comment(perPeer.map(({ peer, blocks }) => `${nameOf(peer)}: ${blocks}`).join(', '), JSON.stringify(disputed))
      for (const { author, victim, blocks, isSettled, waitsFor } of takeovers)
        t.comment(`${nameOf(author)} of ${nameOf(victim)} ${blocks} ${isSettled} ${waitsFor.map(nameOf).join(' ')}`)
    }
    t.fail(`${replayOf('ADDRESSES', seed)}: ${wrong}`)
    if (++failures >= 3) break
  }
  t.comment([...outcomes].map(([what, count]) => `${what} ${count}`).join(', '))
  t.pass('all were played')
  t.end()
})
