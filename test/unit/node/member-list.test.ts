import t from 'tap'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'
import { PAST_HOLD_MS } from '../../../lib/node/constants.ts'

function launched(): { mesh: SimMesh; hosts: readonly SimHost[] } {
  const mesh = new SimMesh({ seed: 5, peers: 3, sealing: 'none' })
  mesh.launchAll(500)
  for (const { number } of mesh.hosts) mesh.attach(number)
  mesh.run(5_000)
  return { mesh, hosts: mesh.hosts }
}

/** All go down; the first comes back alone, without its cache, and goes on unheard. */
function alone(mesh: SimMesh, hosts: readonly SimHost[]): SimHost {
  for (const host of hosts) host.crash(false)
  const [one] = hosts
  one!.loseCache()
  mesh.run(1_000)
  one!.launch()
  mesh.run(PAST_HOLD_MS + 1_000)
  return one!
}

const storedIn = (host: SimHost) => [...host.store.keys()].filter(key => key.startsWith('member/'))

t.test('who lost its cache and reaches nobody is no majority of those whom it knew', async t => {
  const { mesh, hosts } = launched()
  t.equal(storedIn(hosts[0]!).length, 2)
  const one = alone(mesh, hosts)
  const victim = hosts[2]!.identity.peerId
  const removal = one.input((node, now) => node.removePeer(victim, false, now))
  t.match(removal, { outcome: 'begun', takeovers: [{ isSettled: false, waitsFor: [hosts[1]!.identity.peerId] }] })
})

t.test('a missing member that a takeover removed is missed no more, over a restart too', async t => {
  const { mesh, hosts } = launched()
  const one = alone(mesh, hosts)
  const two = hosts[1]!
  two.launch()
  t.type(
    mesh.until(() => one.node.view.reachable.has(two.identity.peerId), 200_000),
    'number',
  )
  mesh.run(PAST_HOLD_MS)
  one.input((node, now) => node.removePeer(hosts[2]!.identity.peerId, false, now))
  mesh.run(10_000)
  t.same(storedIn(one), [`member/${two.identity.peerId}`])
})

t.test('a missing member that was removed does not decide any more, though nothing else changes', async t => {
  const { mesh, hosts } = launched()
  const one = alone(mesh, hosts)
  const two = hosts[1]!
  two.loseCache()
  two.launch()
  t.type(
    mesh.until(() => mesh.agrees(), 200_000),
    'number',
  )
  mesh.run(PAST_HOLD_MS)
  t.equal(one.node.addresses.ipam.takeovers.presence.members.size, 3)
  one.input((node, now) => node.removePeer(hosts[2]!.identity.peerId, false, now))
  mesh.run(5_000)
  for (const { node } of [one, two]) t.equal(node.addresses.ipam.takeovers.presence.members.size, 2)
})

t.test('who left for good is no member any more', async t => {
  const { mesh, hosts } = launched()
  const [one, , three] = hosts
  for (const id of [...three!.containers.keys()]) mesh.detach(2, id)
  three!.input((node, now) => node.leave(now))
  mesh.run(5_000)
  three!.crash(false)
  mesh.run(5_000)
  t.equal(storedIn(one!).length, 1)
})
