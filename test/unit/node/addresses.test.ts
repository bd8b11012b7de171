import t from 'tap'
import { WAIT_MS } from '../../../lib/ipam/mod.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

t.test('who holds a lease outlives the daemon, and each holder is asked for by itself', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 1, sealing: 'none' })
  const host = mesh.host(0)
  host.launch()
  mesh.attach(0)
  for (const holder of ['docker', 'exposure'] as const)
    host.input((node, now) => node.requestAddress(`request ${holder}`, 'endpoint', { type: 'default' }, now, holder))
  mesh.run(1_000)
  const held = () => host.node.addresses.ipam.leases().map(({ container, holder }) => `${container} ${holder}`)
  const before = held()
  t.same(before, ['c1 attachment', 'endpoint docker', 'endpoint exposure'])
  host.crash(false)
  host.launch(undefined, false)
  t.same(held(), before)
  t.equal(host.node.leasesOf('endpoint').length, 0, 'not as an attachment')
  const [docker] = host.node.leasesOf('endpoint', 'docker')
  t.same(
    host.input((node, now) => node.freeAddresses('endpoint', undefined, now, 'docker')),
    [{ container: 'endpoint', holder: 'docker', ...docker }],
  )
  host.crash(false)
  host.launch(undefined, false)
  t.same(held(), ['c1 attachment', 'endpoint exposure'])
})

t.test('a stored lease of a holder that this version does not know is not taken up, and said', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 1, sealing: 'none' })
  const host = mesh.host(0)
  host.launch()
  mesh.attach(0)
  mesh.run(1_000)
  const [key, value] = [...host.store].find(([name]) => name.startsWith('lease/'))!
  host.crash(false)
  const altered = value.slice()
  altered[altered.length - 1]! ^= 1
  host.store.set(key, altered)
  host.containers.clear()
  host.launch(undefined, false)
  t.same(host.node.addresses.ipam.leases(), [])
  t.match(mesh.events.tail(20).join('\n'), /lease-refused/)
})

t.test('a request that nothing can satisfy ends at its deadline, not with the next thing that happens', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 1, sealing: 'none' })
  const host = mesh.host(0)
  host.launch(undefined, false)
  mesh.run(1_234)
  const id = mesh.attach(0)
  mesh.run(WAIT_MS - 1)
  t.ok(host.isWaiting(id))
  mesh.run(1)
  t.notOk(host.isWaiting(id))
})

t.test('an ephemeral peer holds what it uses, and gives it back when it leaves', async t => {
  const configOf = (host: number) => ({ isEphemeral: host === 1 })
  const mesh = new SimMesh({ seed: 3, peers: 2, sealing: 'none', configOf })
  const [owner, guest] = [mesh.host(0), mesh.host(1)]
  owner.launch()
  guest.launch([0], false)
  mesh.run(5_000)
  mesh.attach(1)
  mesh.run(60_000)
  t.notOk(guest.node.addresses.ipam.ownsBlocks)
  t.equal(guest.node.addresses.ipam.leases().length, 1)
  t.equal(owner.node.addresses.ipam.report().lent.length, 1)
  guest.containers.clear()
  guest.input((node, now) => node.leave(now))
  mesh.run(1_000)
  t.same(owner.node.addresses.ipam.report().lent, [])
})

t.test(
  'a peer that is launched anew as ephemeral hands its blocks on, and its containers keep their addresses',
  async t => {
    let isEphemeral = false
    const configOf = (host: number) => ({ isEphemeral: host === 1 && isEphemeral })
    const mesh = new SimMesh({ seed: 5, peers: 2, sealing: 'none', configOf })
    const [owner, guest] = [mesh.host(0), mesh.host(1)]
    owner.launch()
    guest.launch([0], false)
    mesh.run(10_000)
    mesh.attach(1)
    mesh.run(5_000)
    const held = guest.node.addresses.ipam.leases().map(({ address }) => address)
    t.equal(held.length, 1)
    t.ok(guest.node.addresses.ipam.ownsBlocks)
    isEphemeral = true
    guest.crash(false)
    guest.launch([0], false)
    mesh.run(30_000)
    const { ipam } = guest.node.addresses
    t.notOk(ipam.ownsBlocks)
    t.same(
      ipam.leases().map(({ address }) => address),
      held,
    )
    t.equal(ipam.report().borrowed.length, 1, 'borrowed from the new owner')
    t.same(ipam.report().disputed, [])
    t.equal(owner.node.addresses.ipam.report().unownedBlocks, 0)
  },
)
