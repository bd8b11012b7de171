import t from 'tap'
import { utf8 } from '../../../lib/base/mod.ts'
import {
  ANSWER_BURST_BYTES,
  ANSWER_SLICE_BYTES,
  EAGER_LINKS_MAX,
  FORGERIES_PER_SECOND,
  FORGERY_BURST,
  SYNC_BURST_BYTES,
} from '../../../lib/node/constants.ts'
import { encodeLedger, encodeLedgerDelta, encodeLedgerSync, encodeLedgerTree } from '../../../lib/wire/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { GossipWorld, type GossipPeer } from './gossip-world.ts'

/** A ring with as many random chords as peers: every peer has about four links. */
function meshOf(count: number, seed: number): GossipWorld {
  const world = new GossipWorld()
  const chance = seededChance(seed)
  for (let i = 0; i < count; i++) {
    const peer = world.add(`peer ${i}`)
    if (i > 0) world.link(peer, world.peers[i - 1]!)
  }
  world.link(world.peers[0]!, world.peers[count - 1]!)
  for (let i = 0; i < count; i++) {
    const [a, b] = [world.peers[i]!, world.peers[Math.floor(chance() * count)]!]
    if (a !== b && !a.links.has(b)) world.link(a, b)
  }
  world.run(30_000)
  return world
}

t.test('a record reaches everybody with about one payload message for each, whoever writes it', t => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const world = meshOf(24, seed)
    t.ok(world.agree)
    for (let round = 0; round < 12; round++)
      for (const peer of world.peers) {
        peer.put('k', `warm ${peer.name} ${round}`, world.now)
        world.run(500)
      }
    for (const writer of [0, 7, 19]) {
      world.take('ledger-delta')
      world.peers[writer]!.put('k', `${seed} ${writer}`, world.now)
      world.run(1_000)
      const { messages } = world.take('ledger-delta')
      for (const peer of world.peers) t.equal(peer.get(world.peers[writer]!, 'k'), `${seed} ${writer}`)
      t.ok(messages >= 23 && messages <= 32, `${messages} messages for 23 others`)
      world.run(5_000)
    }
  }
  t.end()
})

t.test('records of one moment travel in one message', t => {
  const world = meshOf(2, 1)
  world.take('ledger-delta')
  const [a, b] = world.peers as [GossipPeer, GossipPeer]
  for (let i = 0; i < 50; i++) a.ledger.put(9, utf8(`key ${i}`), utf8('value'))
  a.gossip.flush(world.now)
  world.run(100)
  t.equal(b.get(a, 'key 49'), 'value')
  t.equal(world.take('ledger-delta').messages, 1)
  t.end()
})

t.test('a tree that lost an edge, or fell apart unseen, is mended', t => {
  const world = meshOf(16, 5)
  const [a, b] = [world.peers[3]!, world.peers[4]!]
  world.unlink(a, b)
  world.run(5_000)
  a.put('k', 'after a loss', world.now)
  world.run(5_000)
  for (const peer of world.peers) t.equal(peer.get(a, 'k'), 'after a loss')
  // Everybody believes that nobody wants to be pushed anything.
  for (const peer of world.peers)
    for (const other of peer.links)
      peer.gossip.handleMessage(other.peerId, { type: 'ledger-tree', mode: 'prune' }, world.now)
  a.put('k', 'without a tree', world.now)
  world.run(15_000)
  for (const peer of world.peers) t.equal(peer.get(a, 'k'), 'without a tree')
  world.take('ledger-delta')
  a.put('k', 'on a new tree', world.now)
  world.run(1_000)
  t.ok(world.take('ledger-delta').messages < 26, 'and the tree is there again')
  for (const peer of world.peers) t.equal(peer.get(a, 'k'), 'on a new tree')
  t.end()
})

t.test('nothing is pushed to a neighbour that is behind; it is told all once it has caught up', t => {
  const world = meshOf(2, 1)
  const [a, b] = world.peers as [GossipPeer, GossipPeer]
  a.gossip.handleBacklog(b.peerId, true, world.now)
  world.take('ledger-delta')
  for (let i = 0; i < 3_000; i++) {
    a.ledger.put(9, utf8(`key ${i % 1_500}`), utf8(`value ${i}`))
    a.gossip.flush(world.now)
  }
  world.run(20_000)
  t.equal(world.take('ledger-delta').messages, 0)
  a.gossip.handleBacklog(b.peerId, false, world.now)
  world.run(60_000)
  t.equal(b.get(a, 'key 1499'), 'value 2999')
  t.ok(world.agree)
  t.end()
})

t.test(
  'a neighbour that is behind gets no answer to its comparison; what differs is found once it has caught up',
  t => {
    const world = meshOf(2, 1)
    const [a, b] = world.peers as [GossipPeer, GossipPeer]
    a.gossip.handleBacklog(b.peerId, true, world.now)
    a.put('k', 'v', world.now)
    world.take('ledger-sync')
    world.deliver(b, a, encodeLedger('ledger-sync', encodeLedgerSync(b.ledger.rootSync())))
    t.equal(world.take('ledger-sync').messages, 0)
    a.gossip.handleBacklog(b.peerId, false, world.now)
    t.equal(world.take('ledger-sync').messages, 1)
    world.run(1_000)
    t.equal(b.get(a, 'k'), 'v')
    t.ok(world.agree)
    t.end()
  },
)

t.test('64 KiB of questions from one member are answered in slices and within a rate', t => {
  const world = new GossipWorld()
  const [honest, member] = [world.add('honest'), world.add('member')]
  for (let i = 0; i < 2_000; i++) honest.ledger.put(9, utf8(`key ${i}`), new Uint8Array(400).fill(i))
  world.link(honest, member)
  honest.ledger.takeOwnWrites()
  const want = encodeLedgerSync({
    sums: [],
    lists: [],
    wants: [{ owner: honest.peerId, above: 0, upTo: Number.MAX_SAFE_INTEGER, tagAt: 0, held: [] }],
  })
  const asked = Math.ceil(65_536 / want.length)
  world.sent.clear()
  for (let i = 0; i < asked; i++) world.deliver(member, honest, encodeLedger('ledger-sync', want))
  t.ok(world.take('ledger-delta').bytes < 2 * ANSWER_SLICE_BYTES, 'at once no more than a slice')
  world.run(1_000)
  t.ok(world.take('ledger-delta').bytes <= ANSWER_BURST_BYTES * 1.5, 'and no more than the burst soon after')
  const more = Math.ceil((2 * SYNC_BURST_BYTES) / want.length)
  for (let i = 0; i < more; i++) world.deliver(member, honest, encodeLedger('ledger-sync', want))
  t.ok((honest.drops.get('sync-rate') ?? 0) > 0, 'more questions are not even read')
  t.end()
})

t.test('a delta with only the last of many records hides nothing for longer than a comparison', t => {
  const world = new GossipWorld()
  const [owner, liar, victim, other] = ['owner', 'liar', 'victim', 'other'].map(name => world.add(name)) as [
    GossipPeer,
    GossipPeer,
    GossipPeer,
    GossipPeer,
  ]
  world.link(liar, victim)
  world.link(victim, other)
  world.link(owner, other)
  world.run(3_000)
  world.unlink(owner, other)
  for (let i = 0; i < 66; i++) owner.ledger.put(9, utf8(`key ${i}`), utf8('true'))
  const records = owner.ledger.takeOwnWrites()
  const { signingPublic } = owner.ledger.recordsFor({
    owner: owner.peerId,
    above: 0,
    upTo: Number.MAX_SAFE_INTEGER,
    tagAt: 0,
    held: [],
  })!
  const last = { owner: owner.peerId, signingPublic, records: records.slice(-1) }
  world.deliver(liar, victim, encodeLedger('ledger-delta', encodeLedgerDelta({ isPushed: true, parts: [last] })))
  world.run(2_000)
  t.equal(other.get(owner, 'key 65'), 'true', 'passed on: it is genuine')
  world.link(owner, other)
  world.run(8_000)
  t.equal(victim.get(owner, 'key 0'), 'true')
  t.equal(victim.get(owner, 'key 64'), 'true')
  t.ok(world.agree)
  t.end()
})

t.test('who says that it has what it does not send is soon asked for nothing, and news comes from others', t => {
  const world = new GossipWorld()
  const [a, b, liar] = ['a', 'b', 'liar'].map(name => world.add(name)) as [GossipPeer, GossipPeer, GossipPeer]
  world.link(a, b)
  world.link(a, liar)
  world.run(5_000)
  // The tree does not reach from b to a, and the liar answers nothing.
  const late: number[] = []
  for (let round = 0; round < 20; round++) {
    for (const [peer, other] of [
      [a, b],
      [b, a],
    ] as const)
      peer.gossip.handleMessage(other.peerId, { type: 'ledger-tree', mode: 'prune' }, world.now)
    b.put('k', `${round}`, world.now)
    const begun = world.now
    while (a.get(b, 'k') !== `${round}` && world.now - begun < 60_000) {
      const owners = [{ owner: b.peerId, sum: new Uint8Array(16).fill(world.now % 251), lastSeq: 2 ** 52 }]
      const body = encodeLedgerSync({
        sums: [],
        lists: [{ prefix: '', isPartial: true, isAnswer: true, owners }],
        wants: [],
      })
      world.deliver(liar, a, encodeLedger('ledger-sync', body))
      world.run(40)
    }
    late.push(world.now - begun)
  }
  t.ok(
    late.every(ms => ms < 12_000),
    late.join(),
  )
  t.end()
})

/** How many edges of the tree a peer has. */
const eagerOf = (peer: GossipPeer) => peer.gossip.report().eager.length

t.test('a peer that all came to first hands edges of the tree over to others', t => {
  const world = new GossipWorld()
  const hub = world.add('hub')
  const leaves = Array.from({ length: 30 }, (_, i) => world.add(`leaf ${i}`))
  for (const leaf of leaves) world.link(hub, leaf)
  for (const [i, leaf] of leaves.entries())
    for (const step of [1, 5, 11]) world.link(leaf, leaves[(i + step) % leaves.length]!)
  for (let round = 0; round < 6; round++)
    for (const peer of world.peers) {
      peer.put('k', `warm ${round}`, world.now)
      world.run(1_000)
    }
  t.ok(eagerOf(hub) <= EAGER_LINKS_MAX, `${eagerOf(hub)} edges at the hub`)
  for (const leaf of leaves) t.ok(eagerOf(leaf) <= EAGER_LINKS_MAX, leaf.name)
  world.take('ledger-delta')
  world.take('ledger-tree')
  world.run(600_000)
  const { messages } = world.take('ledger-tree')
  t.ok(messages < 60, `${messages} words about the tree in ten quiet minutes`)
  for (const writer of [hub, leaves[3]!, leaves[17]!]) {
    world.take('ledger-delta')
    writer.put('k', `by ${writer.name}`, world.now)
    world.run(1_000)
    for (const peer of world.peers) t.equal(peer.get(writer, 'k'), `by ${writer.name}`, peer.name)
    const { messages } = world.take('ledger-delta')
    t.ok(messages >= 30 && messages <= 38, `${messages} messages for 30 others`)
    world.run(10_000)
  }
  t.end()
})

t.test(
  'who has others behind it leaves a crowded peer for one on the same side of the tree, and cuts nobody off',
  t => {
    const world = new GossipWorld()
    const hub = world.add('hub')
    // Each spoke has a peer behind it that nobody else is linked to, and a link to the next spoke.
    const spokes = Array.from({ length: 12 }, (_, i) => world.add(`spoke ${i}`))
    const behind = spokes.map((spoke, i) => {
      const peer = world.add(`behind ${i}`)
      world.link(hub, spoke)
      world.link(spoke, peer)
      return peer
    })
    world.run(1_000)
    for (const [i, spoke] of spokes.entries()) world.link(spoke, spokes[(i + 1) % spokes.length]!)
    t.equal(eagerOf(hub), 12)
    // Nobody knows yet on which side of the tree the others are.
    world.run(60_000)
    t.equal(eagerOf(hub), 12)
    for (const spoke of spokes) spoke.put('k', 'warm', world.now)
    world.run(180_000)
    t.ok(eagerOf(hub) <= EAGER_LINKS_MAX, `${eagerOf(hub)} edges at the hub`)
    for (const writer of [hub, spokes[0]!, behind[5]!]) {
      writer.put('k', 'v', world.now)
      world.run(200)
      for (const peer of world.peers) t.equal(peer.get(writer, 'k'), 'v', peer.name)
    }
    t.end()
  },
)

t.test('a peer that others have no neighbour but keeps them, and asks seldom', t => {
  const world = new GossipWorld()
  const hub = world.add('hub')
  for (let i = 0; i < 20; i++) world.link(hub, world.add(`leaf ${i}`))
  world.run(120_000)
  t.equal(eagerOf(hub), 20)
  world.take('ledger-tree')
  world.run(600_000)
  t.ok(world.take('ledger-tree').messages <= 10)
  hub.put('k', 'v', world.now)
  world.run(100)
  for (const peer of world.peers) t.equal(peer.get(hub, 'k'), 'v')
  t.end()
})

t.test('the last edge of the tree stays, whatever a neighbour says', t => {
  const world = meshOf(2, 1)
  const [a, b] = world.peers as [GossipPeer, GossipPeer]
  world.deliver(b, a, encodeLedgerTree('prune'))
  a.put('k', 'v', world.now)
  world.run(100)
  t.equal(b.get(a, 'k'), 'v')
  t.end()
})

/** Records of a third peer, whose signatures are false. */
function forged(world: GossipWorld, at: number, count: number): Uint8Array {
  const { peerId: owner, signingPublic } = fakeIdentity(`framed ${at}`)
  const parts = Array.from({ length: count }, (_, number) => ({
    owner,
    signingPublic,
    records: [
      {
        owner,
        kind: 9,
        key: utf8(`${world.now} ${number}`),
        seq: number + 1,
        isTombstone: false,
        value: new Uint8Array(0),
        signature: new Uint8Array(64).fill(number),
      },
    ],
  }))
  return encodeLedger('ledger-delta', encodeLedgerDelta({ isPushed: true, parts }))
}

t.test('a neighbour that sends false signatures is told of once, and costs a bounded number of verifications', t => {
  const world = meshOf(3, 1)
  const [a, b, c] = world.peers as [GossipPeer, GossipPeer, GossipPeer]
  for (let message = 0; message < 50; message++) world.deliver(b, a, forged(world, message, 10))
  t.same(a.forgers, [b.peerId])
  t.equal(a.ledger.drops.get('bad-signature'), FORGERY_BURST + 1)
  b.put('k', 'not heard any more', world.now)
  world.deliver(b, a, encodeLedger('ledger-sync', encodeLedgerSync(b.ledger.rootSync())))
  c.put('k', 'heard', world.now)
  world.run(1_000)
  t.equal(a.get(c, 'k'), 'heard')
  t.same(a.forgers, [b.peerId])
  t.end()
})

t.test('a few false signatures now and then end nothing, nor are those burdened in whose name they are', t => {
  const world = meshOf(2, 1)
  const [a, b] = world.peers as [GossipPeer, GossipPeer]
  for (let message = 0; message < 60; message++) {
    world.deliver(b, a, forged(world, message, 5 * FORGERIES_PER_SECOND))
    world.run(5_000)
  }
  t.same(a.forgers, [])
  b.put('k', 'heard', world.now)
  world.run(1_000)
  t.equal(a.get(b, 'k'), 'heard')
  t.end()
})
