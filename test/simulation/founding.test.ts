/**
 * How a mesh comes to be, on virtual time: hosts that were launched alone and connected afterwards, and hosts that decide
 * among themselves who founds.
 *
 * SIM_SEED (or SEED): where the seeds begin. SIM_SEEDS (or ROUNDS): how many for each shape.
 */
import t from 'tap'
import { toHex, type Chance } from '../../lib/base/mod.ts'
import type { ElectionPlan } from '../../lib/node/mod.ts'
import { SimMesh } from '../support/sim-mesh.ts'
import { endpointAt } from '../support/sim-network.ts'
import { labelledChance } from '../support/sim-randomness.ts'
import { replayOf, seedsOf } from '../support/sim-seeds.ts'

t.setTimeout(0)

const ALONE_SEEDS = 60
const FAULT_SEEDS = 20
const ONE_MESH_MS = 60_000

function meshIds(mesh: SimMesh): string[] {
  return [...new Set(mesh.hosts.map(host => (host.isUp ? toHex(host.node.meshId ?? new Uint8Array(0)) : 'down')))]
}

function isOneMesh(mesh: SimMesh): boolean {
  const [id, ...others] = meshIds(mesh)
  return id !== '' && others.length === 0
}

/** All meshes that any host was ever of. */
function watchMeshes(mesh: SimMesh): Set<string> {
  const seen = new Set<string>()
  const { stepped } = mesh
  mesh.stepped = host => {
    if (host.isUp && host.node.meshId !== undefined) seen.add(toHex(host.node.meshId))
    stepped.call(mesh, host)
  }
  return seen
}

const consensus = (size: number): ElectionPlan => ({ type: 'consensus', size })

void t.test('six hosts that were launched alone and are connected all-to-all at once are one mesh', t => {
  const took: number[] = []
  for (const seed of seedsOf('SIM', ALONE_SEEDS)) {
    const mesh = new SimMesh({ seed, peers: 6, sealing: 'none' })
    for (const host of mesh.hosts) host.launch()
    mesh.run(1_000)
    for (const host of mesh.hosts) {
      const others = mesh.hosts.filter(other => other !== host).map(other => endpointAt(other.number))
      host.input((node, now) => node.connect(others, true, now))
    }
    const tookMs = mesh.until(() => meshIds(mesh).length === 1 && mesh.agrees(), ONE_MESH_MS)
    if (tookMs === undefined) {
      t.comment(mesh.story(), replayOf('SIM', seed))
      t.fail(`seed ${seed}: ${meshIds(mesh).length} meshes are left`)
      break
    }
    took.push(tookMs)
    const container = mesh.attach(seed % 6)
    mesh.run(3_000)
    t.not(mesh.host(seed % 6).containers.get(container)?.ip, undefined, `seed ${seed}: addresses can be had`)
  }
  took.sort((a, b) => a - b)
  t.comment(`one mesh after ${took[took.length >> 1]} ms in the middle, ${took.at(-1)} ms at most`)
  t.end()
})

/** Whom the hosts of a fleet are launched towards: the same for all, as a unit file has it. */
const FIRST_FIVE = [0, 1, 2, 3, 4]

void t.test('fifty hosts that are launched at once with consensus=50 are one mesh', t => {
  for (const seed of seedsOf('SIM', 1).slice(0, 1)) {
    const mesh = new SimMesh({ seed, peers: 50, sealing: 'none', config: { election: consensus(50) } })
    const seen = watchMeshes(mesh)
    for (const host of mesh.hosts) host.launch(FIRST_FIVE)
    const tookMs = mesh.until(() => isOneMesh(mesh), ONE_MESH_MS)
    t.type(tookMs, 'number', `seed ${seed}: ${meshIds(mesh).length} meshes`)
    t.equal(seen.size, 1, 'there never was another one')
    t.comment(`one mesh after ${tookMs} ms`)
  }
  t.end()
})

void t.test('hosts that come one by one with consensus=50 have a mesh with the twenty-sixth, and all join it', t => {
  for (const seed of seedsOf('SIM', 1).slice(0, 1)) {
    const mesh = new SimMesh({ seed, peers: 50, sealing: 'none', config: { election: consensus(50) } })
    const seen = watchMeshes(mesh)
    for (const host of mesh.hosts) {
      host.launch(host.number === 0 ? [] : [0])
      mesh.run(1_000)
      if (host.number === 24) {
        mesh.run(20_000)
        t.equal(seen.size, 0, 'half of them are no majority')
      }
    }
    t.type(
      mesh.until(() => isOneMesh(mesh), ONE_MESH_MS),
      'number',
      `seed ${seed}: ${meshIds(mesh).length} meshes`,
    )
    t.equal(seen.size, 1, 'there never was another one')
  }
  t.end()
})

/** Crashes between any two outputs, power cuts, partitions and routes that one side alone can dial, for half a minute. */
function disturb(mesh: SimMesh, chance: Chance, isWhole: (host: number) => boolean): void {
  const peers = mesh.hosts.length
  const pick = () => Math.floor(chance() * peers)
  for (let step = 0; step < 20; step++) {
    mesh.run(Math.floor(chance() * 1_500))
    const host = mesh.host(pick())
    const roll = chance()
    if (roll < 0.35 && host.isUp && isWhole(host.number)) host.outputsToLive = 1 + Math.floor(chance() * 12)
    else if (roll < 0.45 && host.isUp) host.crash(chance() < 0.5)
    else if (roll < 0.6) mesh.network.partition(mesh.hosts.map(() => Math.floor(chance() * 2)))
    else if (roll < 0.7) {
      const [from, to] = [pick(), pick()]
      mesh.network.hasRoute = (a, b) => a !== from || b !== to
    } else if (roll < 0.85) mesh.network.partition(undefined)
    for (const one of mesh.hosts) if (!one.isUp && chance() < 0.4) one.launch()
  }
  mesh.network.partition(undefined)
  mesh.network.hasRoute = () => true
  for (const host of mesh.hosts) {
    host.outputsToLive = undefined
    if (!host.isUp) host.launch()
  }
}

const PLANS: readonly [string, ElectionPlan][] = [
  ['consensus=5', consensus(5)],
  ['seed with three of five', { type: 'seed', names: ['host0', 'host1', 'host2'] }],
]

for (const [name, election] of PLANS)
  void t.test(`whatever happens meanwhile, five hosts with ${name} never have two meshes, and end in one`, t => {
    for (const seed of seedsOf('SIM', FAULT_SEEDS)) {
      const mesh = new SimMesh({ seed, peers: 5, sealing: 'none', config: { election } })
      const chance = labelledChance(`faults ${seed}`)
      const seen = watchMeshes(mesh)
      for (const host of mesh.hosts) mesh.clock.after(Math.floor(chance() * 1_000), () => host.launch(FIRST_FIVE))
      mesh.run(1_000 + Math.floor(chance() * 200))
      disturb(mesh, chance, () => true)
      const tookMs = mesh.until(() => isOneMesh(mesh), 2 * ONE_MESH_MS)
      t.equal(seen.size, 1, `seed ${seed}: there was one mesh`)
      t.type(tookMs, 'number', `seed ${seed}: all are in it`)
      if (t.passing()) continue
      t.comment(mesh.story(), replayOf('SIM', seed))
      break
    }
    t.end()
  })
