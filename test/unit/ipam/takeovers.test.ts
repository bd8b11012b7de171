import assert from 'node:assert/strict'
import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { fromHex } from '../../../lib/base/bytes.ts'
import { encodeAcks } from '../../../lib/ipam/acks-record.ts'
import { RENEW_AT } from '../../../lib/ipam/constants.ts'
import { makeTakeover } from '../../../lib/ipam/takeover-record.ts'
import type { PeerRemoval } from '../../../lib/ipam/succession.ts'
import { playSeed, seedsOf } from '../../support/sim-seeds.ts'
import { Mesh, NO_FAULTS, type Host } from './mesh.ts'
import { MESH_ID, SALT, cidr, drain, giver, ipam, peer, suite } from './support.ts'

const RANGE = cidr('10.32.0.0/24')

/** So many hosts; the first one founded. */
function founded(count: number, seed = 1): Mesh {
  const mesh = new Mesh(count, RANGE, seed, { ...NO_FAULTS, isLazy: true })
  mesh.act(mesh.hosts[0]!, machine => machine.found(SALT, 0))
  mesh.pass(1000)
  return mesh
}

function remove(mesh: Mesh, by: Host, victim: Host, isForced = false): PeerRemoval {
  let removal: PeerRemoval | undefined
  mesh.act(by, machine => void (removal = machine.removePeer(victim.id, isForced, mesh.now)))
  assert.ok(removal !== undefined)
  return removal
}

function ownedBy(mesh: Mesh, host: Host): number {
  let count = 0
  for (let block = 0; block < host.machine.space.blockCount; block++) if (host.machine.isOwn(block)) count++
  assert.ok(mesh.hosts.includes(host))
  return count
}

t.test('a peer that can be reached is not removed, nor is this one, nor a stranger', async t => {
  const mesh = founded(3)
  const [a, b] = mesh.hosts as [Host, Host, Host]
  t.same(remove(mesh, a, b), { outcome: 'reachable' })
  t.same(remove(mesh, a, a), { outcome: 'self' })
  mesh.act(a, machine => t.same(machine.removePeer(peer(99), false, mesh.now), { outcome: 'unknown' }))
})

t.test('blocks of a founder that is gone come to who removes it, once a majority agrees', async t => {
  const mesh = founded(3)
  const [a, b, c] = mesh.hosts as [Host, Host, Host]
  mesh.stop(a)
  mesh.expectDisputes()
  const removal = remove(mesh, b, a)
  t.match(removal, { outcome: 'begun', takeovers: [{ isSettled: false, agreed: 1, needed: 2, waitsFor: [c.id] }] })
  t.equal(ownedBy(mesh, b), 0, 'nothing is given before the others agree')
  mesh.pass(4000)
  t.equal(ownedBy(mesh, b), 16)
  t.match(c.machine.report().takeovers, [{ author: b.id, victim: a.id, blocks: 16, isSettled: true }])
  t.same(c.machine.registerOf(3), { term: 1, seq: 0, owner: b.id })
  mesh.ask(c, 'x', machine => machine.allocate({ id: 'x', container: 'c' }, mesh.now))
  mesh.pass(1000)
  t.equal(mesh.ends.done, 1)
  for (const host of [b, c])
    t.match(
      remove(mesh, host, a),
      { takeovers: [{ author: b.id, isSettled: true }] },
      'a second time it is done already',
    )

  mesh.start(a)
  mesh.gossip()
  mesh.pass(2000)
  t.equal(ownedBy(mesh, a), 0, 'who returns accepts what was settled')
  t.same(a.machine.registerOf(15), c.machine.registerOf(15))
})

t.test('of two takeovers at once one is settled', async t => {
  for (let seed = 1; seed <= 20; seed++) {
    const mesh = founded(5, seed)
    const [a, b, c] = mesh.hosts as [Host, Host, Host]
    mesh.stop(a)
    mesh.expectDisputes()
    remove(mesh, b, a)
    remove(mesh, c, a)
    mesh.pass(6000)
    assert.equal(ownedBy(mesh, b) + ownedBy(mesh, c), 16)
    assert.ok(ownedBy(mesh, b) === 0 || ownedBy(mesh, c) === 0)
    for (const host of mesh.hosts.slice(1)) {
      const { takeovers } = host.machine.report()
      assert.deepEqual(
        takeovers.map(one => one.isSettled),
        [true],
      )
    }
  }
  t.pass('for each seed')
})

t.test('a minority waits, and says for whom', async t => {
  const mesh = founded(5)
  const [a, b, c, d, e] = mesh.hosts as [Host, Host, Host, Host, Host]
  mesh.expectDisputes()
  mesh.split(host => (host === b || host === c ? 1 : 0))
  remove(mesh, b, a)
  mesh.pass(30_000)
  t.match(remove(mesh, b, a), {
    outcome: 'begun',
    takeovers: [{ isSettled: false, agreed: 2, needed: 3, waitsFor: [d.id, e.id].sort() }],
  })
  t.equal(ownedBy(mesh, b), 0)
  t.equal(ownedBy(mesh, a), 16)
  mesh.heal()
  mesh.gossip()
  mesh.pass(3000)
  t.same(b.machine.report().takeovers, [], 'the victim is back: it is not taken over')
  t.equal(ownedBy(mesh, a), 16)
})

t.test('what is forced is taken back when somebody who is there was given a block of it', async t => {
  const mesh = founded(5)
  const [a, b, c] = mesh.hosts as [Host, Host, Host, Host, Host]
  mesh.expectDisputes()
  mesh.split(host => (host === b ? 1 : 0))
  mesh.ask(c, 'x', machine => machine.allocate({ id: 'x', container: 'c' }, mesh.now))
  mesh.pass(1000)
  const owned = ownedBy(mesh, c)
  t.ok(owned > 0)
  mesh.stop(a)
  t.match(remove(mesh, b, a, true), { outcome: 'begun', takeovers: [{ isForced: true, blocks: 16 }] })
  mesh.pass(4000)
  t.equal(ownedBy(mesh, b), 16)
  mesh.heal()
  for (let round = 0; round < 20; round++) {
    mesh.gossip()
    mesh.pass(500)
  }
  t.equal(ownedBy(mesh, c), owned)
  for (let block = 0; block < 16; block++) t.same(b.machine.registerOf(block), c.machine.registerOf(block))
  t.match(remove(mesh, b, a), { outcome: 'begun' }, 'and what is left can be taken')
  mesh.pass(6000)
  t.equal(ownedBy(mesh, b), 16 - owned)
  t.equal(ownedBy(mesh, c), owned)
})

t.test('by force a minority gives addresses, and what it gave is borrowed when the owner is back', async t => {
  const mesh = founded(5)
  const [a, b, c] = mesh.hosts as [Host, Host, Host, Host, Host]
  mesh.expectDisputes()
  mesh.split(host => (host === b || host === c ? 1 : 0))
  t.match(remove(mesh, b, a, true), { outcome: 'begun', takeovers: [{ isForced: true, isSettled: false }] })
  mesh.pass(4000)
  t.equal(ownedBy(mesh, b), 16)
  mesh.ask(b, 'x', machine => machine.allocate({ id: 'x', container: 'c' }, mesh.now))
  mesh.pass(100)
  t.equal(mesh.ends.done, 1)
  mesh.heal()
  for (let round = 0; round < 20; round++) {
    mesh.gossip()
    mesh.pass(500)
  }
  for (const host of mesh.hosts) t.same(host.machine.registerOf(0), { term: 0, seq: 0, owner: a.id })
  t.same(b.machine.report().disputed, [], 'the owner lends what is in use')
  t.match(b.machine.report().borrowed, [{ container: 'c', owner: a.id }])
})

t.test('a forced takeover alone is in force for nobody who reaches the victim', async t => {
  const mesh = founded(4)
  const [a, b, c, d] = mesh.hosts as [Host, Host, Host, Host]
  mesh.expectDisputes()
  mesh.split(host => (host === b ? 1 : 0))
  remove(mesh, b, a, true)
  t.equal(ownedBy(mesh, b), 16)
  // The author lies on: it never takes it back, whatever it reaches.
  const forged = [...b.records.values()].filter(one => one.owner === b.id)
  for (const host of [a, c, d])
    for (const one of forged)
      mesh.act(host, machine => {
        if (one.kind === 'takeover') machine.setTakeover(b.id, one.takeoverKey!, one.value, mesh.now)
        else if (one.kind === 'publish') machine.setStatements(b.id, one.number, one.value, mesh.now)
        else if (one.kind === 'acks') machine.setAcks(b.id, one.value, mesh.now)
      })
  mesh.pass(60_000)
  for (const host of [a, c, d]) t.same(host.machine.registerOf(5), { term: 0, seq: 0, owner: a.id })
})

t.test('of two, the one who lives on takes over; who lies is not believed by the other', async t => {
  const mesh = founded(2)
  const [a, b] = mesh.hosts as [Host, Host]
  mesh.expectDisputes()
  mesh.stop(a)
  t.match(remove(mesh, b, a), { outcome: 'begun', takeovers: [{ isSettled: true, agreed: 1, needed: 1 }] })
  t.equal(ownedBy(mesh, b), 16)
  mesh.start(a)
  mesh.gossip()
  mesh.gossip()
  mesh.pass(1000)
  t.equal(ownedBy(mesh, a), 0)

  const other = founded(2)
  const [x, y] = other.hosts as [Host, Host]
  other.expectDisputes()
  other.pass(120_000)
  // It says that the other one is gone, whom it reached all the time.
  other.split(host => (host === y ? 1 : 0))
  remove(other, y, x)
  const lies = [...y.records.values()].filter(one => one.owner === y.id)
  const victim = ipam({ self: x.id, range: RANGE, blockPrefix: 28 })
  victim.found(SALT, 0)
  victim.setReachable(new Set([y.id]), 0)
  drain(victim)
  for (const one of lies) {
    if (one.kind === 'takeover') victim.setTakeover(y.id, one.takeoverKey!, one.value, 100_000)
    else if (one.kind === 'publish') victim.setStatements(y.id, one.number, one.value, 100_000)
    else if (one.kind === 'acks') victim.setAcks(y.id, one.value, 100_000)
  }
  t.equal(victim.isOwn(0), true)
})

t.test('what was settled stays so over a restart, and for those who come later', async t => {
  const mesh = founded(3)
  const [a, b, c] = mesh.hosts as [Host, Host, Host]
  mesh.expectDisputes()
  mesh.stop(a)
  remove(mesh, b, a)
  mesh.pass(4000)
  mesh.stop(b)
  mesh.start(b)
  mesh.pass(100)
  t.equal(ownedBy(mesh, b), 16)
  mesh.stop(c)
  mesh.start(c)
  mesh.pass(100)
  t.same(c.machine.registerOf(3), { term: 1, seq: 0, owner: b.id })
})

t.test('titles with many grants get a new root, and go on', async t => {
  const mesh = founded(3)
  const [a, b, c] = mesh.hosts as [Host, Host, Host]
  for (let round = 0; round < 3 * RENEW_AT; round++) {
    for (const [from, to] of [
      [a, b],
      [b, c],
      [c, a],
    ] as const) {
      const request = {
        kind: 'ipam-request',
        id: round + 1,
        subnet: RANGE,
        address: RANGE.address + 7 * 16 + 1,
      } as const
      mesh.act(from, machine => {
        if (machine.isOwn(7)) machine.handleRequest(to.id, request, mesh.now)
      })
      mesh.pass(61_000)
    }
  }
  const register = a.machine.registerOf(7)
  t.ok(register !== undefined && register.term >= 3 && register.seq < 16, JSON.stringify(register))
  for (const host of mesh.hosts) t.same(host.machine.registerOf(7), register)
  for (const gone of mesh.hosts) {
    mesh.stop(gone)
    for (const host of mesh.hosts)
      if (host !== gone) t.equal(host.machine.takeovers.removals.isRemoved(gone.id), false, 'it removed nobody')
    mesh.start(gone)
    mesh.pass(1000)
  }
})

t.test('what could not be renewed at once is later, though nothing changes hands any more', async t => {
  const mesh = founded(2)
  const [a, b] = mesh.hosts as [Host, Host]
  const address = RANGE.address + 7 * 16 + 1
  for (let id = 1; id <= 2 * RENEW_AT + 2; id++)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      mesh.act(from, machine => {
        if (machine.isOwn(7))
          machine.handleRequest(to.id, { kind: 'ipam-request', id, subnet: RANGE, address }, mesh.now)
      })
      mesh.pass(100)
    }
  const before = a.machine.registerOf(7)
  t.ok(before !== undefined && before.term >= 1 && before.seq >= RENEW_AT, JSON.stringify(before))
  mesh.pass(61_000)
  for (const host of mesh.hosts) mesh.act(host, machine => machine.handleTimeout(mesh.now))
  mesh.pass(1000)
  t.same(a.machine.registerOf(7), { term: before!.term + 1, seq: 0, owner: before!.owner })
  t.same(b.machine.registerOf(7), a.machine.registerOf(7))
})

t.test('one member alone settles nothing, whoever it makes up to be the author', async t => {
  const mesh = founded(4)
  const [a, b, c, d] = mesh.hosts as [Host, Host, Host, Host]
  const scope = { meshId: MESH_ID, range: RANGE, blockPrefix: 28 }
  const plan = { victim: a.id, term: 1, isForced: false, runs: [{ first: 0, count: 16 }] }
  for (const author of [peer(77), b.id]) {
    const made = makeTakeover(suite, giver(author), scope, plan)
    const acks = encodeAcks([{ takeover: made.id, isSettled: true }])
    for (const host of [a, c, d])
      mesh.act(host, machine => {
        machine.setTakeover(b.id, fromHex(made.id)!, made.value, mesh.now)
        machine.setAcks(b.id, acks, mesh.now)
      })
  }
  mesh.pass(60_000)
  for (const host of [a, c, d]) t.same(host.machine.registerOf(5), { term: 0, seq: 0, owner: a.id })
  t.equal(a.machine.isOwn(5), true)
})

t.test('who was removed by what counts no longer is told once, for others never dropped its records', async t => {
  const [a, b, c, d] = [1, 2, 3, 4].map(number => peer(number)) as [PeerId, PeerId, PeerId, PeerId]
  const founder = ipam({ self: a, range: RANGE, blockPrefix: 28 })
  founder.found(SALT, 0)
  const machine = ipam({ self: b, range: RANGE, blockPrefix: 28 })
  for (const output of drain(founder))
    if (output.type === 'publish') machine.setStatements(a, output.page, output.value, 0)
  machine.setReachable(new Set([a]), 0)
  machine.setReachable(new Set(), 1_000, new Set([a]))
  t.match(machine.removePeer(a, false, 10_000), { takeovers: [{ isSettled: true }] }, 'it knows of nobody else')
  t.same([...machine.takeovers.removals.removed()], [a])
  t.equal(machine.takeovers.removals.takeUndone().size, 0)
  machine.setReachable(new Set([a, c, d]), 20_000)
  machine.handleTimeout(24_000)
  t.same([...machine.takeovers.removals.takeUndone()], [a], 'the others do not agree')
  t.equal(machine.takeovers.removals.takeUndone().size, 0)
  t.same([...machine.takeovers.removals.removed()], [])
})

t.test('one that was forced and taken back is taken back once, though another peer publishes it still', async t => {
  const [a, b, c] = [1, 2, 3].map(number => peer(number)) as [PeerId, PeerId, PeerId]
  const founder = ipam({ self: a, range: RANGE, blockPrefix: 28 })
  founder.found(SALT, 0)
  const machine = ipam({ self: b, range: RANGE, blockPrefix: 28 })
  for (const output of drain(founder))
    if (output.type === 'publish') machine.setStatements(a, output.page, output.value, 0)
  machine.setReachable(new Set([a, c]), 0)
  machine.setReachable(new Set([c]), 1_000, new Set([a, c]))
  t.match(machine.removePeer(a, true, 10_000), { outcome: 'begun' })
  const forced = drain(machine).find(output => output.type === 'takeover' && output.kind === 'takeover')
  if (forced?.type !== 'takeover') throw new Error('no takeover was published')
  machine.setTakeover(c, forced.key, forced.value, 11_000)
  machine.setReachable(new Set([a, c]), 12_000)
  machine.handleTimeout(16_000)
  machine.handleTimeout(20_000)
  t.equal(machine.registerOf(3)?.owner, a)
  t.match(drain(machine), [{ type: 'takeover' }])
})

const SEEDS = seedsOf('TAKEOVER', 60)

/** Hosts that die, part, are removed by each other, and come back. */
function run(seed: number): Mesh {
  const mesh = new Mesh(3 + (seed % 4), RANGE, seed, { ...NO_FAULTS, delayMaxMs: [20, 300, 1500][seed % 3]! })
  mesh.act(mesh.hosts[0]!, machine => machine.found(SALT, 0))
  mesh.expectDisputes()
  for (let step = 0; step < 120; step++) {
    const host = mesh.hosts[mesh.draw(mesh.hosts.length)]!
    const other = mesh.hosts[mesh.draw(mesh.hosts.length)]!
    const id = `r${step}`
    const what = mesh.draw(100)
    if (what < 40) mesh.ask(host, id, machine => machine.allocate({ id, container: `c${mesh.draw(10)}` }, mesh.now))
    else if (what < 50) mesh.act(host, machine => machine.free(`c${mesh.draw(10)}`, undefined, mesh.now))
    else if (what < 60 && host.isUp) mesh.stop(host)
    else if (what < 70 && !host.isUp) mesh.start(host)
    else if (what < 78) mesh.partition()
    else if (what < 82) mesh.heal()
    else if (host.isUp) mesh.act(host, machine => machine.removePeer(other.id, mesh.draw(4) === 0, mesh.now))
    if (mesh.draw(2) === 0) mesh.gossip()
    mesh.pass(mesh.draw(4000))
  }
  return mesh
}

t.test('whoever was removed, and wherever: in the end all agree, and nothing undisputed is held twice', async t => {
  let takeovers = 0
  for (const seed of SEEDS)
    playSeed('TAKEOVER', seed, () => {
      const mesh = run(seed)
      for (const host of mesh.hosts) if (!host.isUp) mesh.start(host)
      mesh.heal()
      for (let round = 0; round < 300; round++) {
        mesh.gossip()
        mesh.pass(200)
      }
      const [first] = mesh.hosts as [Host]
      for (let block = 0; block < first.machine.space.blockCount; block++) {
        const register = first.machine.registerOf(block)
        assert.ok(register !== undefined, `block ${block} is nobody's`)
        takeovers += register.term > 0 ? 1 : 0
        for (const host of mesh.hosts)
          assert.deepEqual(host.machine.registerOf(block), register, `block ${block} at ${host.id.slice(0, 8)}`)
        const owner = mesh.hosts.find(host => host.id === register.owner)
        assert.ok(owner?.machine.isOwn(block), `block ${block} is not held by its owner`)
      }
      const holders = new Map<string, string>()
      for (const host of mesh.hosts) {
        const report = host.machine.report()
        assert.deepEqual([report.pending, report.takeovers.filter(one => !one.isSettled)], [[], []])
        const disputed = new Set(report.disputed.map(one => one.cidr))
        for (const { cidr: held, container } of report.leases) {
          if (disputed.has(held)) continue
          const holder = `${host.id} ${container}`
          assert.equal(holders.get(held) ?? holder, holder, `${held} is held twice`)
          holders.set(held, holder)
        }
      }
    })
  t.ok(takeovers > SEEDS.length, `${takeovers} blocks were taken over`)
})
