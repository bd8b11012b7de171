/**
 * Whole meshes under faults that are drawn from a seed. Safety is checked with every step (see SimMesh); after the faults
 * have stopped everything must be well within AGREE_LIMIT_MS of virtual time.
 *
 * SIM_SEED (or SEED): where the seeds begin. SIM_SEEDS (or ROUNDS): how many for each shape. SIM_PEERS: how many peers,
 * instead of those below.
 */
import t, { type Test } from 'tap'
import type { NodeConfig } from '../../lib/node/mod.ts'
import type { Sealing } from '../support/memory-session.ts'
import { SimFaults, type FaultPlan } from '../support/sim-faults.ts'
import { SimMesh } from '../support/sim-mesh.ts'
import { replayOf, seedsOf } from '../support/sim-seeds.ts'

const AGREE_LIMIT_MS = 60_000
const PING_LIMIT_MS = 15_000

interface Shape {
  readonly name: string
  readonly peers: number
  readonly sealing: Sealing
  readonly faults: FaultPlan
  readonly seeds: number
  readonly hasRoute?: (from: number, to: number) => boolean
  /** Whom a host is launched towards. */
  readonly firstContact?: (number: number) => number
  readonly config?: Partial<NodeConfig>
}

const SMALL_RANGE = { address: 0x0a20_0000, prefix: 25 }

const SHAPES: readonly Shape[] = [
  {
    name: 'five that all reach each other',
    peers: 5,
    sealing: 'aead',
    faults: { count: 60, gapMaxMs: 8_000 },
    seeds: 4,
  },
  {
    name: 'five around one that alone reaches the others',
    peers: 5,
    sealing: 'aead',
    faults: { count: 60, gapMaxMs: 8_000 },
    seeds: 3,
    hasRoute: (from, to) => from === 0 || to === 0,
  },
  {
    name: 'four in a line',
    peers: 4,
    sealing: 'aead',
    faults: { count: 60, gapMaxMs: 8_000 },
    seeds: 3,
    hasRoute: (from, to) => Math.abs(from - to) === 1,
    firstContact: number => number - 1,
  },
  {
    name: 'eight that share few addresses',
    peers: 8,
    sealing: 'none',
    faults: { count: 80, gapMaxMs: 6_000 },
    seeds: 2,
    config: { range: SMALL_RANGE, defaultSubnet: SMALL_RANGE, blockPrefix: 28 },
  },
  { name: 'thirty', peers: 30, sealing: 'none', faults: { count: 6, gapMaxMs: 1_000 }, seeds: 1 },
]

// A mesh takes the time that it takes; the runner limits the whole file.
t.setTimeout(0)

const peersAsked = process.env['SIM_PEERS']

function play(shape: Shape, seed: number): SimMesh {
  const peers = peersAsked === undefined ? shape.peers : Number(peersAsked)
  const mesh = new SimMesh({ seed, peers, sealing: shape.sealing, ...(shape.config && { config: shape.config }) })
  if (shape.hasRoute !== undefined) mesh.network.hasRoute = shape.hasRoute
  try {
    for (const host of mesh.hosts) {
      const contact = shape.firstContact?.(host.number) ?? 0
      mesh.clock.after(host.number * 50, () => host.launch(host.number === 0 ? undefined : [contact]))
    }
    mesh.run(peers * 50 + 1_000)
    new SimFaults(mesh).run(shape.faults)
  } catch (error) {
    t.comment(mesh.story())
    throw error
  }
  return mesh
}

function endsWell(t: Test, mesh: SimMesh): void {
  const problems = () => [...mesh.disagreements(), ...mesh.pathsMissing()]
  const tookMs = mesh.until(() => mesh.agrees() && mesh.pathsMissing().length === 0, AGREE_LIMIT_MS)
  t.comment(`seed ${mesh.seed}: ${mesh.events.count} events, settled ${tookMs ?? 'never'} ms after the faults`)
  t.same(problems().slice(0, 10), [], 'all agree, and every path there can be is there')
  for (const host of mesh.hosts) if (host.containers.size === 0) mesh.attach(host.number)
  mesh.run(3_000)
  t.same(mesh.unanswered(PING_LIMIT_MS).slice(0, 10), [], 'all containers of connected hosts talk')
  if (!t.passing()) t.comment(mesh.story(), replayOf('SIM', mesh.seed))
}

for (const shape of SHAPES) {
  for (const seed of seedsOf('SIM', shape.seeds))
    void t.test(`${shape.name} end well (seed ${seed})`, { timeout: 0 }, t => {
      endsWell(t, play(shape, seed))
      t.end()
    })
}

void t.test('the same seed gives the same events, another seed others', t => {
  const shape = { ...SHAPES[0]!, faults: { count: 25, gapMaxMs: 5_000 } }
  const digest = play(shape, 42).events.digest()
  t.equal(play(shape, 42).events.digest(), digest)
  t.not(play(shape, 43).events.digest(), digest)
  t.end()
})
