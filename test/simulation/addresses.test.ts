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

const SEEDS = 30
const AGREE_MS = 60_000
/** A freed address rests so long, and so do blocks that came back. */
const REST_MS = 35_000
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
  if (!mesh.agrees()) return `later: ${mesh.disagreements(5).join('; ')}`
  const hidden = disputes.hidden()
  if (hidden.length > 0) return `nobody says that it is disputed: ${hidden.join('; ')}`
  return unusable(schedule, range)
}

/** Containers are attached everywhere until nothing is left: then every address is in use. */
function unusable(schedule: SimSchedule, range: SchedulePlan['range']): string | undefined {
  const { mesh } = schedule
  for (const host of schedule.live)
    for (let isFull = false; !isFull;) {
      const ids = Array.from({ length: BATCH }, () => schedule.attach(host))
      if (mesh.until(() => schedule.isAnswered, ANSWER_MS) === undefined) return `${host.name} answers nothing`
      isFull = ids.some(id => host.containers.get(id)?.ip === undefined)
    }
  const left = usableOf(range)
  for (const host of schedule.live) for (const { ip } of host.containers.values()) if (ip !== undefined) left.delete(ip)
  if (left.size === 0) return undefined
  return `nobody gives ${[...left].map(address => (address - range.address).toString()).join(' ')} of ${usableOf(range).size}`
}

void t.test('whatever befalls a mesh, every address has one container, and every free one can be had', t => {
  const outcomes = new Map<string, number>()
  let failures = 0
  for (const seed of seedsOf('ADDRESSES', SEEDS)) {
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
    t.comment(attempt(true).schedule.mesh.story(120))
    t.fail(`${replayOf('ADDRESSES', seed)}: ${wrong}`)
    if (++failures >= 3) break
  }
  t.comment([...outcomes].map(([what, count]) => `${what} ${count}`).join(', '))
  t.pass('all were played')
  t.end()
})
