import assert from 'node:assert/strict'
import t from 'tap'
import { fromHex } from '../../../lib/base/bytes.ts'
import { encodeAcks } from '../../../lib/ipam/acks-record.ts'
import { ADOPT_RETRY_MS, FULL_GRACE_MS, RECLAIM_MS } from '../../../lib/ipam/constants.ts'
import { LEASE_HOLDER } from '../../../lib/ipam/lease-holder.ts'
import { makeTakeover } from '../../../lib/ipam/takeover-record.ts'
import { Mesh, NO_FAULTS, type Host } from './mesh.ts'
import { MESH_ID, SALT, cidr, giver, ip, ipam, peer, share, suite, type TestOptions } from './support.ts'

const A = peer(1)
const B = peer(2)
const RANGE = cidr('10.32.0.0/24')

/** A owns all of a /24 in one block and uses an address of it, so that nothing of it can be given as a block. */
function pair(options: Pick<TestOptions, 'isEphemeral' | 'containerAt'> = {}) {
  const { containerAt } = options
  const a = ipam({ self: A, range: RANGE, blockPrefix: 24, ...(containerAt && { containerAt }) })
  const b = ipam({ self: B, range: RANGE, blockPrefix: 24, ...options })
  a.found(SALT, 0)
  a.allocate({ id: 'own', container: 'a' }, 0)
  share(a, A, [b], 0)
  a.setReachable(new Set([B]), 0)
  return { a, b, exchange: (now: number) => exchange(a, b, now) }
}

/** Carries everything to and fro until nothing is left; returns the ends of requests. */
function exchange(a: ReturnType<typeof ipam>, b: ReturnType<typeof ipam>, now: number) {
  const ends = []
  for (let round = 0; round < 20; round++) {
    for (const [from, self, to] of [[a, A, b] as const, [b, B, a] as const])
      for (const output of share(from, self, [to], now)) {
        if (output.type === 'done' || output.type === 'failed') ends.push(output)
        if (output.type !== 'send') continue
        const { message } = output
        if (message.kind === 'ipam-request') to.handleRequest(self, message, now)
        else if (message.kind === 'ipam-answer') to.handleAnswer(self, message, now)
        else to.handleReturn(self, message, now)
      }
  }
  return ends
}

t.test('what cannot be given as a block is lent, used, and given back after its rest', async t => {
  const { a, b, exchange } = pair()
  b.setReachable(new Set([A]), 1)
  b.allocate({ id: 'x', container: 'c' }, 1)
  t.match(exchange(1), [{ type: 'done', id: 'x', cidrs: [cidr('10.32.0.2/24')] }])
  t.same(a.report().lent, [{ address: '10.32.0.2', peer: B }])
  t.same(b.report().borrowed, [{ container: 'c', cidr: '10.32.0.2/24', owner: A }])
  t.same(b.report().disputed, [])
  t.same(
    a.ownership().lent.map(({ address }) => address),
    [ip('10.32.0.2')],
  )
  t.same(
    b.ownership().lent.map(({ address }) => address),
    [ip('10.32.0.2')],
  )
  a.allocate({ id: 'y', container: 'd' }, 1)
  t.match(exchange(1), [{ cidrs: [cidr('10.32.0.3/24')] }], 'the owner gives another one')
  a.claim({ id: 'z', container: 'e', cidr: cidr('10.32.0.2/24') }, 1)
  t.match(exchange(1), [{ error: { code: 'ADDRESS_TAKEN', message: /held by a container on aibaeaqc/ } }])

  b.free('c', undefined, 10)
  exchange(10)
  t.equal(a.report().lent.length, 1, 'it rests at the borrower')
  b.allocate({ id: 'again', container: 'c' }, 20)
  t.match(exchange(20), [{ cidrs: [cidr('10.32.0.2/24')] }], 'for the same container')
  b.free('c', undefined, 30)
  b.handleTimeout(30_030)
  b.handleTimeout(32_030)
  exchange(32_030)
  t.same(a.report().lent, [])
  a.claim({ id: 'v', container: 'e', cidr: cidr('10.32.0.2/24') }, 32_031)
  t.match(exchange(32_031), [{ type: 'done' }])
})

t.test('a return that comes late takes nothing back that was lent anew', async t => {
  const { a, b, exchange } = pair({ isEphemeral: true })
  b.setReachable(new Set([A]), 1)
  b.allocate({ id: 'x', container: 'c' }, 1)
  exchange(1)
  b.free('c', undefined, 1)
  b.handleTimeout(30_001)
  b.handleTimeout(32_001)
  const late = share(b, B, [a], 32_001)
    .flatMap(output => (output.type === 'send' ? [output.message] : []))
    .find(message => message.kind === 'ipam-return')
  if (late === undefined) throw new Error('it gives back')
  a.handleReturn(peer(3), late, 32_001)
  t.equal(a.report().lent.length, 1, 'who does not have it gives nothing back')
  a.handleReturn(B, late, 32_001)
  exchange(32_001)
  t.same(a.report().lent, [])
  b.allocate({ id: 'y', container: 'd' }, 32_002)
  t.match(exchange(32_002), [{ cidrs: [cidr('10.32.0.2/24')] }])
  a.handleReturn(B, late, 32_003)
  t.equal(a.report().lent.length, 1)
})

t.test('an ephemeral peer takes no blocks, of spare ones neither', async t => {
  const { a, b, exchange } = pair({ isEphemeral: true })
  a.free('a', undefined, 0)
  a.handleTimeout(30_000)
  b.setReachable(new Set([A]), 30_000)
  t.same(exchange(30_000), [])
  b.allocate({ id: 'x', container: 'c' }, 30_000)
  b.claim({ id: 'y', container: 'd', cidr: cidr('10.32.0.9/24') }, 30_000)
  t.match(exchange(30_000), [{ type: 'done' }, { type: 'done', cidrs: [cidr('10.32.0.9/24')] }])
  t.equal(b.ownsBlocks, false)
  t.equal(a.report().lent.length, 2)
})

t.test('an address outside the range is taken as it is, and refused to others by name', async t => {
  const { a, b, exchange } = pair()
  a.claim({ id: 'x', container: 'c', cidr: cidr('192.168.7.1/24') }, 0)
  t.match(exchange(0), [{ type: 'done' }])
  b.claim({ id: 'y', container: 'd', cidr: cidr('192.168.7.1/24') }, 1)
  t.match(exchange(1), [{ error: { code: 'ADDRESS_TAKEN', message: /192\.168\.7\.1, claimed for d, .* on aeaqcaib/ } }])
  a.free('c', undefined, 2)
  exchange(2)
  b.claim({ id: 'z', container: 'd', cidr: cidr('192.168.7.1/24') }, 3)
  t.match(exchange(3), [{ type: 'done' }])
  t.same(b.report().disputed, [])
})

t.test('who has an address is named as its host tells of it, where the owner of the block does not know', async t => {
  const told = (address: number, host: string) =>
    host === B && [ip('10.32.0.2'), ip('192.168.7.1')].includes(address) ? 'netns:\u001bweb' : undefined
  const { a, b, exchange } = pair({ isEphemeral: true, containerAt: told })
  b.setReachable(new Set([A]), 1)
  b.claim({ id: 'x', container: 'c', cidr: cidr('10.32.0.2/24') }, 1)
  b.claim({ id: 'y', container: 'c', cidr: cidr('192.168.7.1/24') }, 1)
  b.claim({ id: 'z', container: 'c', cidr: cidr('192.168.7.2/24') }, 1)
  exchange(1)
  for (const [address, holder] of [
    ['10.32.0.2', 'netns:?web on aibaeaqc'],
    ['192.168.7.1', 'netns:?web on aibaeaqc'],
    ['192.168.7.2', 'a container on aibaeaqc'],
  ] as const) {
    a.claim({ id: address, container: 'e', cidr: cidr(`${address}/24`) }, 2)
    t.match(exchange(2), [
      { error: { code: 'ADDRESS_TAKEN', message: `${address}, claimed for e, is held by ${holder}` } },
    ])
  }
})

t.test('a name that is longer than an answer may hold does not keep the refusal back', async t => {
  const { a, b, exchange } = pair()
  b.setReachable(new Set([A]), 1)
  a.claim({ id: 'x', container: 'n'.repeat(257), cidr: cidr('10.32.0.9/24') }, 1)
  b.claim({ id: 'y', container: 'c', cidr: cidr('10.32.0.9/24') }, 1)
  exchange(1)
  b.handleTimeout(1 + FULL_GRACE_MS)
  t.match(exchange(1 + FULL_GRACE_MS), [
    { error: { code: 'ADDRESS_TAKEN', message: /held by a container on aeaqcaib/ } },
  ])
})

t.test('what rests at owners that were asked is counted when a subnet is full', async t => {
  const { a, b, exchange } = pair()
  b.setReachable(new Set([A]), 1)
  for (const id of ['x', 'y']) a.allocate({ id, container: id, subnet: cidr('10.32.0.4/30') }, 1)
  a.free('y', undefined, 1)
  b.allocate({ id: 'z', container: 'c', subnet: cidr('10.32.0.4/30') }, 1)
  exchange(1)
  b.handleTimeout(1 + FULL_GRACE_MS)
  t.match(exchange(1 + FULL_GRACE_MS), [
    {
      error: {
        code: 'RANGE_FULL',
        message: /all of its 2 addresses are taken, 1 of them resting on other hosts after use, for 30 s at most$/,
        remedy: 'try again when that is over',
      },
    },
  ])
})

t.test('what rests at who borrowed it is counted when a subnet is full, and once', async t => {
  const { a, b, exchange } = pair()
  const subnet = cidr('10.32.0.4/30')
  const full = (where: string) => ({
    error: { code: 'RANGE_FULL', message: new RegExp(`addresses are taken, 1 of them resting ${where} after use`) },
  })
  b.setReachable(new Set([A]), 1)
  b.allocate({ id: 'x', container: 'c', subnet }, 1)
  exchange(1)
  a.allocate({ id: 'y', container: 'd', subnet }, 1)
  exchange(1)
  a.allocate({ id: 'none', container: 'e', subnet }, 1)
  t.match(exchange(1), [{ error: { message: /addresses are taken$/ } }], 'while it is in use it does not rest')
  b.free('c', undefined, 2)
  exchange(2)
  a.allocate({ id: 'z', container: 'e', subnet }, 3)
  t.match(exchange(3), [full('on other hosts')])
  b.allocate({ id: 'w', container: 'f', subnet }, 3)
  exchange(3)
  b.handleTimeout(3 + FULL_GRACE_MS)
  t.match(exchange(3 + FULL_GRACE_MS), [full('here')])
})

t.test('a /24 that eight peers share hands out all its 254 addresses, and is then full', async t => {
  for (let seed = 1; seed <= 3; seed++) {
    const mesh = new Mesh(8, RANGE, seed, NO_FAULTS)
    mesh.act(mesh.hosts[0]!, machine => machine.found(SALT, 0))
    mesh.pass(500)
    for (let i = 0; i < 254; i++) {
      const host = mesh.hosts[mesh.draw(8)]!
      mesh.ask(host, `r${i}`, machine => machine.allocate({ id: `r${i}`, container: `c${i}` }, mesh.now))
      mesh.pass(400)
    }
    mesh.pass(5_000)
    assert.deepEqual(mesh.ends, { done: 254, failed: 0 }, mesh.log.slice(-20).join('\n'))
    mesh.ask(mesh.hosts[3]!, 'more', machine => machine.allocate({ id: 'more', container: 'more' }, mesh.now))
    mesh.pass(5_000)
    assert.match(mesh.log.at(-1)!, /RANGE_FULL 10\.32\.0\.0\/24 is full: all of its 254 addresses are taken/)
  }
  t.pass('for each seed')
})

t.test('what was lent to a peer that is removed is free again, once', async t => {
  const mesh = new Mesh(3, RANGE, 1, { ...NO_FAULTS, isLazy: true })
  const [a, b, c] = mesh.hosts as [Host, Host, Host]
  mesh.act(a, machine => machine.found(SALT, 0))
  mesh.pass(500)
  // Each block of A is in use.
  for (let block = 0; block < 16; block++)
    mesh.ask(a, `own${block}`, machine =>
      machine.claim(
        { id: `own${block}`, container: `own${block}`, cidr: cidr(`10.32.0.${block * 16 + 1}/24`) },
        mesh.now,
      ),
    )
  mesh.ask(c, 'x', machine => machine.allocate({ id: 'x', container: 'c' }, mesh.now))
  mesh.pass(3_000)
  const lent = () => a.machine.report().lent
  t.match(lent(), [{ peer: c.id }])
  mesh.stop(c)
  mesh.pass(RECLAIM_MS + 1_000)
  t.equal(lent().length, 1, 'it may come back')
  mesh.expectDisputes()
  mesh.act(b, machine => machine.removePeer(c.id, false, mesh.now))
  mesh.pass(6_000)
  t.same(lent(), [])

  mesh.start(c)
  mesh.gossip()
  mesh.pass(20_000)
  t.match(lent(), [{ peer: c.id }], 'who is back asks for what its container has')
  mesh.stop(a)
  mesh.stop(c)
  mesh.pass(1_000)
  mesh.start(a)
  mesh.gossip()
  mesh.pass(6_000)
  t.equal(lent().length, 1, 'the removal of then is not acted upon again')
})

t.test('a removal that others settled first ends what was lent once the peer is missed here, too', async t => {
  const [C, D] = [peer(3), peer(4)]
  for (const isBack of [false, true]) {
    const { a, b, exchange } = pair({ isEphemeral: true })
    b.setReachable(new Set([A]), 1)
    b.allocate({ id: 'x', container: 'c' }, 1)
    exchange(1)
    a.setReachable(new Set([B, C, D]), 1)
    const scope = { meshId: MESH_ID, range: RANGE, blockPrefix: 24 }
    const { id, value } = makeTakeover(suite, giver(C), scope, { victim: B, term: 1, isForced: false, runs: [] })
    const acks = encodeAcks([{ takeover: id, isSettled: true }])
    a.setTakeover(C, fromHex(id)!, value, 10_000)
    for (const voter of [C, D, ...(isBack ? [B] : [])]) a.setAcks(voter, acks, 10_000)
    t.match(a.report().takeovers, [{ isSettled: true }])
    t.equal(a.report().lent.length, 1, 'it is reached here')
    a.setReachable(new Set([C, D]), 20_000, new Set([B, C, D]))
    t.equal(a.report().lent.length, isBack ? 1 : 0)
  }
})

t.test('what was lent to an ephemeral peer is free again when nobody reached it for long', async t => {
  const { a, b, exchange } = pair({ isEphemeral: true })
  b.setReachable(new Set([A]), 1)
  b.allocate({ id: 'x', container: 'c' }, 1)
  exchange(1)
  t.equal(a.report().lent.length, 1)
  a.setReachable(new Set(), 1_000, new Set([B]))
  t.match(a.pollTimeout(), { at: 1_000 + RECLAIM_MS, reason: 'ipam reclaim' })
  a.handleTimeout(500_000)
  a.setReachable(new Set([B]), 500_000)
  a.setReachable(new Set(), 510_000, new Set([B]))
  a.handleTimeout(510_000 + RECLAIM_MS - 1)
  t.equal(a.report().lent.length, 1, 'counted from when it was reached last')
  a.handleTimeout(510_000 + RECLAIM_MS)
  t.same(a.report().lent, [])
  a.claim({ id: 'again', container: 'd', cidr: cidr('10.32.0.2/24') }, 1_199_000)
  const ends = share(a, A, [b], 1_199_000).filter(({ type }) => type === 'done')
  t.match(ends, [{ id: 'again' }], 'what it says to have counts no more')
  a.free('d', undefined, 1_199_000)
  a.setReachable(new Set([B]), 1_200_000)
  b.setReachable(new Set([A]), 1_200_000)
  exchange(1_200_000)
  t.match(a.report().lent, [{ address: '10.32.0.2', peer: B }], 'it asks for what it has when it is back')
})

t.test('who leaves for good gives back what it borrowed at once', async t => {
  const { a, b, exchange } = pair({ isEphemeral: true })
  b.setReachable(new Set([A]), 1)
  b.allocate({ id: 'x', container: 'c' }, 1)
  b.allocate({ id: 'y', container: 'd' }, 1)
  exchange(1)
  b.free('c', undefined, 2)
  b.returnAll(2)
  exchange(2)
  t.match(a.report().lent, [{ address: '10.32.0.3' }], 'but what a container has')
})

t.test('an address in use on two hosts is asked for, then disputed, and its owner says who else has it', async t => {
  const { a, b, exchange } = pair()
  t.ok(b.adopt({ container: 'c', holder: LEASE_HOLDER.attachment, ...cidr('10.32.0.1/24') }, 0))
  const lease = { container: 'c', cidr: '10.32.0.1/24', owner: A }
  t.strictSame(b.report().disputed, [{ ...lease, isAsked: true }], 'nobody was reached yet')
  b.setReachable(new Set([A]), 1)
  exchange(1)
  t.strictSame(b.report().disputed, [{ ...lease, isAsked: true }], 'the refusal is not final yet')
  const later = 1 + FULL_GRACE_MS
  b.handleTimeout(later)
  exchange(later)
  t.strictSame(b.report().disputed, [lease])
  t.strictSame(a.report().disputed, [{ container: 'a', cidr: '10.32.0.1/24', usedBy: B }])
  b.handleTimeout(later + ADOPT_RETRY_MS)
  t.strictSame(b.report().disputed, [lease], 'also while it is asked for again')

  a.free('a', undefined, later + ADOPT_RETRY_MS)
  exchange(later + ADOPT_RETRY_MS)
  t.strictSame(b.report().disputed, [], 'the owner lends it now')
  t.strictSame(a.report().disputed, [])
})
