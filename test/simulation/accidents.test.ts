import t, { type Test } from 'tap'
import { LEASE_HOLDER } from '../../lib/ipam/mod.ts'
import type { PastReport } from '../../lib/node/past.ts'
import type { SimHost } from '../support/sim-host.ts'
import type { SimMesh, SimMeshOptions } from '../support/sim-mesh.ts'
import { replayOf, seedsOf } from '../support/sim-seeds.ts'
import { clear, live, playStory } from '../support/sim-stories.ts'

/** Of the range of a story. */
const BLOCKS = 16
const SEEDS = seedsOf('ACCIDENTS', 20)

t.setTimeout(Math.max(240_000, SEEDS.length * 12_000))

function play(name: string, options: Partial<SimMeshOptions>, tell: (t: Test, mesh: SimMesh) => void): void {
  playStory(name, SEEDS, options, tell)
}

function past(host: SimHost): PastReport {
  return host.node.report(0).parts['past'] as PastReport
}

/** Blocks that anybody takes for his own. */
function ownedByAll(mesh: SimMesh): number {
  return mesh.hosts.reduce((sum, { node }) => sum + node.addresses.ipam.ownBlocks().length, 0)
}

play('a restored backup gives no address twice, though something is attached in its first second', {}, (t, mesh) => {
  mesh.launchAll(500)
  live(mesh, [0, 1, 2], 15)
  const host = mesh.host(Math.floor(mesh.chance() * 3))
  const backup = host.copyDisk()
  // The others come to need what this one had to spare.
  const others = [0, 1, 2].filter(number => number !== host.number)
  live(mesh, others, 130)
  host.crash(true)
  clear(mesh, host.number)
  mesh.run(Math.floor(mesh.chance() * 20_000))
  host.replaceDisk(backup)
  host.launch(host.number === 0 ? undefined : [0], false)
  for (let at = 0; at < 40; at++) {
    mesh.attach(host.number)
    mesh.run(25)
  }
  live(mesh, [0, 1, 2], 20)
  mesh.run(40_000)
  const isSame = mesh.until(() => mesh.agrees(), 30_000)
  t.type(isSame, 'number', `${replayOf('ACCIDENTS', mesh.seed)}: they agree`)
  t.equal(ownedByAll(mesh), BLOCKS, `${replayOf('ACCIDENTS', mesh.seed)}: no block is lost`)
})

play(
  'who lost the store and kept the identity has its blocks again, and its containers their addresses',
  {},
  (t, mesh) => {
    mesh.launchAll(500)
    live(mesh, [0, 1, 2], 25)
    const host = mesh.host(Math.floor(mesh.chance() * 3))
    const before = new Map([...host.containers].map(([id, { ip }]) => [id, ip]))
    const owned = host.node.addresses.ipam.report().perPeer.find(row => row.peer === host.identity.peerId)?.blocks ?? 0
    host.crash(mesh.chance() < 0.5)
    mesh.run(Math.floor(mesh.chance() * 10_000))
    host.replaceDisk()
    host.launch([host.number === 0 ? 1 : 0])
    for (let at = 0; at < 8; at++) {
      mesh.attach(host.number)
      mesh.run(250)
    }
    live(mesh, [0, 1, 2], 15)
    t.ok(
      past(host).recovered !== undefined || owned === 0,
      `${replayOf('ACCIDENTS', mesh.seed)}: they are kept back first`,
    )
    for (const [id, ip] of before) if (host.containers.has(id)) t.equal(host.containers.get(id)?.ip, ip)
    const leases = new Set(host.node.leases(LEASE_HOLDER.attachment).map(({ container }) => container))
    for (const id of host.containers.keys())
      t.ok(leases.has(id) || host.isWaiting(id), `${replayOf('ACCIDENTS', mesh.seed)}: ${id} has a lease`)
    mesh.run(40_000)
    t.equal(past(host).recovered, undefined, `${replayOf('ACCIDENTS', mesh.seed)}: and given again later`)
    t.type(
      mesh.until(() => mesh.agrees(), 30_000),
      'number',
      `${replayOf('ACCIDENTS', mesh.seed)}: they agree`,
    )
    t.equal(ownedByAll(mesh), BLOCKS, `${replayOf('ACCIDENTS', mesh.seed)}: no block is lost`)
  },
)

play('the power fails everywhere, and one host comes back on an old disk', {}, (t, mesh) => {
  mesh.launchAll(500)
  live(mesh, [0, 1, 2], 15)
  const host = mesh.host(Math.floor(mesh.chance() * 3))
  const backup = host.copyDisk()
  live(
    mesh,
    [0, 1, 2].filter(number => number !== host.number),
    100,
  )
  for (const one of mesh.hosts) one.crash(true)
  clear(mesh, host.number)
  host.replaceDisk(backup)
  for (const one of mesh.hosts)
    mesh.clock.after(Math.floor(mesh.chance() * 1_500), () => one.launch(one.number === 0 ? undefined : [0], false))
  mesh.run(1_500)
  for (let at = 0; at < 20; at++) {
    for (const { number } of mesh.hosts) mesh.attach(number)
    mesh.run(100)
  }
  mesh.run(40_000)
  t.type(
    mesh.until(() => mesh.agrees(), 30_000),
    'number',
    `${replayOf('ACCIDENTS', mesh.seed)}: they agree`,
  )
  t.equal(ownedByAll(mesh), BLOCKS, `${replayOf('ACCIDENTS', mesh.seed)}: no block is lost`)
})

/** Host 3 begins on a copy of the disk of host 1, which lives on. `contact`: whom it knows. */
function copied(name: string, contact: number): void {
  play(name, { peers: 4, identityOf: number => (number === 3 ? 1 : number) }, (t, mesh) => {
    for (const number of [0, 1, 2])
      mesh.clock.after(number * 500, () => mesh.host(number).launch(number === 0 ? undefined : [0]))
    mesh.run(1_500)
    live(mesh, [0, 1, 2], 15)
    const [one, other] = [mesh.host(1), mesh.host(3)]
    other.replaceDisk(one.copyDisk())
    other.launch([contact])
    for (let at = 0; at < 60; at++) {
      mesh.attach(mesh.chance() < 0.5 ? 1 : 3)
      mesh.run(100)
    }
    for (const host of [one, other]) {
      t.ok(past(host).double !== undefined, `${replayOf('ACCIDENTS', mesh.seed)}: ${host.name} has noticed`)
      t.match(host.node.addresses.ipam.hold?.reason, /another process has the identity/)
    }
    mesh.run(20_000)
    live(mesh, [1, 3], 10)
    for (const host of [one, other])
      t.ok(past(host).double !== undefined, `${replayOf('ACCIDENTS', mesh.seed)}: ${host.name} knows it still`)
    other.crash(false)
    clear(mesh, 3)
    mesh.run(250_000)
    t.equal(past(one).double, undefined, `${replayOf('ACCIDENTS', mesh.seed)}: it is over when the copy is gone`)
    const id = mesh.attach(1)
    mesh.run(10_000)
    t.ok(one.containers.get(id)?.ip !== undefined, `${replayOf('ACCIDENTS', mesh.seed)}: and addresses are given again`)
  })
}
copied('a copied identity is noticed by both through a third peer, and neither gives addresses', 0)
copied('a copied identity is noticed by both where they are linked themselves', 1)
