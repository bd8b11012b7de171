import t from 'tap'
import { parseEndpoint, peerIdFromBytes, type Endpoint, type PeerId } from '../../../lib/address/mod.ts'
import {
  CANDIDATES_MAX,
  REBUILD_CALM_LAST_MS,
  REBUILD_REST_FACTOR,
  REPORTED_LINKS_MAX,
  WORK_PER_SLICE,
} from '../../../lib/node/constants.ts'
import {
  EDGES_MAX,
  PUBLISHED_LINKS_MAX,
  WORK_PER_MS,
  encodeLinks,
  encodePeerInfo,
  type LinkClaim,
} from '../../../lib/topology/mod.ts'
import { RECORD_KIND, type LedgerRecord } from '../../../lib/wire/mod.ts'
import { claim } from '../../support/graphs.ts'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const FAKES = 400

function pair(): readonly [SimMesh, SimHost, SimHost] {
  const mesh = new SimMesh({ seed: 5, peers: 2, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(10_000)
  return [mesh, mesh.host(0), mesh.host(1)]
}

const fake = (number: number): PeerId =>
  peerIdFromBytes(Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? number >> 8 : at === 1 ? number : 0x5a)))

/** A record as it comes out of the ledger, which has checked it. */
function record(owner: PeerId, kind: number, value: Uint8Array): LedgerRecord {
  return { owner, kind, key: new Uint8Array(0), seq: 1, isTombstone: false, value, signature: new Uint8Array(64) }
}

const linksOf = (owner: PeerId, links: readonly LinkClaim[]) => record(owner, RECORD_KIND.links, encodeLinks(links))

function infoOf(owner: PeerId, endpoints: readonly string[]): LedgerRecord {
  const value = encodePeerInfo({
    nickname: 'fake',
    incarnation: '0011223344556677',
    softwareVersion: '',
    protocolVersion: 1,
    udpPort: 6783,
    capabilities: 0,
    endpoints: endpoints.map(text => parseEndpoint(text)!),
  })
  return record(owner, RECORD_KIND.peer, value)
}

/** What a fake claims: 254 of the others, who claim it too, and the member that made it up. */
function fakeLinks(number: number, member: PeerId, rtt = 0): LinkClaim[] {
  const links: LinkClaim[] = []
  for (let step = 1; step <= 127; step++)
    for (const other of [number + step, number - step + FAKES]) links.push(claim(fake(other % FAKES), rtt))
  return number < PUBLISHED_LINKS_MAX - 2 ? [...links, claim(member)] : links
}

t.test('a member’s made-up links cost a bounded slice at a time, and a bounded share of the time', async t => {
  const [, honest, member] = pair()
  const { view } = honest.node
  const memberId = member.identity.peerId
  let now = 20_000
  let rowsMost = 0
  let workMost = 0
  const effect = <T>(call: () => T): T => {
    const before = view.effort
    const result = call()
    rowsMost = Math.max(rowsMost, view.effort.rows - before.rows - (view.effort.work - before.work))
    workMost = Math.max(workMost, view.effort.work - before.work)
    return result
  }
  const give = (owner: PeerId, links: readonly LinkClaim[]) =>
    effect(() => view.handleRecord(owner, RECORD_KIND.links, linksOf(owner, links), now))
  const made = Array.from({ length: PUBLISHED_LINKS_MAX - 2 }, (_, i) => claim(fake(i)))
  give(memberId, [claim(honest.identity.peerId), ...made])
  for (let number = 0; number < FAKES; number++) give(fake(number), fakeLinks(number, memberId))
  t.ok(rowsMost <= 2 * PUBLISHED_LINKS_MAX, `${rowsMost} rows for a record`)
  const secondsOf: number[] = []
  let built = 0
  for (let second = 0; second < 30; second++) {
    const before = view.effort.slices
    for (let change = 0; change < 20; change++) {
      // Another round-trip time, so that it counts.
      give(fake(change), fakeLinks(change, memberId, second % 2))
      for (const until = now + 50; now < until; now++)
        if ((view.pollTimeout()?.at ?? Infinity) <= now && effect(() => view.handleTimeout(now))) built++
    }
    secondsOf.push(view.effort.slices - before)
  }
  t.ok(view.graph.layers.control.ends.length > EDGES_MAX / 2, 'the made-up links are edges')
  t.ok(workMost <= Math.max(EDGES_MAX, WORK_PER_SLICE) + PUBLISHED_LINKS_MAX + FAKES * 4, `${workMost} at a time`)
  // A job of so many slices, then a rest of ten times as long.
  const slicesMax = (1_000 * WORK_PER_MS) / WORK_PER_SLICE / REBUILD_REST_FACTOR
  for (const slices of secondsOf.slice(1)) t.ok(slices <= 2 * slicesMax, `${slices} slices in a second`)
  t.ok(built >= (0.8 * 30_000) / REBUILD_CALM_LAST_MS, `the view goes on: ${built} times anew`)
  t.ok(view.reachable.has(memberId))
})

t.test('the set of reachable peers is the same object while it is the same', async t => {
  const [mesh, one, other] = pair()
  const { view } = one.node
  t.same([...view.reachable].sort(), [one.identity.peerId, other.identity.peerId].sort())
  const { reachable, version } = view
  view.markDirty(mesh.clock.now)
  view.handleTimeout(mesh.clock.now + 1_000)
  t.equal(view.version, version + 1)
  t.equal(view.reachable, reachable)
})

t.test('a record may name any address: only what can be another host is dialled or probed', async t => {
  const [mesh, honest, member] = pair()
  const memberId = member.identity.peerId
  const victim = fake(1)
  const bad = [
    '127.0.0.1:6783',
    '169.254.169.254:80',
    '224.0.0.1:6783',
    '255.255.255.255:6783',
    '10.32.0.9:6783',
    '[::1]:6783',
    '[::ffff:127.0.0.1]:6783',
    '[fe80::1]:6783',
  ]
  const seen = parseEndpoint('169.254.1.1:6783')!
  const dialled: Endpoint[] = []
  honest.input((node, now) => {
    node.view.handleRecord(victim, RECORD_KIND.peer, infoOf(victim, [...bad, '203.0.113.9:6783']), now)
    node.view.handleRecord(victim, RECORD_KIND.links, linksOf(victim, [claim(memberId)]), now)
    const claims = [claim(honest.identity.peerId), { ...claim(victim), endpoint: seen }]
    node.view.handleRecord(memberId, RECORD_KIND.links, linksOf(memberId, claims), now)
    t.same(node.view.endpointsOf(victim), ['203.0.113.9:6783'])
  })
  const before = mesh.events.tail(100_000).length
  mesh.run(60_000)
  for (const line of mesh.events.tail(100_000).slice(before)) {
    const endpoint = / host0 dial \d+ (\S+)$/.exec(line)?.[1]
    if (endpoint !== undefined) dialled.push(endpoint as Endpoint)
  }
  t.ok(dialled.includes('203.0.113.9:6783' as Endpoint), 'the one good address is')
  for (const endpoint of dialled) t.notOk([...bad, seen].includes(endpoint), endpoint)
  const known = honest.node.dialler.contacts.find(contact => contact.peerId === victim)
  t.equal(known?.endpoint, '203.0.113.9:6783')
})

t.test('however many see a peer somewhere else, few of those addresses are tried', async t => {
  const [, honest] = pair()
  const { view } = honest.node
  const victim = fake(1)
  const others = Array.from({ length: 60 }, (_, i) => fake(i + 2))
  view.handleRecord(victim, RECORD_KIND.peer, infoOf(victim, []), 0)
  view.handleRecord(
    victim,
    RECORD_KIND.links,
    linksOf(
      victim,
      others.map(other => claim(other)),
    ),
    0,
  )
  for (const [i, other] of others.entries()) {
    const endpoint = parseEndpoint(`203.0.113.${i + 1}:${i + 1}`)!
    view.handleRecord(other, RECORD_KIND.links, linksOf(other, [{ ...claim(victim), endpoint }]), 0)
  }
  const endpoints = view.endpointsOf(victim)
  t.equal(endpoints.length, CANDIDATES_MAX)
  for (const endpoint of endpoints) t.match(endpoint, /:6783$/)
})

t.test('what a peer claims can be shown, with the address that the neighbour advertises', async t => {
  const [, one, other] = pair()
  const shown = one.node.view.peer(other.identity.peerId)?.links ?? []
  t.equal(shown.length, 1)
  t.match(shown[0], { neighbour: one.identity.peerId, isDataUp: true, endpoint: one.node.config.advertised[0] })
})

t.test('a report tells of the links of the nearest peers, up to a number of them in all', async t => {
  const [, one, other] = pair()
  const { node } = one
  const peers = Array.from({ length: 40 }, (_, number) => fake(number))
  for (const owner of peers) {
    const links = Array.from({ length: 200 }, (_, at) => claim(fake(at)))
    node.view.handleRecord(owner, RECORD_KIND.links, linksOf(owner, links), 0)
  }
  const reported = node.report(0).peers
  t.equal(reported.length, 41)
  t.equal(reported[0]?.peerId, other.identity.peerId, 'the neighbour is the nearest')
  t.equal(reported[0]?.links.length, 1)
  const abridged = reported.filter(peer => peer.isAbridged)
  t.equal(abridged.length, 40 - Math.floor((REPORTED_LINKS_MAX - 1) / 200))
  t.ok(abridged.every(peer => peer.links.length === 0))
})
