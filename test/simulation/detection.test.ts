import t, { type Test } from 'tap'
import { assert } from '../../lib/base/mod.ts'
import { SimMesh, type SimMeshOptions } from '../support/sim-mesh.ts'
import { ECHO_GAP_MS, containerOf, newEcho, outageMs } from '../support/sim-outage.ts'

// The machine may be busy with other tests.
t.setTimeout(240_000)

const SEEDS = [1, 2]
/** What a failure may cost a stream of packets. */
const OUTAGE_MS = 3_000

function settled(
  peers: number,
  options: Partial<SimMeshOptions>,
  prepare: (mesh: SimMesh) => void = () => undefined,
  targetOf: (number: number) => number = number => (number === 1 ? 0 : 1),
) {
  const mesh = new SimMesh({ seed: 1, peers, sealing: 'none', ...options })
  prepare(mesh)
  for (const host of mesh.hosts) host.launch(host.number === 0 ? undefined : [targetOf(host.number)])
  const tookMs = mesh.until(() => mesh.agrees() && mesh.pathsMissing().length === 0, 60_000)
  assert(tookMs !== undefined, `the mesh has not settled: ${mesh.pathsMissing().join(', ')}`)
  for (const { number } of mesh.hosts) mesh.attach(number)
  mesh.run(3_000)
  assert(mesh.unanswered(10_000).length === 0, 'all containers talk')
  return mesh
}

function survives(
  t: Test,
  mesh: SimMesh,
  [from, to]: readonly [number, number],
  what: string,
  fail: (mesh: SimMesh) => void,
): void {
  t.equal(outageMs(mesh, mesh.host(from), mesh.host(to), 10_000) <= ECHO_GAP_MS, true, 'echoes are answered at first')
  fail(mesh)
  const ms = outageMs(mesh, mesh.host(from), mesh.host(to), 15_000)
  t.ok(ms <= OUTAGE_MS, `${what}: an outage of ${ms} ms`)
  if (!t.passing()) t.comment(mesh.story())
}

const isBetween = (a: number, b: number) => (from: number, to: number) =>
  (from === a && to === b) || (from === b && to === a)

for (const [what, isCut] of [
  ['both ways', isBetween(0, 2)],
  ['one way', (from: number, to: number) => from === 0 && to === 2],
  ['the other way', (from: number, to: number) => from === 2 && to === 0],
] as const)
  void t.test(`where UDP is blocked ${what} a relay takes over within ${OUTAGE_MS} ms`, t => {
    for (const seed of SEEDS) {
      const mesh = settled(3, { seed })
      survives(t, mesh, [0, 2], `seed ${seed}`, () => {
        mesh.network.carriesDatagrams = (from, to) => !isCut(from, to)
      })
      const { peerId } = mesh.host(2).identity
      t.match(mesh.host(0).node.paths.path(peerId)?.state, { kind: 'relayed', why: /no answer to UDP probes/ })
    }
    t.end()
  })

void t.test('a cable that is pulled is routed around as soon', t => {
  for (const seed of SEEDS) {
    const mesh = settled(3, { seed })
    survives(t, mesh, [0, 2], `seed ${seed}`, () => {
      mesh.network.hasRoute = (from, to) => !isBetween(0, 2)(from, to)
    })
  }
  t.end()
})

void t.test('another relay takes the place of one that loses its power, or cannot reach the far side any more', t => {
  for (const seed of SEEDS)
    for (const isPower of [true, false]) {
      // Two in the middle, and the ends do not reach each other.
      const mesh = settled(4, { seed }, made => {
        made.network.hasRoute = (from, to) => !isBetween(0, 3)(from, to)
      })
      const state = mesh.host(0).node.paths.path(mesh.host(3).identity.peerId)?.state
      const relay = mesh.hosts.find(({ identity }) => state?.kind === 'relayed' && identity.peerId === state.via)!
      survives(t, mesh, [0, 3], `seed ${seed}, ${isPower ? 'power' : 'way'}`, () => {
        if (isPower) return relay.crash(true)
        mesh.network.hasRoute = (from, to) => !isBetween(0, 3)(from, to) && !isBetween(relay.number, 3)(from, to)
      })
    }
  t.end()
})

void t.test('so is a relay in the middle of a line, whom only its neighbours can get round, both ways', t => {
  // 0 – 1, and from there to 4 by way of 2 or of 3.
  const cables = ['0 1', '1 2', '2 4', '1 3', '3 4']
  for (const seed of SEEDS) {
    const mesh = settled(
      5,
      { seed },
      made => {
        // Else the other one may reach the far side through the suspect still, as its routes say.
        made.network.latencyMs = 2
        made.network.hasRoute = (from, to) => cables.includes(`${Math.min(from, to)} ${Math.max(from, to)}`)
      },
      number => Math.max(0, number - (number < 3 ? 1 : 2)),
    )
    mesh.run(15_000)
    const state = mesh.host(1).node.paths.path(mesh.host(4).identity.peerId)?.state
    const relay = mesh.hosts.find(({ identity }) => state?.kind === 'relayed' && identity.peerId === state.via)!
    survives(t, mesh, [0, 4], `seed ${seed}`, () => relay.crash(true))
  }
  t.end()
})

void t.test('a tenth of all datagrams lost, and most answers late, make no path go up and down', t => {
  const mesh = settled(3, { seed: 1 })
  mesh.network.weather.loss = 0.1
  mesh.network.weather.jitterMs = 150
  let [changes, before] = [0, '']
  for (let passedMs = 0; passedMs < 60_000; passedMs += 500) {
    for (const from of mesh.hosts)
      for (const to of mesh.hosts) if (from !== to) containerOf(from).ping(containerOf(to).ip!, newEcho(), false)
    mesh.run(500)
    const kinds = mesh.hosts
      .flatMap(({ node }) => [...node.paths.all].map(({ peerId, state }) => `${peerId} ${state.kind}`))
      .join()
    if (before !== '' && kinds !== before) changes++
    before = kinds
  }
  t.ok(changes <= 4, `${changes} changes in a minute`)
  t.end()
})

const linksOf = (mesh: SimMesh) => mesh.hosts.map(({ node }) => node.neighbours.neighbours.map(({ upAt }) => upAt))

/** So long without answers makes a path suspect, and does not end it. */
const SUSPECT_MS = 600

void t.test('who was stopped for a while holds it against nobody, be it one or all', t => {
  for (const [isAll, stalledMs] of [
    [false, 2_800],
    [true, 4_500],
    [true, 40_000],
  ] as const) {
    const mesh = settled(4, { seed: 3 })
    const before = linksOf(mesh)
    const downs = mesh.events.countOf('path down')
    // A moment without an answer: the paths are suspected when the processes stop.
    const { carriesDatagrams } = mesh.network
    mesh.network.carriesDatagrams = () => false
    outageMs(mesh, mesh.host(0), mesh.host(1), SUSPECT_MS)
    mesh.network.carriesDatagrams = carriesDatagrams
    for (const host of isAll ? mesh.hosts : [mesh.host(1)]) host.stall(stalledMs)
    outageMs(mesh, mesh.host(0), mesh.host(1), stalledMs + 10_000)
    t.same(linksOf(mesh), before, `the links after ${stalledMs} ms`)
    t.equal(mesh.events.countOf('path down'), downs, 'no path went down')
  }
  t.end()
})

void t.test(
  'a process that is stopped for a minute and goes on is there again at once, and gives up nobody itself',
  t => {
    const mesh = settled(4, { seed: 2 })
    mesh.host(1).stall(60_000)
    outageMs(mesh, mesh.host(0), mesh.host(1), 30_000)
    t.notOk(mesh.host(0).node.view.reachable.has(mesh.host(1).identity.peerId), 'the others go on without it')
    mesh.run(30_000)
    const isBack = () => mesh.agrees() && mesh.pathsMissing().length === 0 && mesh.host(1).node.neighbours.count === 3
    const tookMs = mesh.until(isBack, 30_000)
    t.ok(tookMs !== undefined && tookMs <= 5_000, `all agree ${tookMs} ms later`)
    t.same(mesh.unanswered(10_000), [])
    t.end()
  },
)

void t.test(
  'when half of the hosts lose their power at once the others agree within 10 s where there is traffic',
  t => {
    const mesh = settled(8, { seed: 4 })
    for (const number of [1, 3, 5, 7]) mesh.host(number).crash(true)
    const begun = mesh.clock.now
    const living = [0, 2, 4, 6].map(number => mesh.host(number))
    const isKnown = () => living.every(({ node }) => node.view.reachable.size === living.length)
    while (!isKnown() && mesh.clock.now - begun < 60_000)
      for (const from of living) {
        for (const to of mesh.hosts) if (to !== from) containerOf(from).ping(containerOf(to).ip!, newEcho(), false)
        mesh.run(50)
      }
    t.ok(mesh.clock.now - begun <= 10_000, `after ${mesh.clock.now - begun} ms`)
    t.end()
  },
)
