import t from 'tap'
import { parseEndpoint, peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import { HEALING_MAX } from '../../../lib/node/constants.ts'
import {
  ACCEPTED_FACTOR,
  PASSED_OVER_MAX,
  RETIRE_AFTER_MS,
  encodeLinks,
  encodePeerInfo,
  hasOtherWay,
  wantedCount,
  type LinkClaim,
} from '../../../lib/topology/mod.ts'
import { RECORD_KIND, type LedgerRecord } from '../../../lib/wire/mod.ts'
import { claim } from '../../support/graphs.ts'
import type { SimHost } from '../../support/sim-host.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const fake = (number: number): PeerId =>
  peerIdFromBytes(Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? number : at === 1 ? number >> 8 : 0x33)))

function give(host: SimHost, owner: PeerId, kind: number, value: Uint8Array): void {
  const key = new Uint8Array(0)
  const record: LedgerRecord = { owner, kind, key, seq: 1, isTombstone: false, value, signature: new Uint8Array(64) }
  host.input((node, now) => node.view.handleRecord(owner, kind, record, now))
}

/** Peers that exist in records only, at addresses where nobody answers. */
function invent(host: SimHost, numbers: readonly number[]): void {
  for (const number of numbers) {
    const value = encodePeerInfo({
      nickname: `fake${number}`,
      incarnation: '0011223344556677',
      softwareVersion: '',
      protocolVersion: 1,
      udpPort: 6783,
      capabilities: 0,
      endpoints: [parseEndpoint(`203.0.${number >> 8}.${number & 255}:6783`)!],
    })
    give(host, fake(number), RECORD_KIND.peer, value)
  }
}

function claims(host: SimHost, owner: PeerId, links: readonly LinkClaim[]): void {
  give(host, owner, RECORD_KIND.links, encodeLinks(links))
}

t.setTimeout(0)

const range = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const discovered = (host: SimHost) => host.node.dialler.contacts.filter(({ origin }) => origin === 'discovered')

function pair(): readonly [SimMesh, SimHost, SimHost] {
  // The others are never launched; they are counted where the mesh watches its limits.
  const mesh = new SimMesh({ seed: 8, peers: 10, sealing: 'none' })
  mesh.host(0).launch()
  mesh.host(1).launch([0])
  mesh.run(5_000)
  return [mesh, mesh.host(0), mesh.host(1)]
}

t.test('in a large mesh few are dialled, and few more when nobody answers', t => {
  const [mesh, host, member] = pair()
  const numbers = range(99)
  invent(host, numbers)
  for (const number of numbers) claims(host, fake(number), [claim(member.identity.peerId)])
  claims(host, member.identity.peerId, [claim(host.identity.peerId), ...numbers.map(number => claim(fake(number)))])
  mesh.run(200)
  t.equal(host.node.view.reachable.size, 101)
  const first = discovered(host).map(({ peerId }) => peerId)
  t.ok(first.length <= wantedCount(101), `${first.length} at first`)
  t.ok(first.length >= wantedCount(101) - 2)
  const seen = new Set(first)
  for (let look = 0; look < 60; look++) {
    mesh.run(5_000)
    const now = discovered(host)
    for (const { peerId } of now) seen.add(peerId)
    if (now.length > wantedCount(101) + PASSED_OVER_MAX) t.fail(`${now.length} contacts`)
  }
  t.ok(seen.size > 90, `${seen.size} had their turn`)
  t.equal(host.node.neighbours.count, 1, 'the link that there is stays')
  t.end()
})

t.test('of the many that nobody reaches two are dialled at a time', t => {
  const [mesh, host, member] = pair()
  invent(host, range(300))
  mesh.run(200)
  const seen = new Set<PeerId | undefined>()
  for (let second = 0; second < 300; second++) {
    const lost = discovered(host).filter(({ peerId }) => peerId !== member.identity.peerId)
    if (lost.length > HEALING_MAX) t.fail(`${lost.length} at a time`)
    for (const { peerId } of lost) seen.add(peerId)
    mesh.run(1_000)
  }
  t.ok(seen.size >= 6 && seen.size <= 60, `${seen.size} had their turn in five minutes`)
  t.end()
})

t.test('a peer that all were launched towards keeps some of the links, and is dialled by all when it is lost', t => {
  const count = 40
  const mesh = new SimMesh({ seed: 5, peers: count, sealing: 'none' })
  mesh.launchAll(500)
  t.ok(mesh.until(() => mesh.agrees(), 60_000, 500) !== undefined)
  mesh.run(RETIRE_AFTER_MS * 2)
  const [hub, ...others] = mesh.hosts as [SimHost, ...SimHost[]]
  const counts = mesh.hosts.map(host => host.node.neighbours.count)
  t.ok(Math.max(...counts) <= ACCEPTED_FACTOR * wantedCount(count), `links: ${counts.join()}`)
  const isLinked = (host: SimHost) => host.node.neighbours.neighbour(hub.identity.peerId) !== undefined
  const contactOf = (host: SimHost) => host.node.dialler.contacts.find(({ origin }) => origin === 'configured')!
  const resting = others.filter(host => !isLinked(host))
  t.ok(resting.length > count / 4, `${resting.length} rest`)
  for (const host of resting) t.match(contactOf(host), { isReached: true, lastError: undefined })
  hub.crash(false)
  mesh.run(10_000)
  for (const host of others) t.match(contactOf(host), { isReached: false }, `${host.name} dials it again`)
  hub.launch()
  const begun = mesh.clock.now
  t.ok(mesh.until(() => mesh.agrees(), 30_000, 100) !== undefined)
  t.ok(mesh.clock.now - begun < 30_000)
  t.end()
})

t.test('where links are limited a newcomer gets in, somebody else’s goes, and nobody is cut off', t => {
  const count = 16
  const limit = 3
  const mesh = new SimMesh({ seed: 9, peers: count + 1, sealing: 'none', config: { linksMax: limit } })
  const [hub, ...others] = mesh.hosts.slice(0, count) as [SimHost, ...SimHost[]]
  hub.launch()
  for (const host of others) mesh.clock.after(host.number * 200, () => host.launch([0]))
  mesh.run(count * 200)
  const up = () => mesh.hosts.filter(host => host.isUp).length
  const isOne = () => mesh.hosts.filter(host => host.isUp).every(host => host.node.view.reachable.size === up())
  t.ok(mesh.until(isOne, 60_000, 500) !== undefined, 'all are in one mesh')
  mesh.run(60_000)
  t.ok(isOne())
  const isWithin = (host: SimHost) => {
    const { neighbours, view } = host.node
    const canGo = ({ peerId }: { peerId: PeerId }) => hasOtherWay(view.graph, host.identity.peerId, peerId)
    return neighbours.count <= limit || !neighbours.neighbours.some(canGo)
  }
  const linksOf = () => mesh.hosts.filter(host => host.isUp).map(host => host.node.neighbours.count)
  const holds = () => {
    for (const host of mesh.hosts) if (host.isUp) t.ok(isWithin(host), `${host.name} has ${host.node.neighbours.count}`)
    t.ok(linksOf().filter(links => links > limit).length <= 2, linksOf().join())
  }
  holds()
  const newcomer = mesh.host(count)
  newcomer.launch([0])
  t.ok(mesh.until(isOne, 10_000, 100) !== undefined, 'one more comes in by the peer that is full')
  mesh.run(60_000)
  t.ok(isOne(), 'and nobody is cut off for it')
  holds()
  t.end()
})
