import t from 'tap'
import { SimMesh } from '../../support/sim-mesh.ts'
import { endpointAt } from '../../support/sim-network.ts'

const LIMIT_MS = 20_000

/** Two hosts in one mesh, and a third alone in another. */
function threeHosts(seed: number): SimMesh {
  const mesh = new SimMesh({ seed, peers: 3, sealing: 'none' })
  mesh.host(0).launch()
  mesh.host(1).launch([0])
  mesh.host(2).launch()
  mesh.until(() => mesh.host(1).node.meshId !== undefined && mesh.agrees(), LIMIT_MS)
  return mesh
}

t.test('the first address of a mesh is known to all its members, and to those that come later', t => {
  const mesh = threeHosts(1)
  t.ok(mesh.host(0).node.use.isUnused && mesh.host(1).node.use.isUnused)
  mesh.attach(0)
  t.equal(mesh.host(0).node.use.isUnused, false)
  t.type(
    mesh.until(() => !mesh.host(1).node.use.isUnused, LIMIT_MS),
    'number',
  )
  mesh.host(2).input((node, now) => node.connect([endpointAt(1)], true, now))
  t.type(
    mesh.until(() => mesh.host(2).node.meshId !== undefined && !mesh.host(2).node.use.isUnused, LIMIT_MS),
    'number',
  )
  t.equal(mesh.host(2).node.use.isPristine, false)
  t.end()
})

t.test('that a mesh is used outlives a restart of a member that knows nobody any more', t => {
  const mesh = threeHosts(2)
  mesh.attach(0)
  mesh.until(() => !mesh.host(1).node.use.isUnused, LIMIT_MS)
  mesh.host(0).crash(false)
  mesh.host(1).crash(false)
  for (const key of mesh.host(1).store.keys()) if (key.startsWith('ledger/')) mesh.host(1).store.delete(key)
  mesh.host(1).launch()
  t.equal(mesh.host(1).node.use.isUnused, false)
  t.end()
})

t.test('two meshes in which addresses were given refuse each other, whoever gave them', t => {
  const mesh = threeHosts(3)
  mesh.attach(0)
  mesh.attach(2)
  mesh.until(() => !mesh.host(1).node.use.isUnused, LIMIT_MS)
  mesh.host(1).input((node, now) => node.connect([endpointAt(2)], false, now))
  const told = () =>
    mesh.host(1).node.dialler.contacts.some(({ lastError }) => /two different meshes/.test(lastError ?? ''))
  t.type(mesh.until(told, LIMIT_MS), 'number')
  t.end()
})
