import t from 'tap'
import { REUNION_HOLD_MS } from '../../../lib/node/constants.ts'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const reasonOf = (host: SimHost) => host.node.addresses.ipam.hold?.reason

function parted(peers: number): SimMesh {
  const mesh = new SimMesh({ seed: 3, peers, sealing: 'none', isToy: true })
  mesh.launchAll(500)
  mesh.run(5_000)
  mesh.network.partition(mesh.hosts.map(({ number }) => Number(number === 0)))
  const isApart = () => mesh.hosts.every(host => host.node.view.reachable.size === (host.number === 0 ? 1 : peers - 1))
  mesh.until(isApart, 90_000)
  mesh.run(5_000)
  mesh.network.partition(undefined)
  mesh.until(() => mesh.host(0).node.neighbours.count > 0, 130_000, 1)
  return mesh
}

t.test('who was alone asks first, and goes on as soon as it was told; the majority does not wait', async t => {
  const mesh = parted(3)
  const [alone, ...others] = mesh.hosts as [SimHost, ...SimHost[]]
  t.match(reasonOf(alone), /was cut off/)
  for (const host of others) t.equal(reasonOf(host), undefined)
  const id = mesh.attach(0)
  t.equal(alone.isWaiting(id), true)
  mesh.run(500)
  t.equal(reasonOf(alone), undefined)
  t.not(alone.containers.get(id)?.ip, undefined)
})

t.test('one that says nothing is not waited for any longer than that', async t => {
  const mesh = parted(2)
  const [alone, silent] = mesh.hosts as [SimHost, SimHost]
  silent.stall(9_000)
  const begun = mesh.clock.now
  t.match(reasonOf(alone), /was cut off/)
  mesh.until(() => reasonOf(alone) === undefined, 9_000, 10)
  t.ok(mesh.clock.now - begun <= REUNION_HOLD_MS + 20, 'it goes on')
})

t.test('a first start and a first meeting hold nobody', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 3, sealing: 'none', isToy: true })
  mesh.launchAll(500)
  for (let at = 0; at < 300; at++) {
    mesh.run(10)
    for (const host of mesh.hosts) if (host.isUp && reasonOf(host) !== undefined) t.fail(String(reasonOf(host)))
  }
  t.pass('nobody was')
})
