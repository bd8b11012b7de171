import t from 'tap'
import { FLOOD_ORIGIN_DOUBT_MS } from '../../lib/node/constants.ts'
import { ethernetFrame } from '../support/frames.ts'
import { SimMesh } from '../support/sim-mesh.ts'

const EVERYBODY = 0xffff_ffff_ffff
const AGREE_MS = 30_000

/** A line of peers that agree. */
function line(peers: number): SimMesh {
  const mesh = new SimMesh({ seed: 11, peers })
  mesh.network.hasRoute = (from, to) => Math.abs(from - to) === 1
  mesh.host(0).launch()
  for (let number = 1; number < peers; number++) mesh.host(number).launch([number - 1])
  settle(mesh)
  return mesh
}

function settle(mesh: SimMesh): void {
  t.type(
    mesh.until(() => mesh.agrees() && mesh.pathsMissing().length === 0, AGREE_MS),
    'number',
    'all agree',
  )
  // Links are told of anew when their paths are up.
  mesh.run(5_000)
}

/** How many of the frames that one peer floods reach each of the others. */
function flooded(mesh: SimMesh, from: number, frames = 5): number[] {
  const taken = () => mesh.hosts.map(host => host.engine.counters()['tap-tx-frames'] ?? 0)
  const before = taken()
  for (let frame = 0; frame < frames; frame++) {
    mesh.host(from).sendFrame(ethernetFrame(EVERYBODY, 0x0200_0000_0100 + from, new Uint8Array(46).fill(frame)))
    mesh.run(50)
  }
  mesh.run(500)
  return taken().map((count, number) => count - before[number]!)
}

/** Of all peers. */
function unproved(mesh: SimMesh): number {
  return mesh.hosts.reduce((sum, host) => sum + (host.engine.counters()['drop:flood-origin'] ?? 0), 0)
}

const accused = (mesh: SimMesh) =>
  mesh.hosts.flatMap(({ node, now }) => node.report(now).parts['floodOrigins'] as unknown[])

t.test(
  'in a line of five each broadcast reaches everybody once, proved by keys that all made for themselves',
  async t => {
    const mesh = line(5)
    for (const from of [0, 2, 4])
      t.same(
        flooded(mesh, from),
        [0, 1, 2, 3, 4].map(number => (number === from ? 0 : 5)),
      )
    t.equal(unproved(mesh), 0)
  },
)

t.test(
  'after the restart of an end, or of who passes on, broadcasts are proved again, and nobody is accused',
  async t => {
    const mesh = line(4)
    mesh.run(2 * FLOOD_ORIGIN_DOUBT_MS)
    for (const number of [3, 1]) {
      mesh.host(number).crash(false)
      mesh.run(1_000)
      mesh.host(number).launch([number - 1])
      // What is flooded meanwhile may be lost, and may not be proved.
      for (let look = 0; look < 40; look++) flooded(mesh, look % 2 === 0 ? 0 : 3, 1)
      settle(mesh)
      for (const from of [0, 3])
        t.same(
          flooded(mesh, from),
          [0, 1, 2, 3].map(other => (other === from ? 0 : 5)),
          `from ${from} after the restart of ${number}`,
        )
      mesh.run(2 * FLOOD_ORIGIN_DOUBT_MS)
      t.same(accused(mesh), [])
    }
  },
)
