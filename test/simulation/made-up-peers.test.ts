/**
 * A member, host 1, makes up as many peers as a ledger holds, all linked to it. A newcomer, host 4, joins at the far end:
 *
 *     made up …─ 1 ─ 0 ─ 2 ─ 3 ─ 4
 */
import t from 'tap'
import { nodeSuite } from '../../lib/io/node-suite.ts'
import { LEDGER_LIMITS } from '../../lib/ledger/mod.ts'
import { LEDGER_MESSAGE_BYTES_MAX, encodeLedger, encodeLedgerDelta, packDeltas } from '../../lib/wire/mod.ts'
import { claim } from '../support/graphs.ts'
import { madeUpIdentities, madeUpMesh } from '../support/made-up-peers.ts'
import type { SimHost } from '../support/sim-host.ts'
import { SimMesh } from '../support/sim-mesh.ts'

const ROUTES = ['0 1', '0 2', '2 3', '3 4']
const MADE_UP = 4_096
const BESIDE_MEMBER = 240
/** So many of them at once, so that the rate of one neighbour takes them all. */
const PER_SECOND = 250
const SEEN_WITHIN_MS = 60_000

t.setTimeout(0)

t.test('4,096 made-up peers, all linked and near, keep no honest newcomer out of anybody’s view', t => {
  const mesh = new SimMesh({ seed: 11, peers: 5, sealing: 'none', isLogged: false })
  mesh.network.hasRoute = (from, to) => ROUTES.includes(`${Math.min(from, to)} ${Math.max(from, to)}`)
  const [victim, member, middle, introducer, newcomer] = mesh.hosts as [SimHost, SimHost, SimHost, SimHost, SimHost]
  victim.launch()
  member.launch([0])
  middle.launch([0])
  introducer.launch([2])
  mesh.run(10_000)
  const honest = [victim, middle, introducer]
  const idOf = (host: SimHost) => host.identity.peerId
  const sees = (host: SimHost, other: SimHost) => host.node.view.reachable.has(idOf(other))
  t.ok(honest.every(host => honest.every(other => sees(host, other))))

  const identities = madeUpIdentities(nodeSuite(), MADE_UP)
  const claims = [claim(idOf(victim)), ...identities.slice(0, BESIDE_MEMBER).map(({ peerId }) => claim(peerId))]
  const parts = madeUpMesh(identities, member.identity, member.node.meshId!, BESIDE_MEMBER)
  for (let at = 0; at < parts.length; at += PER_SECOND) {
    member.input((node, now) => {
      node.view.publishLinks(claims)
      for (const delta of packDeltas(parts.slice(at, at + PER_SECOND), true, LEDGER_MESSAGE_BYTES_MAX))
        node.neighbours.send(idOf(victim), encodeLedger('ledger-delta', encodeLedgerDelta(delta)), now)
    })
    mesh.run(1_000)
  }
  mesh.run(30_000)
  for (const host of honest) t.equal(host.node.ledger.ownerCount, LEDGER_LIMITS.ownersMax, `${host.name} is full`)
  const madeUp = new Set<string>(identities.map(({ peerId }) => peerId))
  const linked = [...victim.node.view.reachable].filter(peer => madeUp.has(peer)).length
  t.ok(linked > MADE_UP - 100, `${linked} made-up peers are in the view`)
  t.ok(
    honest.every(host => honest.every(other => sees(host, other))),
    'beside all who were there',
  )

  newcomer.launch([3])
  const all = [...honest, newcomer]
  const isSeen = () => all.every(host => all.every(other => sees(host, other)))
  t.type(mesh.until(isSeen, SEEN_WITHIN_MS), 'number', 'the newcomer is seen by all, and sees all')
  let lost = 0
  for (let second = 0; second < 30; second++) {
    mesh.run(1_000)
    member.input(node => node.view.publishLinks(claims))
    if (!isSeen()) lost++
  }
  t.equal(lost, 0, 'and stays so')
  t.end()
})
