import t, { type Test } from 'tap'
import type { SimHost } from '../support/sim-host.ts'
import { SimMesh } from '../support/sim-mesh.ts'

const AGREE_MS = 30_000
/** A record that is new, or a tombstone, is known to the whole mesh within so long. */
const TOLD_MS = 1_000
/** So long after the last sign of it a peer that went without a word is given up, and the routes are made anew. */
const GIVEN_UP_MS = 45_000

function scenario(name: string, peers: number, play: (t: Test, mesh: SimMesh, hosts: SimHost[]) => void): void {
  void t.test(name, t => {
    const mesh = new SimMesh({ seed: 11, peers, sealing: 'none' })
    try {
      mesh.launchAll(50)
      t.type(
        mesh.until(() => mesh.agrees(), AGREE_MS),
        'number',
        'they agree',
      )
      play(t, mesh, [...mesh.hosts])
    } catch (error) {
      t.comment(mesh.story())
      throw error
    }
    if (!t.passing()) t.comment(mesh.story())
    t.end()
  })
}

function publish(host: SimHost, container: string, names: readonly string[]): void {
  const addresses = names.length === 0 ? [] : [`10.32.0.${host.number + 1}`]
  host.input((node, now) => node.setNames({ container, addresses, names }, now))
}

const known = (host: SimHost, name: string) => host.node.names.zone.addressesOf(name)?.map(({ address }) => address)

/** Lets time pass until all of the hosts find, or do not find, the name. */
function told(t: Test, mesh: SimMesh, hosts: readonly SimHost[], name: string, isThere: boolean, withinMs = TOLD_MS) {
  const isSo = () => hosts.every(host => (known(host, name) !== undefined) === isThere)
  const tookMs = mesh.until(isSo, withinMs, 20)
  t.type(tookMs, 'number', `${name} is ${isThere ? 'there' : 'gone'} within ${withinMs} ms, after ${tookMs ?? '?'}`)
}

scenario('a name is known to all within a second, and gone within a second of its container', 8, (t, mesh, hosts) => {
  publish(hosts[0]!, 'c1', ['web', 'a.web'])
  publish(hosts[1]!, 'c2', ['web'])
  told(t, mesh, hosts, 'web', true)
  told(t, mesh, hosts, 'a.web', true)
  mesh.until(() => hosts.every(host => known(host, 'web')?.length === 2), TOLD_MS, 20)
  for (const host of hosts) t.same(known(host, 'web')?.sort(), ['10.32.0.1', '10.32.0.2'])
  publish(hosts[0]!, 'c1', [])
  told(t, mesh, hosts, 'a.web', false)
  for (const host of hosts) t.same(known(host, 'web'), ['10.32.0.2'], 'the other one keeps it')
})

scenario('names of a peer that cannot be reached are suspended, and back with it at once', 4, (t, mesh, hosts) => {
  const [lost, ...others] = hosts as [SimHost, ...SimHost[]]
  publish(lost, 'c', ['web'])
  told(t, mesh, hosts, 'web', true)
  mesh.network.partition([0, 1, 1, 1])
  const isGone = () => others.every(host => !host.node.view.reachable.has(lost.identity.peerId))
  t.type(mesh.until(isGone, GIVEN_UP_MS, 20), 'number', 'it is given up')
  for (const host of others) t.equal(known(host, 'web'), undefined, 'with the routes the name is gone')
  t.same(known(lost, 'web'), ['10.32.0.1'], 'its own side still has it')
  mesh.network.partition(undefined)
  const isBack = () => others.every(host => host.node.view.reachable.has(lost.identity.peerId))
  mesh.until(isBack, 4 * GIVEN_UP_MS, 20)
  for (const host of others) t.same(known(host, 'web'), ['10.32.0.1'], 'with the routes the name is back')
})

scenario('a name that was deleted in a partition does not come back through a third peer', 3, (t, mesh, hosts) => {
  const [owner, second, third] = hosts as [SimHost, SimHost, SimHost]
  publish(owner, 'c1', ['kept'])
  publish(owner, 'c2', ['deleted'])
  told(t, mesh, hosts, 'deleted', true)
  // The third peer is alone with what it knows, and hears of nothing.
  mesh.network.partition([0, 0, 1])
  mesh.until(() => !owner.node.view.reachable.has(third.identity.peerId), GIVEN_UP_MS)
  publish(owner, 'c2', [])
  told(t, mesh, [owner, second], 'deleted', false)
  // The owner goes for good; only the second peer knows of the end of the name when the third comes back.
  const wasSeen = () => known(second, 'deleted') !== undefined || known(third, 'deleted') !== undefined
  owner.crash(true)
  mesh.network.partition(undefined)
  let isSeen = false
  const isJoined = () => {
    isSeen ||= known(second, 'deleted') !== undefined
    return second.node.view.reachable.has(third.identity.peerId) && mesh.agrees()
  }
  t.type(mesh.until(isJoined, 4 * GIVEN_UP_MS, 20), 'number', 'they are one again')
  owner.launch()
  t.type(
    mesh.until(
      () => {
        isSeen ||= wasSeen()
        return [second, third].every(host => known(host, 'kept') !== undefined)
      },
      4 * GIVEN_UP_MS,
      20,
    ),
    'number',
    'what was not deleted is back with its owner',
  )
  mesh.run(5_000)
  t.notOk(isSeen || wasSeen() || known(owner, 'deleted') !== undefined, 'nobody saw it again')
})

scenario(
  'a daemon that is killed has its names again, and what it was told to delete stays deleted',
  3,
  (t, mesh, hosts) => {
    const [owner] = hosts as [SimHost]
    publish(owner, 'c1', ['kept'])
    publish(owner, 'c2', ['deleted'])
    told(t, mesh, hosts, 'deleted', true)
    publish(owner, 'c2', [])
    owner.crash(false)
    owner.launch()
    told(t, mesh, hosts, 'kept', true, AGREE_MS)
    told(t, mesh, hosts, 'deleted', false, AGREE_MS)
  },
)

scenario('a peer that leaves for good takes its names along', 3, (t, mesh, hosts) => {
  const [leaves, ...others] = hosts as [SimHost, ...SimHost[]]
  publish(leaves, 'c1', ['web'])
  told(t, mesh, hosts, 'web', true)
  leaves.input((node, now) => node.leave(now))
  told(t, mesh, others, 'web', false)
})

scenario('names that make no sense are dropped, and a peer has no more than its places', 2, (t, mesh, hosts) => {
  const [first, second] = hosts as [SimHost, SimHost]
  first.input((node, now) => {
    node.ledger.put(4, new Uint8Array([1]), new Uint8Array([9, 9, 9]))
    node.handleTimeout(now)
  })
  mesh.until(() => second.node.drops.has('name-malformed'), AGREE_MS)
  t.equal(second.node.drops.get('name-malformed'), 1)
  let published = 0
  while (first.input((node, now) => node.setNames(named(published), now)) === true) published++
  t.equal(published, 2_048)
  t.equal(first.node.setNames({ ...named(0), names: ['other'] }, mesh.clock.now), true, 'what is there can change')
})

function named(i: number) {
  return { container: `c${i}`, addresses: ['10.32.0.1'], names: [`n${i}`] }
}
