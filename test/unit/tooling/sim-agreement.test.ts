import t from 'tap'
import { SimAgreement } from '../../support/sim-agreement.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

function agreed(): SimMesh {
  const mesh = new SimMesh({ seed: 5, peers: 3, sealing: 'none', isLogged: false })
  mesh.launchAll(50)
  t.type(
    mesh.until(() => mesh.agrees(), 30_000),
    'number',
  )
  mesh.run(10_000)
  return mesh
}

const partsOf = (found: readonly string[]) => [...new Set(found.map(text => /differ in (\w+)/.exec(text)?.[1]))].sort()

t.test('a record that only one peer holds is seen, and no longer once all hold it', async t => {
  const mesh = agreed()
  const agreement = new SimAgreement()
  t.same(agreement.disagreements([mesh.hosts]), [])
  mesh.host(1).node.ledger.put(4, Uint8Array.of(1), Uint8Array.of(1))
  const found = agreement.disagreements([mesh.hosts])
  t.same(partsOf(found), ['ledger'])
  t.ok(found.every(text => /^host1 and host0 /.test(text)))
  t.equal(agreement.disagreements([mesh.hosts], 1).length, 1)
  mesh.host(1).input((node, now) => node.handleTimeout(now))
  mesh.run(1_000)
  t.same(agreement.disagreements([mesh.hosts]), [])
})

t.test('what one side of a partition does not hear of is seen: registers, then links and who is there', async t => {
  const mesh = agreed()
  const agreement = new SimAgreement()
  mesh.network.partition([0, 0, 1])
  mesh.attach(1)
  mesh.run(2_000)
  const early = agreement.disagreements([mesh.hosts])
  t.same(partsOf(early), ['ledger', 'registers'])
  mesh.host(1).crash(false)
  mesh.run(60_000)
  t.same(mesh.disagreements(), [], 'each side agrees with itself')
  // The one that is cut off still believes in the link between the other two.
  const late = agreement.disagreements([[mesh.host(0), mesh.host(2)]])
  t.same(partsOf(late), ['control', 'data', 'ledger', 'reach', 'registers', undefined].sort())
  t.ok(late.includes('host2 reaches 1, and lacks 1 of 2'))
})
