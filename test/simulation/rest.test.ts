import t from 'tap'
import { BEAT_MS } from '../../lib/base/mod.ts'
import { SimMesh } from '../support/sim-mesh.ts'

const PEERS = 6
const SETTLE_MS = 120_000
const WATCHED_MS = 60_000
/** On every other beat, and what has a time of its own: keys, dialling, and links that are published. Without beats it were 96. */
const WAKES_MAX = WATCHED_MS / (2 * BEAT_MS) + 20

t.test('a peer at rest does what it has to do at regular times all at once, on every other second', async t => {
  const mesh = new SimMesh({ peers: PEERS, seed: 1, sealing: 'none', isLogged: false })
  mesh.launchAll(50)
  mesh.run(SETTLE_MS)
  const wakes = mesh.hosts.map(({ node }) => {
    const times = new Set<number>()
    const { handleTimeout } = node
    node.handleTimeout = now => {
      times.add(Math.floor(now))
      handleTimeout.call(node, now)
    }
    return times
  })
  mesh.run(WATCHED_MS)
  for (const [number, times] of wakes.entries())
    t.ok(times.size > 0 && times.size <= WAKES_MAX, `host ${number}: ${times.size} times, at most ${WAKES_MAX}`)
})
