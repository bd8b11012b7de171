/**
 * A mesh in which not everybody is linked to everybody, under what befalls many at once: half of it restarted at one moment,
 * a split in three, ways that lead one way only, cables that go in and out, and a fifth of all datagrams lost. Safety is
 * checked with every step (SimMesh); when it is over all agree, and containers talk.
 */
import t, { type Test } from 'tap'
import type { SimHost } from '../support/sim-host.ts'
import { SimMesh } from '../support/sim-mesh.ts'
import { endpointAt } from '../support/sim-network.ts'
import { pick } from '../support/seeded-chance.ts'

// A mesh takes the time that it takes; the runner limits the whole file.
t.setTimeout(0)

const PEERS = 34
/** After the last fault until all agree. */
const AGREE_LIMIT_MS = 60_000
const PING_LIMIT_MS = 20_000
/** Every so many hosts have a container: all pairs of them are tried. */
const CONTAINER_STEP = 5
const HARD_MS = 12_000
const TURN_MS = 2_000
/** Where each dials its contact at its start all do so within this. */
const RUSH_MS = 250

/** One mesh goes through all of it. */
const mesh = new SimMesh({ seed: 1, peers: PEERS, sealing: 'none', isToy: true, isLogged: false })
mesh.launchAll(50)
for (const { number } of mesh.hosts) if (number % CONTAINER_STEP === 0) mesh.attach(number)
mesh.run(5_000)

function endsWell(t: Test): void {
  const tookMs = mesh.until(() => mesh.agrees(), AGREE_LIMIT_MS)
  t.comment(`all agree ${tookMs ?? 'never'} ms after`)
  t.same(mesh.disagreements(5), [], 'all agree')
  t.same(mesh.unanswered(PING_LIMIT_MS).slice(0, 5), [], 'all containers talk')
}

/** For a while something else is so, anew with each turn; then all is well again. */
function suffer(turn: (number: number) => void, mend: () => void): void {
  for (let passedMs = 0; passedMs < HARD_MS; passedMs += TURN_MS) {
    turn(passedMs / TURN_MS)
    // Whoever is asked for an address meanwhile gives none that another one gives.
    if (passedMs % (5 * TURN_MS) === 0) mesh.attach(pick(mesh.hosts, mesh.chance).number)
    mesh.run(TURN_MS)
  }
  mend()
}

void t.test('half of the peers restarted at one moment, the one among them that all were launched towards', t => {
  const half = mesh.hosts.filter(({ number }) => number % 2 === 0)
  for (const host of half) host.crash(false)
  for (const host of half) host.launch(undefined, false)
  endsWell(t)
  t.end()
})

void t.test('all peers restarted at one moment do not all dial the one that all were launched towards', t => {
  for (const host of mesh.hosts) host.crash(true)
  const dials = new Map<string, number>()
  const { network } = mesh
  const dial = network.dial.bind(network)
  network.dial = (from, endpoint, done) => {
    dials.set(endpoint, (dials.get(endpoint) ?? 0) + 1)
    dial(from, endpoint, done)
  }
  for (const host of mesh.hosts) host.launch(undefined, false)
  mesh.run(RUSH_MS)
  const first = dials.get(endpointAt(0)) ?? 0
  t.ok(dials.size > PEERS / 2, `${dials.size} are dialled by somebody`)
  t.ok(first < PEERS / 2, `${first} of ${PEERS} dial the first host within ${RUSH_MS} ms`)
  endsWell(t)
  t.end()
})

void t.test('a split in three, in which all sides attach and the first host restarts', t => {
  mesh.network.partition(mesh.hosts.map(({ number }) => number % 3))
  t.ok(mesh.until(() => mesh.agrees(), AGREE_LIMIT_MS) !== undefined, 'each side agrees')
  for (const { number } of mesh.hosts.slice(0, 9)) mesh.attach(number)
  mesh.host(0).crash(true)
  mesh.run(5_000)
  mesh.host(0).launch(undefined, false)
  mesh.run(10_000)
  mesh.network.partition(undefined)
  endsWell(t)
  t.end()
})

void t.test('ways that lead one way only, others with each turn', t => {
  const isCut = (from: number, to: number, turn: number) => (from * 31 + to * 17 + turn) % 5 === 0
  const all = mesh.network.hasRoute
  suffer(
    turn => (mesh.network.hasRoute = (from, to) => !isCut(from, to, Math.floor(turn / 3))),
    () => (mesh.network.hasRoute = all),
  )
  endsWell(t)
  t.end()
})

void t.test('cables that go in and out, and a fifth of all datagrams lost', t => {
  const { network } = mesh
  let out = new Set<SimHost>()
  network.weather.loss = 0.2
  const all = network.hasRoute
  network.hasRoute = (from, to) => !out.has(mesh.host(from)) && !out.has(mesh.host(to))
  suffer(
    turn => {
      out = new Set(turn % 3 === 2 ? [] : Array.from({ length: 6 }, () => pick(mesh.hosts, mesh.chance)))
    },
    () => {
      network.hasRoute = all
      network.weather.loss = 0
    },
  )
  endsWell(t)
  t.end()
})
