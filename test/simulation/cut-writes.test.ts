/**
 * The power of a host fails behind each of its writes to the store, one run for each: what was acknowledged is there
 * afterwards, nothing is given twice, and the mesh agrees again.
 */
import t from 'tap'
import { parseCidr } from '../../lib/address/mod.ts'
import { SimMesh } from '../support/sim-mesh.ts'

t.setTimeout(240_000)

const RANGE = parseCidr('10.32.0.0/26')!
const CONFIG = { range: RANGE, defaultSubnet: RANGE, blockPrefix: 29 }
const BLOCKS = 8
/** Cuts in one test, which has a time limit. */
const CUTS_PER_TEST = 40

/**
 * Hosts 1 and 2 join, take space, give some on, get more and give back, over and over. `cutAt`: the power of the victim fails
 * behind so many writes. Returns how many there were.
 */
function play(victim: number, cutAt: number | undefined): { readonly mesh: SimMesh; readonly writes: number } {
  const mesh = new SimMesh({ seed: 11, peers: 3, sealing: 'none', config: CONFIG, isLogged: false })
  const cut = mesh.host(victim)
  cut.writesToLive = cutAt
  cut.isGrouped = true
  const kept: string[] = []
  const attach = (number: number) => {
    if (mesh.host(number).isUp) kept.push(`${number} ${mesh.attach(number)}`)
    mesh.run(150)
  }
  mesh.launchAll(700)
  for (let round = 0; round < 7; round++) {
    for (const number of [1, 1, 1, 2, 1, 2, 0]) attach(number)
    const [number, id] = (kept.shift() ?? '').split(' ')
    if (id !== undefined && mesh.host(Number(number)).isUp) mesh.detach(Number(number), id)
    mesh.run(300)
  }
  mesh.run(1_000)
  return { mesh, writes: cut.writes }
}

for (const victim of [0, 1, 2]) {
  const { writes: total } = play(victim, undefined)
  t.ok(total > 15, `${total} writes of host ${victim}`)
  for (let from = 1; from <= total; from += CUTS_PER_TEST)
    t.test(`host ${victim}, cut behind its writes ${from} and on`, { timeout: 120_000 }, async t => {
      for (let cutAt = from; cutAt < from + CUTS_PER_TEST && cutAt <= total; cutAt++) {
        const { mesh } = play(victim, cutAt)
        const cut = mesh.host(victim)
        if (cut.isUp) t.fail(`the power failed at ${cutAt}`)
        cut.launch(victim === 0 || cut.store.has('mesh') ? undefined : [0])
        for (let at = 0; at < 4; at++) {
          mesh.attach(victim)
          mesh.run(500)
        }
        mesh.run(45_000)
        const tookMs = mesh.until(() => mesh.agrees(), 30_000)
        if (tookMs === undefined) t.fail(`they agree after a cut at ${cutAt}`)
        const owned = mesh.hosts.map(
          ({ node, identity }) =>
            node.addresses.ipam.report().perPeer.find(row => row.peer === identity.peerId)?.blocks ?? 0,
        )
        const sum = owned.reduce((all, blocks) => all + blocks, 0)
        if (sum !== BLOCKS) t.equal(sum, BLOCKS, `every block has an owner after a cut at ${cutAt}`)
        if (mesh.hosts.some(host => host.node.addresses.ipam.report().pending.length > 0))
          t.fail(`a request hangs after a cut at ${cutAt}`)
        const asked = mesh.attach(victim)
        mesh.run(12_000)
        if (cut.isWaiting(asked)) t.fail(`an address, or an answer, after a cut at ${cutAt}`)
      }
      t.pass()
    })
}
