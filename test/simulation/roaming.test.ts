import t, { type Test } from 'tap'
import type { SimHost } from '../support/sim-host.ts'
import { SimMesh, type SimMeshOptions } from '../support/sim-mesh.ts'

// The machine may be busy with other tests.
t.setTimeout(240_000)

const PING_MS = 10_000
/** Longer than any key lives. */
const KEYS_LATER_MS = 400_000

function settled(t: Test, options: Partial<SimMeshOptions>, launches: readonly (readonly number[])[]): SimMesh {
  const mesh = new SimMesh({ seed: 7, peers: launches.length, sealing: 'none', ...options })
  for (const [number, contacts] of launches.entries())
    mesh.host(number).launch(contacts.length === 0 ? undefined : contacts)
  t.type(
    mesh.until(() => mesh.agrees() && mesh.pathsMissing().length === 0, 30_000),
    'number',
  )
  for (const { number } of mesh.hosts) mesh.attach(number)
  mesh.run(3_000)
  t.same(mesh.unanswered(PING_MS), [])
  return mesh
}

/** One echo request each second, so that each host hears from where the others are. */
function talk(mesh: SimMesh, forMs: number): void {
  for (let passedMs = 0; passedMs < forMs; passedMs += 1_000) mesh.unanswered(0)
}

const kindBetween = (from: SimHost, to: SimHost) => from.node.paths.path(to.identity.peerId)?.state.kind

for (const isDiscovering of [true, false])
  for (const gapMs of [5_000, 60_000])
    void t.test(
      `two hosts that both move, ${gapMs / 1000} s apart, link anew ${isDiscovering ? '' : 'by their contacts '}and go on`,
      t => {
        const mesh = settled(t, { config: { isDiscovering, advertised: [] } }, [[], [0]])
        const [one, other] = mesh.hosts as [SimHost, SimHost]
        mesh.network.move(0)
        talk(mesh, gapMs)
        mesh.network.move(1)
        talk(mesh, 10_000)
        t.equal(kindBetween(one, other), 'direct', 'data has roamed')
        const isLinked = () => one.node.neighbours.count + other.node.neighbours.count === 2 && mesh.agrees()
        mesh.run(30_000)
        t.type(mesh.until(isLinked, 60_000), 'number', 'the link is there again')
        mesh.run(KEYS_LATER_MS)
        t.same(mesh.unanswered(PING_MS), [])
        if (!t.passing()) t.comment(mesh.story())
        t.end()
      },
    )

void t.test('the link of a host that has moved is made anew as soon as data has roamed, from either side', t => {
  for (const mover of [0, 1]) {
    const mesh = settled(t, { config: { advertised: [] } }, [[], [0]])
    const [one, other] = mesh.hosts as [SimHost, SimHost]
    const upAt = (host: SimHost) => host.node.neighbours.neighbours[0]?.upAt ?? 0
    const moved = mesh.clock.now
    mesh.network.move(mover)
    talk(mesh, 12_000)
    t.ok(upAt(one) > moved && upAt(other) > moved, `host ${mover} moved, and both have another link 12 s later`)
    t.same(mesh.unanswered(PING_MS), [])
    if (!t.passing()) t.comment(mesh.story())
  }
  t.end()
})

void t.test('the ends of a chain without discovery talk on for ever when its middle is gone', t => {
  const mesh = settled(t, { config: { isDiscovering: false } }, [[], [0], [1]])
  const [one, middle, other] = mesh.hosts as [SimHost, SimHost, SimHost]
  middle.crash(true)
  mesh.run(KEYS_LATER_MS)
  t.equal(one.node.neighbours.count, 0)
  t.equal(kindBetween(one, other), 'direct')
  t.equal(kindBetween(other, one), 'direct')
  if (!t.passing()) t.comment(mesh.story())
  t.end()
})

/** How a host ends before it is launched again. */
const ENDS: Readonly<Record<string, (host: SimHost) => void>> = {
  'that was killed': host => host.crash(false),
  'that lost its power': host => host.crash(true),
  'that was stopped': host => {
    host.input((node, now) => node.shutdown(now))
    host.crash(false)
  },
}
const BACK_MS = 1_500

for (const [how, end] of Object.entries(ENDS))
  void t.test(`a host ${how} is reached within ${BACK_MS} ms of its next start, quiet or busy`, t => {
    for (const seed of [1, 2])
      for (const peers of [2, 3])
        for (const quietMs of [0, 100_000])
          for (let victim = 0; victim < peers; victim++) {
            const mesh = settled(
              t,
              { seed },
              Array.from({ length: peers }, (_, number) => (number === 0 ? [] : [0])),
            )
            mesh.run(quietMs)
            end(mesh.host(victim))
            mesh.run(3_000)
            mesh.host(victim).launch(undefined, false)
            const tookMs = mesh.until(() => mesh.pathsMissing().length === 0, 20_000, 50) ?? Infinity
            t.ok(
              tookMs <= BACK_MS,
              `seed ${seed}, ${peers} peers, quiet for ${quietMs}: host ${victim} took ${tookMs} ms`,
            )
            t.same(mesh.unanswered(PING_MS), [])
          }
    t.end()
  })
