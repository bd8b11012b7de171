import t from 'tap'
import { BEAT_MS } from '../../../lib/base/mod.ts'
import {
  PATHS_ON_DEMAND_MAX,
  PATH_FUTILE_MS,
  PATH_IDLE_MS,
  PATH_LOOK_MS,
  PATH_SPARE_MS,
  PROBE_ANSWER_MIN_MS,
  PROBE_BUSY_MS,
  PROBE_IDLE_MS,
  SUSPECT_ALONE_MS,
} from '../../../lib/node/constants.ts'
import { SESSION_DIES_MS } from '../../../lib/noise/mod.ts'
import { FULL_MESH_PEERS } from '../../../lib/topology/mod.ts'
import { PathWorld, type PathPeer } from '../../support/path-world.ts'

// The machine may be busy with other tests.
t.setTimeout(120_000)

const SEEDS = [1, 2, 3, 4]
/** A handshake, the probe and its answer, with room. */
const QUICK_MS = 300
const IDLE_LIMIT_MS = PATH_IDLE_MS + PATH_LOOK_MS + 1_000
/** From the failure of a path without a relay, be it in one direction only, to its end. */
const DETECTION_LIMIT_MS = 2 * PROBE_BUSY_MS + PROBE_ANSWER_MIN_MS + SUSPECT_ALONE_MS + 400
/** The same of one that carries nothing: two idle times, and until it is looked at after that. */
const IDLE_DETECTION_LIMIT_MS = 2 * PROBE_IDLE_MS + BEAT_MS + DETECTION_LIMIT_MS

/** Two peers of a mesh that is too large for paths to all. */
function large(seed: number): { world: PathWorld; a: PathPeer; b: PathPeer } {
  const world = new PathWorld(seed, 2)
  world.addStrangers(FULL_MESH_PEERS)
  const [a, b] = world.peers as [PathPeer, PathPeer]
  a.update()
  b.update()
  return { world, a, b }
}

function want(from: PathPeer, to: PathPeer): void {
  from.input(now => from.paths.want(to.id, now))
}

function areDirect(a: PathPeer, b: PathPeer): boolean {
  return a.kindTo(b) === 'direct' && b.kindTo(a) === 'direct'
}

function isForgotten(a: PathPeer, b: PathPeer): boolean {
  return a.kindTo(b) === 'no path' && b.kindTo(a) === 'no path'
}

t.test('in a large mesh there is a path to a peer that is no neighbour once there are frames for it', async t => {
  for (const seed of SEEDS) {
    const { world, a, b } = large(seed)
    world.run(60_000)
    t.same([a.handshakes, b.handshakes], [[], []], 'nobody asks for nothing')
    t.same([a.paths.pollTimeout(), b.paths.pollTimeout()], [undefined, undefined])
    // Whose turn the handshake is does not matter: frames wait.
    want(a, b)
    const tookMs = world.until(() => areDirect(a, b), 10_000)
    t.ok(tookMs !== undefined && tookMs <= QUICK_MS, `seed ${seed}: ${tookMs} ms`)
  }
})

t.test('two peers that want each other at one moment get one path', async t => {
  for (const seed of SEEDS) {
    const { world, a, b } = large(seed)
    want(a, b)
    want(b, a)
    const tookMs = world.until(() => areDirect(a, b), 10_000)
    t.ok(tookMs !== undefined && tookMs <= QUICK_MS, `seed ${seed}: ${tookMs} ms`)
    world.run(PATH_IDLE_MS / 2)
    t.ok(areDirect(a, b))
  }
})

t.test('a path that carries nothing but probes ends on both sides, and then all is quiet', async t => {
  for (const seed of SEEDS) {
    const { world, a, b } = large(seed)
    want(a, b)
    world.run(1_000)
    const tookMs = world.until(() => isForgotten(a, b), 2 * IDLE_LIMIT_MS, 1_000)
    t.ok(tookMs !== undefined && tookMs >= PATH_IDLE_MS - 2_000 && tookMs <= IDLE_LIMIT_MS, `${tookMs} ms`)
    const sent = [a, b].map(peer => [peer.handshakes.length, peer.probes])
    world.run(SESSION_DIES_MS)
    t.same(
      [a, b].map(peer => [peer.handshakes.length, peer.probes]),
      sent,
      'neither asks for it again',
    )
    t.same([a.paths.pollTimeout(), b.paths.pollTimeout()], [undefined, undefined])
    want(b, a)
    t.type(
      world.until(() => areDirect(a, b), QUICK_MS),
      'number',
      'until there are frames again',
    )
  }
})

t.test('one frame in a while keeps a path, over any number of keys', async t => {
  const { world, a, b } = large(5)
  want(a, b)
  world.run(1_000)
  for (let round = 0; round < 5; round++) {
    ;(round % 2 === 0 ? a : b).sendFrame()
    world.run(PATH_IDLE_MS * 0.8)
    t.ok(areDirect(a, b), `after ${round + 1} rounds`)
  }
  t.type(
    world.until(() => isForgotten(a, b), 2 * IDLE_LIMIT_MS, 1_000),
    'number',
  )
})

t.test('a peer that has forgotten a path without a word is found out, and left alone', async t => {
  for (const seed of SEEDS) {
    const { world, a, b } = large(seed)
    want(a, b)
    world.run(30_000)
    b.input(now => b.paths.stop(a.id, now))
    const before = a.handshakes.length
    const tookMs = world.until(() => a.kindTo(b) === 'no path', 60_000)
    t.ok(tookMs !== undefined && tookMs <= IDLE_DETECTION_LIMIT_MS, `seed ${seed}: ${tookMs} ms`)
    world.run(10 * 60_000)
    t.equal(a.handshakes.length, before, 'no handshake of its own accord')
    t.equal(b.kindTo(a), 'no path')
    want(a, b)
    t.type(
      world.until(() => areDirect(a, b), QUICK_MS),
      'number',
      'but with the next frames',
    )
  }
})

t.test('the end of an idle path needs no word to arrive', async t => {
  const { world, a, b } = large(6)
  world.losesPathEnds = true
  want(a, b)
  world.run(1_000)
  const tookMs = world.until(() => isForgotten(a, b), 2 * IDLE_LIMIT_MS, 1_000)
  t.ok(tookMs !== undefined && tookMs <= IDLE_LIMIT_MS + IDLE_DETECTION_LIMIT_MS, `${tookMs} ms`)
})

t.test(
  'a peer that does not answer is given up soon after the last frame for it, and not asked more often for many',
  async t => {
    const { world, a } = large(7)
    const [stranger] = world.addStrangers(1)
    const asked = () => a.handshakes.filter(({ to }) => to === stranger).length
    for (let second = 0; second < 600; second++) {
      a.input(now => a.paths.want(stranger!, now))
      world.run(1_000)
    }
    t.ok(asked() > 10 && asked() <= 100, `${asked()} handshakes in ten minutes`)
    const tookMs = world.until(() => a.paths.path(stranger!) === undefined, 2 * PATH_FUTILE_MS, 1_000)
    t.ok(tookMs !== undefined && tookMs <= PATH_FUTILE_MS + 1_000, `${tookMs} ms`)
    t.equal(a.paths.pollTimeout(), undefined)
  },
)

t.test(
  'paths on demand are bounded: the one that was not used for longest makes room, unless all are in use',
  async t => {
    const { world, a, b } = large(8)
    const strangers = world.addStrangers(PATHS_ON_DEMAND_MAX)
    want(a, b)
    world.run(QUICK_MS)
    for (const stranger of strangers.slice(1)) a.input(now => a.paths.want(stranger, now))
    const has = (peer: string) => [...a.paths.all].some(path => path.peerId === peer)
    t.equal([...a.paths.all].length, PATHS_ON_DEMAND_MAX)
    a.input(now => a.paths.want(strangers[0]!, now))
    t.notOk(has(strangers[0]!), 'no room')
    t.equal(a.kindTo(b), 'direct')
    world.run(PATH_SPARE_MS)
    a.input(now => a.paths.want(strangers[0]!, now))
    t.ok(has(strangers[0]!))
    t.equal([...a.paths.all].length, PATHS_ON_DEMAND_MAX)
    world.run(10)
    t.ok(isForgotten(a, b), 'it went for it, and was told')
  },
)

t.test('up to FULL_MESH_PEERS all are kept; what is left over when the mesh grows goes when idle', async t => {
  const world = new PathWorld(9, 2)
  const [a, b] = world.peers as [PathPeer, PathPeer]
  const small = [a.reachable, b.reachable] as const
  for (const peer of world.peers) peer.update()
  t.type(
    world.until(() => areDirect(a, b), 10_000),
    'number',
  )
  world.run(2 * IDLE_LIMIT_MS)
  t.ok(areDirect(a, b), 'idle or not')
  world.addStrangers(FULL_MESH_PEERS)
  for (const peer of world.peers) peer.update()
  world.run(IDLE_LIMIT_MS + 1_000)
  t.ok(isForgotten(a, b))
  ;[a.reachable, b.reachable] = small
  for (const peer of world.peers) peer.update()
  t.type(
    world.until(() => areDirect(a, b), 10_000),
    'number',
  )
})

t.test('a neighbour is kept, also by the side that the other tells of the end', async t => {
  const { world, a, b } = large(10)
  a.neighbours.add(b.id)
  a.update()
  t.type(
    world.until(() => areDirect(a, b), 10_000),
    'number',
  )
  t.type(
    world.until(() => b.kindTo(a) === 'no path', 2 * IDLE_LIMIT_MS),
    'number',
    'to the other it is one on demand',
  )
  t.type(
    world.until(() => areDirect(a, b), 10_000),
    'number',
    'and is made anew',
  )
})

t.test('a neighbour for a moment only leaves no path that is not there yet', async t => {
  for (const seed of SEEDS) {
    const { world, a, b } = large(seed)
    const later = a.id < b.id ? b : a
    const other = later === a ? b : a
    later.neighbours.add(other.id)
    later.update()
    world.run(50)
    later.neighbours.delete(other.id)
    later.update()
    world.run(60_000)
    t.same([a.handshakes, b.handshakes], [[], []])
    t.ok(isForgotten(a, b))
  }
})

t.test('a handshake that makes no sense leaves no path', async t => {
  const { a, b } = large(11)
  a.input(now => a.paths.handleHandshake(b.id, new Uint8Array(100).fill(1), now))
  t.equal(a.kindTo(b), 'no path')
  t.equal(a.drops.length, 1)
  t.equal(a.paths.pollTimeout(), undefined)
})

for (const { name, isBusy, intervalMs, limitMs, most } of [
  {
    name: 'in use each side proves its own',
    isBusy: true,
    intervalMs: PROBE_BUSY_MS,
    limitMs: DETECTION_LIMIT_MS,
    most: 1.05,
  },
  {
    name: 'at rest one side proves for both',
    isBusy: false,
    intervalMs: PROBE_IDLE_MS,
    limitMs: IDLE_DETECTION_LIMIT_MS,
    most: 0.75,
  },
]) {
  t.test(`of a path ${name}, and its failure is found out`, async t => {
    const minutes = isBusy ? 2 : 20
    for (const seed of SEEDS) {
      const world = new PathWorld(seed, 2)
      const [a, b] = world.peers as [PathPeer, PathPeer]
      for (const peer of world.peers) peer.update()
      const passed = (ms: number) => {
        for (let left = ms; left > 0; left -= 1_000) {
          if (isBusy) for (const peer of world.peers) peer.sendFrame()
          world.run(Math.min(left, 1_000))
        }
      }
      passed(20_000)
      const before = a.probes + b.probes
      passed(minutes * 60_000)
      // Two sides, each once per interval, would send this many.
      const each = (2 * minutes * 60_000) / intervalMs
      const sent = a.probes + b.probes - before
      t.ok(sent <= most * each && sent >= (most - 0.4) * each, `${sent} probes where there were ${each}`)
      for (const [way, carries] of [
        ['both ways', () => false],
        ['from one to the other', (from: PathPeer) => from === b],
        ['and back', (from: PathPeer) => from === a],
      ] as const) {
        world.carries = carries
        const found = { a: 0, b: 0 }
        // Whoever is still heard is believed to be busy, until it gives up itself.
        const patienceMs = SUSPECT_ALONE_MS
        const begun = world.clock.now
        for (let ms = 0; ms < 120_000 && (found.a === 0 || found.b === 0); ms += 10) {
          if (isBusy && ms % 1_000 === 0) for (const peer of world.peers) peer.sendFrame()
          world.run(10)
          if (found.a === 0 && a.kindTo(b) !== 'direct') found.a = world.clock.now - begun
          if (found.b === 0 && b.kindTo(a) !== 'direct') found.b = world.clock.now - begun
        }
        for (const ms of [found.a, found.b])
          t.ok(ms > 0 && ms <= limitMs + (way === 'both ways' ? 0 : patienceMs), `${way}: ${ms} ms`)
        world.carries = () => true
        t.type(
          world.until(() => areDirect(a, b), 60_000),
          'number',
          'and is there again',
        )
        passed(30_000)
      }
    }
  })
}

t.test('keys are renewed over the path itself when no link leads to the peer any more, used or not', t => {
  for (const seed of SEEDS) {
    const { world, a, b } = large(seed)
    a.input(now => a.paths.want(b.id, now))
    t.type(
      world.until(() => a.kindTo(b) === 'direct' && b.kindTo(a) === 'direct', 2_000),
      'number',
    )
    for (const peer of [a, b]) {
      peer.reachable = new Set()
      peer.update()
    }
    world.hasLinks = false
    const handshakes = a.handshakes.length + b.handshakes.length
    world.run(5 * SESSION_DIES_MS)
    t.ok(a.handshakes.length + b.handshakes.length >= handshakes + 5, 'there were new keys')
    t.equal(a.kindTo(b), 'direct', `seed ${seed}`)
    t.equal(b.kindTo(a), 'direct', `seed ${seed}`)
  }
  t.end()
})

t.test('a link that only seems to lead to the peer costs no session', t => {
  const { world, a, b } = large(1)
  a.input(now => a.paths.want(b.id, now))
  world.until(() => a.kindTo(b) === 'direct' && b.kindTo(a) === 'direct', 2_000)
  world.losesHandshakes = true
  for (let passedMs = 0; passedMs < 3 * SESSION_DIES_MS; passedMs += 10_000) {
    a.sendFrame()
    world.run(10_000)
    t.equal(a.kindTo(b), 'direct', `after ${passedMs} ms`)
  }
  t.end()
})
