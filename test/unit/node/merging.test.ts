import t from 'tap'
import { toHex } from '../../../lib/base/mod.ts'
import { SimMesh } from '../../support/sim-mesh.ts'
import { endpointAt } from '../../support/sim-network.ts'

const SEEDS = [1, 2, 3, 4, 5, 6]
/** A retry after `rejoin` comes within seconds; one after "two different meshes" only after a minute. */
const LIMIT_MS = 20_000

function meshIds(mesh: SimMesh): string[] {
  return [...new Set(mesh.hosts.map(host => toHex(host.node.meshId ?? new Uint8Array(0))))]
}

/** Founds three meshes and connects them: [who connects, to whom] at one moment. */
function connectAtOnce(seed: number, connects: readonly (readonly [number, readonly number[]])[]): SimMesh {
  const mesh = new SimMesh({ seed, peers: 3, sealing: 'none' })
  for (const host of mesh.hosts) host.launch()
  mesh.run(1_000)
  for (const [from, to] of connects) mesh.host(from).input((node, now) => node.connect(to.map(endpointAt), false, now))
  return mesh
}

const CASES: readonly [string, readonly (readonly [number, readonly number[]])[]][] = [
  // prettier-ignore
  ['two that connect to one', [[0, [2]], [1, [2]]]],
  // prettier-ignore
  ['three in a ring', [[0, [1]], [1, [2]], [2, [0]]]],
  // prettier-ignore
  ['three that all connect to each other', [[0, [1, 2]], [1, [0, 2]], [2, [0, 1]]]],
]

for (const [name, connects] of CASES)
  void t.test(`meshes that nobody used become one when connected at one moment: ${name}`, t => {
    for (const seed of SEEDS) {
      const mesh = connectAtOnce(seed, connects)
      const tookMs = mesh.until(() => meshIds(mesh).length === 1 && mesh.disagreements().length === 0, LIMIT_MS)
      t.not(tookMs, undefined, `seed ${seed}: ${meshIds(mesh).length} meshes are left`)
      t.not(mesh.hosts[0]?.node.meshId, undefined)
      const container = mesh.attach(0)
      mesh.run(5_000)
      t.not(mesh.host(0).containers.get(container)?.ip, undefined, `seed ${seed}: addresses can be had`)
    }
    t.end()
  })

void t.test('one that connects to two unused meshes joins one; the other is joined when it is told so itself', t => {
  for (const seed of SEEDS) {
    const mesh = connectAtOnce(seed, [[2, [0, 1]]])
    mesh.run(LIMIT_MS)
    t.equal(meshIds(mesh).length, 2, `seed ${seed}`)
    const alone = mesh.hosts.find(host => host.node.neighbours.count === 0)!
    const told = () =>
      mesh.host(2).node.dialler.contacts.find(({ text }) => text === endpointAt(alone.number))?.lastError
    t.type(
      mesh.until(() => /was not told to join this mesh/.test(told() ?? ''), 60_000),
      'number',
    )
    alone.input((node, now) => node.connect([endpointAt(2)], false, now))
    const tookMs = mesh.until(() => meshIds(mesh).length === 1 && mesh.disagreements().length === 0, LIMIT_MS)
    t.not(tookMs, undefined, `seed ${seed}: ${meshIds(mesh).length} meshes are left`)
  }
  t.end()
})

void t.test('two names of one peer make one lasting link', t => {
  for (const seed of SEEDS) {
    const mesh = new SimMesh({ seed, peers: 2, sealing: 'none' })
    mesh.host(0).launch()
    mesh.run(500)
    mesh.host(1).launch([])
    const endpoint = endpointAt(0)
    let ends = 0
    const { log } = mesh
    mesh.log = (host, text) => {
      if (text.includes('link-down')) ends++
      log.call(mesh, host, text)
    }
    mesh.host(1).input((node, now) => node.connect([endpoint, endpoint.replace(/:\d+$/, '')], true, now))
    mesh.run(5_000)
    t.equal(mesh.host(0).node.neighbours.count, 1, `seed ${seed}: linked`)
    mesh.run(60_000)
    t.equal(mesh.host(0).node.neighbours.count, 1)
    // Each side says so once; twice where the two links came up in another order at either side.
    t.ok(ends <= 4, `seed ${seed}: ${ends} ends of links`)
  }
  t.end()
})

void t.test('a peer that waits for a mesh joins at once the member that is linked already, when it is named', t => {
  for (const seed of SEEDS) {
    const mesh = new SimMesh({ seed, peers: 2, sealing: 'none', config: { election: { type: 'observer' } } })
    const [member, waiting] = mesh.hosts
    for (const host of mesh.hosts) host.launch([])
    member!.input((node, now) => node.found(now))
    member!.input((node, now) => node.connect([endpointAt(1)], false, now))
    mesh.run(5_000)
    t.equal(waiting!.node.neighbours.count, 1, `seed ${seed}: linked`)
    t.equal(waiting!.node.meshId, undefined, 'by whom it was not told to join')
    waiting!.input((node, now) => node.connect([endpointAt(0)], false, now))
    const tookMs = mesh.until(() => meshIds(mesh).length === 1 && mesh.disagreements().length === 0, 5_000)
    t.not(tookMs, undefined, `seed ${seed}: of the mesh`)
  }
  t.end()
})
