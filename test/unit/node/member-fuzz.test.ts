/**
 * A member gone bad: what it signs is genuine, what it says is nonsense. It has a link and the mesh secret, and sends
 * everything that a link can carry.
 */
import t from 'tap'
import type { Millis } from '../../../lib/base/mod.ts'
import { SHUN_FIRST_MS } from '../../../lib/node/constants.ts'
import { BadMember } from '../../support/bad-member.ts'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const INPUTS = 10_000
const PER_ROUND = 50

t.setTimeout(0)

function badMember({ identity, node }: SimHost, others: readonly SimHost[]): BadMember {
  return new BadMember({
    identity,
    meshId: node.meshId!,
    others: others.map(other => other.identity.peerId),
    seq: node.ledger.ownSeq + 1_000_000,
    ownSeq: () => node.ledger.ownSeq,
    chance: seededChance(4),
  })
}

t.test('10,000 inputs of a member, genuine and nonsense, cost no honest link, no throw and no peace', t => {
  const mesh = new SimMesh({ seed: 9, peers: 4, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(10_000)
  const [a, b, c, bad] = mesh.hosts as [SimHost, SimHost, SimHost, SimHost]
  const honest = [a, b, c]
  for (const host of honest) mesh.attach(host.number)
  mesh.run(3_000)
  const connections = () =>
    honest.map(host => host.node.neighbours.neighbours.map(({ connection }) => connection).join())
  const before = connections()
  const member = badMember(bad, honest)
  let slowestMs = 0
  for (let sent = 0; sent < INPUTS; sent += PER_ROUND) {
    bad.input((node, now: Millis) => {
      for (let i = 0; i < PER_ROUND; i++) {
        const message = member.message()
        node.neighbours.send(honest[sent % 3]!.identity.peerId, message, now)
      }
    })
    const begun = performance.now()
    mesh.run(200)
    slowestMs = Math.max(slowestMs, performance.now() - begun)
  }
  t.comment(`the slowest 200 ms of four peers took ${slowestMs.toFixed(0)} ms`)
  mesh.run(20_000)
  t.same(connections(), before, 'every link of the honest ones is the one that it was')
  t.same(mesh.unanswered(10_000), [], 'their containers talk')
  const drops = honest.flatMap(host => [...host.node.drops.keys()])
  t.ok(new Set(drops).size > 5, `dropped for ${new Set(drops).size} reasons`)
  const agreed = () => new Set(honest.map(host => host.node.ledger.rootSync().sums[0]?.sum.join())).size === 1
  t.type(mesh.until(agreed, 60_000), 'number', 'and they agree about what it said')
  t.end()
})

t.test('with false signatures among them the member loses its links, and nobody else does', t => {
  const mesh = new SimMesh({ seed: 9, peers: 4, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(10_000)
  const honest = mesh.hosts.slice(0, 3)
  const bad = mesh.host(3)
  const links = () =>
    honest.map(host =>
      host.node.neighbours.neighbours
        .filter(({ peerId }) => peerId !== bad.identity.peerId)
        .map(({ connection }) => connection)
        .join(),
    )
  const before = links()
  const member = badMember(bad, honest)
  const isShunned = (host: SimHost) => (host.node.drops.get('link-forger') ?? 0) > 0
  for (let sent = 0; sent < INPUTS && !honest.every(isShunned); sent += PER_ROUND) {
    bad.input((node, now: Millis) => {
      for (const { identity } of honest)
        for (let i = 0; i < PER_ROUND; i++) node.neighbours.send(identity.peerId, member.message(true), now)
    })
    mesh.run(200)
  }
  t.same(honest.map(isShunned), [true, true, true], 'all shun it')
  const isNeighbour = (host: SimHost) => host.node.neighbours.neighbour(bad.identity.peerId) !== undefined
  for (let second = 0; second < SHUN_FIRST_MS / 1_000 - 20; second++) {
    mesh.run(1_000)
    if (honest.some(isNeighbour)) t.fail(`a link after ${second} s`)
  }
  t.same(links(), before, 'every link between the honest ones is the one that it was')
  const told = bad.node.dialler.contacts.map(({ lastError }) => lastError ?? '')
  t.ok(
    told.some(text => text.includes('false signatures')),
    'it is told why',
  )
  t.type(
    mesh.until(() => honest.every(isNeighbour), 3 * SHUN_FIRST_MS),
    'number',
    'and has another chance afterwards',
  )
  t.end()
})
