import t from 'tap'
import { assert } from '../../lib/base/mod.ts'
import { containerOf, outageMs } from '../support/sim-outage.ts'
import { SimMesh, type SimMeshOptions } from '../support/sim-mesh.ts'

// The machine may be busy with other tests.
t.setTimeout(240_000)

const OUTAGE_MS = 3_000
/** Candidates are probed every 5 s, more or less, while frames take a detour. */
const BACK_MS = 7_000

function settled(peers: number, options: Partial<SimMeshOptions> = {}) {
  const mesh = new SimMesh({ seed: 1, peers, sealing: 'none', ...options })
  for (const host of mesh.hosts) host.launch(host.number === 0 ? undefined : [0])
  const tookMs = mesh.until(() => mesh.agrees() && mesh.pathsMissing().length === 0, 60_000)
  assert(tookMs !== undefined, `the mesh has not settled: ${mesh.pathsMissing().join(', ')}`)
  for (const { number } of mesh.hosts) mesh.attach(number)
  mesh.run(3_000)
  assert(mesh.unanswered(10_000).length === 0, 'all containers talk')
  return mesh
}

function kind(mesh: SimMesh, from: number, to: number): string {
  return mesh.host(from).node.paths.path(mesh.host(to).identity.peerId)?.state.kind ?? 'no path'
}

for (const [what, isCut] of [
  ['both ways', () => true],
  ['one way', (from: number) => from === 0],
] as const)
  void t.test(`two hosts between which UDP is blocked ${what} go on over TCP, and back when it is not`, t => {
    const mesh = settled(2)
    mesh.network.carriesDatagrams = from => !isCut(from)
    const ms = outageMs(mesh, mesh.host(0), mesh.host(1), 15_000)
    t.ok(ms <= OUTAGE_MS, `an outage of ${ms} ms`)
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const path = mesh.host(from).node.paths.path(mesh.host(to).identity.peerId)
      t.match(path?.state, { kind: 'tcp', why: /no answer to UDP probes of 192\.168\.0/ })
      t.match(path?.report(mesh.clock.now).size, { mtu: 1500, phase: 'complete' })
    }
    mesh.network.carriesDatagrams = () => true
    const backMs = mesh.until(() => kind(mesh, 0, 1) === 'direct' && kind(mesh, 1, 0) === 'direct', 30_000)
    t.ok(backMs !== undefined && backMs <= BACK_MS, `direct again after ${backMs} ms`)
    t.ok(outageMs(mesh, mesh.host(0), mesh.host(1), 3_000) <= 200)
    t.end()
  })

void t.test('what begins without UDP goes over TCP as soon as the mesh has settled', t => {
  const mesh = new SimMesh({ seed: 2, peers: 2, sealing: 'none' })
  mesh.network.carriesDatagrams = () => false
  mesh.host(0).launch()
  mesh.host(1).launch([0])
  const tookMs = mesh.until(() => kind(mesh, 0, 1) === 'tcp' && kind(mesh, 1, 0) === 'tcp', 20_000)
  t.ok(tookMs !== undefined && tookMs <= 6_000, `after ${tookMs} ms`)
  for (const { number } of mesh.hosts) mesh.attach(number)
  mesh.run(3_000)
  t.same(mesh.unanswered(10_000), [])
  t.end()
})

void t.test('a relay is preferred, comes back into use when it is there again, and TCP takes over when it goes', t => {
  const mesh = settled(3)
  const isCut = (from: number, to: number) => from + to === 1
  mesh.network.carriesDatagrams = (from, to) => !isCut(from, to)
  t.ok(outageMs(mesh, mesh.host(0), mesh.host(1), 10_000) <= OUTAGE_MS)
  t.equal(kind(mesh, 0, 1), 'relayed')
  mesh.host(2).crash(true)
  const ms = outageMs(mesh, mesh.host(0), mesh.host(1), 15_000)
  t.ok(ms <= OUTAGE_MS, `an outage of ${ms} ms when the relay goes`)
  t.equal(kind(mesh, 0, 1), 'tcp')
  mesh.host(2).launch([0])
  t.ok(mesh.until(() => kind(mesh, 0, 1) === 'relayed', 30_000) !== undefined, 'a relay answers, and is taken')
  t.end()
})

void t.test('one that has no UDP at all is reached by everybody, and through others where it has no link', t => {
  const mesh = settled(4)
  mesh.network.carriesDatagrams = (from, to) => from !== 3 && to !== 3
  mesh.run(10_000)
  t.same(mesh.unanswered(20_000), [])
  for (const other of [0, 1, 2]) t.equal(kind(mesh, 3, other), 'tcp')
  // Its only link is that to host 0, which relays over it.
  mesh.network.hasRoute = (from, to) => (from !== 3 && to !== 3) || from + to === 3
  const isThrough = () => [1, 2].every(far => kind(mesh, far, 3) === 'relayed' && kind(mesh, 3, far) === 'relayed')
  t.ok(mesh.until(isThrough, 60_000) !== undefined, 'through host 0')
  t.same(mesh.unanswered(20_000), [])
  t.end()
})

void t.test('control goes on behind a line that is full of frames, and what it does not take is dropped', t => {
  const mesh = settled(2)
  mesh.network.carriesDatagrams = () => false
  mesh.until(() => kind(mesh, 0, 1) === 'tcp' && kind(mesh, 1, 0) === 'tcp', 20_000)
  mesh.network.bytesPerSecond = () => 50_000
  const [near, far] = [containerOf(mesh.host(0)), containerOf(mesh.host(1))]
  const before = mesh.host(0).node.neighbours.neighbours[0]!.connection
  let number = 5_000_000
  for (let passedMs = 0; passedMs < 25_000; passedMs += 10) {
    for (let i = 0; i < 20; i++) near.ping(far.ip!, number++, false)
    mesh.run(10)
  }
  const { neighbours, drops } = mesh.host(0).node
  t.equal(neighbours.neighbours[0]?.connection, before, 'the link has lasted')
  t.ok((drops.get('link-full') ?? 0) > 1_000, `${drops.get('link-full')} datagrams were dropped`)
  t.ok((neighbours.neighbours[0]?.rttMs ?? Infinity) <= 1_500, `a ping takes ${neighbours.neighbours[0]?.rttMs} ms`)
  t.equal(mesh.network.slowPeers, 0)
  t.end()
})

for (const [what, peers, before] of [
  ['at once', 2, () => true],
  ['at once, beside a third host', 3, () => true],
  ['after one direction of one pair', 3, (from: number, to: number) => !(from === 0 && to === 2)],
  ['after one pair', 3, (from: number, to: number) => from + to !== 2],
] as const)
  void t.test(`a host that loses UDP ${what} is answered over TCP, and both ends say so`, t => {
    for (let seed = 1; seed <= 12; seed++) {
      const mesh = settled(peers, { seed })
      mesh.network.carriesDatagrams = before
      mesh.run(10_000)
      mesh.network.carriesDatagrams = from => from !== 0
      mesh.run(20_000)
      t.same(mesh.unanswered(10_000), [], `seed ${seed}`)
      for (let far = 1; far < peers; far++)
        t.same([kind(mesh, 0, far), kind(mesh, far, 0)], ['tcp', 'tcp'], `seed ${seed}: as 0 and ${far} say`)
    }
    t.end()
  })
