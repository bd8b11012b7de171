import t from 'tap'
import type { Millis } from '../../../lib/base/mod.ts'
import {
  DISCOVERED_DIAL_DELAY_MS,
  PUBLISH_GAP_FIRST_MS,
  PUBLISH_GAP_LAST_MS,
  PUBLISH_GAP_PER_PEER_MS,
  PUBLISH_TOLD_GAP_LAST_MS,
  PUBLISH_PATH_WAIT_MS,
  PUBLISH_QUIET_MS,
  PUBLISH_RTT_INTERVAL_MS,
  SPARE_DIAL_DELAY_MS,
} from '../../../lib/node/constants.ts'
import { PING_INTERVAL_MS, ROUND_TRIPS_KEPT } from '../../../lib/peer/constants.ts'
import { decodeLinks } from '../../../lib/topology/mod.ts'
import { GOODBYE_CODE, RECORD_KIND } from '../../../lib/wire/mod.ts'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const NO_KEY = new Uint8Array(0)

function linksRecord(host: SimHost) {
  return host.node.ledger.get(host.identity.peerId, RECORD_KIND.links, NO_KEY)
}

function launched(peers: number): SimMesh {
  const mesh = new SimMesh({ seed: 11, peers: peers + 1, sealing: 'none' })
  for (let number = 0; number < peers; number++) mesh.host(number).launch(number === 0 ? undefined : [0])
  mesh.run(2 * PUBLISH_QUIET_MS)
  return mesh
}

/** When each host published its links, as time passes; `each` is called every millisecond. */
function watch(mesh: SimMesh, forMs: number, each: () => void = () => undefined): Map<SimHost, Millis[]> {
  const up = mesh.hosts.filter(host => host.isUp)
  const seqs = new Map(up.map(host => [host, linksRecord(host)?.seq]))
  const found = new Map<SimHost, Millis[]>(up.map(host => [host, []]))
  for (let i = 0; i < forMs; i++) {
    each()
    mesh.run(1)
    for (const host of up) {
      const seq = linksRecord(host)?.seq
      if (seq === seqs.get(host)) continue
      seqs.set(host, seq)
      found.get(host)!.push(mesh.clock.now)
    }
  }
  return found
}

t.test('a new link costs each end one publication, when its data path is up', t => {
  const mesh = launched(4)
  const newcomer = mesh.host(4)
  newcomer.launch([0])
  const found = watch(mesh, 2 * SPARE_DIAL_DELAY_MS + DISCOVERED_DIAL_DELAY_MS + PUBLISH_TOLD_GAP_LAST_MS)
  // The one that it came through told of it at once; the newcomer had no link at all, and wrote all anew when it had
  // heard what the others know of it.
  t.ok(found.get(newcomer)!.length <= 5, `the newcomer: ${found.get(newcomer)!.length}`)
  for (const host of mesh.hosts.slice(1, 4)) t.equal(found.get(host)!.length, 1, host.name)
  t.ok(found.get(mesh.host(0))!.length <= 2)
  for (const host of mesh.hosts) t.match(decodeLinks(linksRecord(host)!.value), { count: 4 })
  t.end()
})

t.test('a link whose data path does not come up is published all the same', t => {
  const mesh = launched(3)
  mesh.network.weather.loss = 1
  mesh.host(3).launch([0])
  watch(mesh, PUBLISH_PATH_WAIT_MS + 3 * PUBLISH_GAP_LAST_MS)
  t.match(decodeLinks(linksRecord(mesh.host(3))!.value), { count: 3 })
  t.end()
})

t.test('the more there is to tell, and the more hear it, the longer it is gathered', t => {
  const peers = 17
  const lastMs = Math.min(peers * PUBLISH_GAP_PER_PEER_MS, PUBLISH_GAP_LAST_MS)
  t.ok(lastMs >= 2 * PUBLISH_GAP_FIRST_MS)
  const mesh = launched(peers)
  const [one, other] = [mesh.host(1), mesh.host(2)]
  let steps = 0
  const forMs = 10_000
  const found = watch(mesh, forMs, () => {
    if (steps++ % 150 !== 0) return
    one.input((node, now) => node.neighbours.disconnect(other.identity.peerId, GOODBYE_CODE.duplicate, 'again', now))
    one.input((node, now) => node.handleTimeout(now))
  })
  const times = found.get(one)!
  t.ok(times.length >= 6, `${times.length} publications`)
  t.ok(times.length <= 3 + forMs / lastMs)
  let gapMs = PUBLISH_GAP_FIRST_MS
  for (let i = 1; i < times.length; i++) {
    // A look every millisecond sees a publication up to one too late.
    t.ok(times[i]! - times[i - 1]! >= gapMs - 1, `${times[i]! - times[i - 1]!} ms after the last one`)
    gapMs = Math.min(2 * gapMs, lastMs)
  }
  t.end()
})

t.test('another round-trip time, which one slow answer does not make, is told late and seldom', t => {
  const mesh = launched(2)
  // What was told before the first ping came back is put right.
  mesh.run(2 * PUBLISH_RTT_INTERVAL_MS)
  t.equal(watch(mesh, 3 * PUBLISH_RTT_INTERVAL_MS).get(mesh.host(1))!.length, 0, 'nothing changes, nothing is told')
  mesh.network.weather.extraMs = 200
  const begun = mesh.clock.now
  const toldWithinMs = ROUND_TRIPS_KEPT * PING_INTERVAL_MS + PUBLISH_RTT_INTERVAL_MS
  const times = watch(mesh, toldWithinMs).get(mesh.host(1))!
  t.ok(times.length >= 1 && times.length <= 3, `${times.length} times`)
  t.ok(times[0]! - begun <= toldWithinMs)
  for (const [i, at] of times.entries()) if (i > 0) t.ok(at - times[i - 1]! >= PUBLISH_RTT_INTERVAL_MS)
  t.end()
})
