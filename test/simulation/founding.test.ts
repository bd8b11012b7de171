/**
 * How a mesh comes to be, on virtual time: hosts that were launched alone and connected afterwards.
 *
 * SIM_SEED (or SEED): where the seeds begin. SIM_SEEDS (or ROUNDS): how many for each shape.
 */
import t from 'tap'
import { toHex } from '../../lib/base/mod.ts'
import { SimMesh } from '../support/sim-mesh.ts'
import { endpointAt } from '../support/sim-network.ts'
import { replayOf, seedsOf } from '../support/sim-seeds.ts'

t.setTimeout(0)

const ALONE_SEEDS = 200
const ONE_MESH_MS = 60_000

function meshIds(mesh: SimMesh): string[] {
  return [...new Set(mesh.hosts.map(host => toHex(host.node.meshId ?? new Uint8Array(0))))]
}

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
