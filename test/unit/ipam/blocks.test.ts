import t from 'tap'
import type { Ipam } from '../../../lib/ipam/ipam.ts'
import type { IpamOutput } from '../../../lib/ipam/ipam-output.ts'
import type { IpamAnswer, IpamRequest } from '../../../lib/wire/ipam-message.ts'
import {
  MESH_ID,
  suite,
  SALT,
  cidr,
  drain,
  ip,
  ipam,
  peer,
  record as statedRecord,
  share,
  unstarted,
  type StatedRun,
} from './support.ts'
import type { PeerId } from '../../../lib/address/peer-id.ts'
import { ROOT_REF, encodeBlocksRecord } from '../../../lib/ipam/blocks-record.ts'
import { meshIdOf } from '../../../lib/ipam/founding.ts'

const A = peer(1)
const B = peer(2)
const C = peer(3)
const RANGE = cidr('10.32.0.0/24')

function record(runs: readonly StatedRun[], range = RANGE): Uint8Array {
  return statedRecord(runs, range)
}

function sent(outputs: readonly IpamOutput[]) {
  return outputs.flatMap(output => (output.type === 'send' ? [output] : []))
}

function request(outputs: readonly IpamOutput[]): IpamRequest {
  const message = sent(outputs)[0]?.message
  if (message?.kind !== 'ipam-request') throw new Error('no request was sent')
  return message
}

function answer(outputs: readonly IpamOutput[]): IpamAnswer {
  const message = sent(outputs)[0]?.message
  if (message?.kind !== 'ipam-answer') throw new Error('no answer was sent')
  return message
}

/** Of each block; and what is lent. */
function ownersOf(ipam: Ipam) {
  const { blockCount, ownerOf, lent } = ipam.ownership()
  return { owners: Array.from({ length: blockCount }, (_, block) => ownerOf(block)), lent }
}

/** A owns the four blocks of a /24; B knows it and can reach it. */
function pair(): { a: Ipam; b: Ipam } {
  const a = ipam({ self: A, range: RANGE })
  const b = ipam({ self: B, range: RANGE })
  a.found(SALT, 0)
  share(a, A, [b], 0)
  a.setReachable(new Set([B]), 0)
  b.setReachable(new Set([A]), 0)
  return { a, b }
}

t.test('a donor publishes before it answers, and the new owner states the blocks as its own', async t => {
  const { a, b } = pair()
  b.allocate({ id: 'x', container: 'c' }, 1)
  const asked = request(drain(b))
  t.same(asked.subnet, RANGE)
  a.handleRequest(B, asked, 2)
  const given = share(a, A, [], 2)
  t.same(
    given.map(output => output.type),
    ['publish', 'send'],
  )
  t.match(answer(given), { id: asked.id, outcome: 'granted', granted: [{ first: 2, count: 2 }] })

  t.equal(b.handleAnswer(A, answer(given), 3), true)
  t.same(drain(b), [], 'the word of the donor is not enough')
  t.match(b.report().pending, [{ reason: /what was granted by/ }])
  for (const output of given) if (output.type === 'publish') b.setStatements(A, output.page, output.value, 4)
  const taken = drain(b)
  t.same(
    taken.map(output => output.type),
    ['publish', 'lease', 'done'],
  )
  t.match(taken[2], { cidrs: [cidr('10.32.0.128/24')] })
  t.same(b.registerOf(3), { term: 0, seq: 1, owner: B })

  for (const output of taken) if (output.type === 'publish') a.setStatements(B, output.page, output.value, 5)
  t.match(drain(a), [{ type: 'publish', value: record([{ first: 0, count: 2, owners: [A] }]) }])
  t.same(a.registerOf(3), { term: 0, seq: 1, owner: B })
})

t.test('a repeated request gets the same answer and no more blocks', async t => {
  const { a, b } = pair()
  b.allocate({ id: 'x', container: 'c' }, 1)
  const asked = request(drain(b))
  a.handleRequest(B, asked, 2)
  const first = answer(drain(a))
  a.handleRequest(B, asked, 3)
  const again = drain(a)
  t.equal(again.length, 1)
  t.same(answer(again), first)
})

t.test('a block with a lease, or one that rests, is not given', async t => {
  const { a, b } = pair()
  for (const [i, address] of ['10.32.0.1/24', '10.32.0.70/24', '10.32.0.130/24', '10.32.0.200/24'].entries()) {
    a.claim({ id: `${i}`, container: `c${i}`, cidr: cidr(address) }, 0)
  }
  a.free('c3', undefined, 0)
  drain(a)
  const asked = { kind: 'ipam-request', id: 1, subnet: RANGE } as const
  a.handleRequest(B, asked, 1)
  t.same(answer(drain(a)), { kind: 'ipam-answer', id: 1, outcome: 'denied', free: 254 - 4, resting: 1 })
  a.handleRequest(B, { ...asked, id: 2 }, 30_000)
  t.match(answer(drain(a)), { outcome: 'granted', granted: [{ first: 3, count: 1 }] }, 'the rest is over')
  t.ok(b)
})

t.test('an owner that does not answer is passed over for another, and asked again', async t => {
  const b = ipam({ self: B, range: RANGE })
  b.setStatements(A, 0, record([{ first: 0, count: 2, owners: [A] }]), 0)
  b.setStatements(C, 0, record([{ first: 2, count: 2, owners: [A, C] }]), 0)
  b.setReachable(new Set([A, C]), 0)
  b.allocate({ id: 'x', container: 'c' }, 0)
  const asked = [sent(drain(b))[0]?.to]
  for (const now of [2000, 4000, 6000, 8000]) {
    t.equal(b.pollTimeout()?.at, now)
    b.handleTimeout(now)
    asked.push(sent(drain(b))[0]?.to)
  }
  t.same(new Set(asked.slice(0, 2)), new Set([A, C]))
  t.same(new Set(asked.slice(2, 4)), new Set([A, C]))
  b.handleTimeout(10_000)
  const outputs = drain(b)
  t.match(outputs.at(-1), { type: 'failed', error: { code: 'IPAM_WAITING', message: /waiting for an answer of/ } })
})

t.test('one request is outstanding for a subnet, however many wait', async t => {
  const { b } = pair()
  for (const id of ['x', 'y', 'z']) b.allocate({ id, container: id }, 0)
  t.equal(sent(drain(b)).length, 1)
})

t.test('when every owner refuses, the range is full, after a moment for blocks that change hands', async t => {
  const { b } = pair()
  b.allocate({ id: 'x', container: 'c' }, 0)
  const { id } = request(drain(b))
  b.handleAnswer(A, { kind: 'ipam-answer', id, outcome: 'denied', free: 12 }, 100)
  const single = request(drain(b))
  t.match(single, { subnet: RANGE, count: 1 }, 'without a block, it asks for a single address')
  b.handleAnswer(A, { kind: 'ipam-answer', id: single.id, outcome: 'denied', free: 0 }, 100)
  t.same(drain(b), [])
  t.equal(b.pollTimeout()?.at, 600)
  b.handleTimeout(600)
  t.match(drain(b), [
    { type: 'failed', error: { code: 'RANGE_FULL', message: /10\.32\.0\.0\/24 is full: all of its 254 addresses/ } },
  ])
  b.allocate({ id: 'y', container: 'c' }, 700)
  t.equal(sent(drain(b)).length, 1, 'a later request asks anew')
})

t.test('a peer that gains blocks after a refusal is asked', async t => {
  const { b } = pair()
  b.setReachable(new Set([A, C]), 0)
  b.allocate({ id: 'x', container: 'c' }, 0)
  const { id } = request(drain(b))
  b.handleAnswer(A, { kind: 'ipam-answer', id, outcome: 'denied', free: 0 }, 100)
  b.setStatements(A, 0, record([{ first: 0, count: 4, owners: [A, C] }]), 200)
  t.match(sent(drain(b)), [{ to: C }])
})

t.test('owners that cannot be reached are waited for by name', async t => {
  const { b } = pair()
  drain(b)
  b.setReachable(new Set(), 0)
  b.allocate({ id: 'x', container: 'c' }, 0)
  t.same(drain(b), [])
  t.match(b.report().pending, [{ reason: /cannot reach aeaqcaib/ }])
  b.setReachable(new Set([A]), 5)
  t.equal(sent(drain(b)).length, 1)
  b.setReachable(new Set(), 6)
  b.handleTimeout(10_000)
  t.match(drain(b), [{ type: 'failed', error: { code: 'IPAM_WAITING', message: /cannot reach aeaqcaib/ } }])
})

t.test('a claim in a block of an owner that cannot be reached says so', async t => {
  const { b } = pair()
  drain(b)
  b.setReachable(new Set(), 0)
  b.claim({ id: 'x', container: 'c', cidr: cidr('10.32.0.9/24') }, 0)
  t.match(b.report().pending, [
    { reason: /cannot reach aeaqcaib, in whose block 10\.32\.0\.\d+\/\d+ 10\.32\.0\.9 lies$/ },
  ])
})

t.test('answers that nobody asked for change nothing', async t => {
  const { b } = pair()
  b.allocate({ id: 'x', container: 'c' }, 0)
  const { id } = request(drain(b))
  t.equal(b.handleAnswer(C, { kind: 'ipam-answer', id, outcome: 'denied', free: 0 }, 1), false)
  t.equal(b.handleAnswer(A, { kind: 'ipam-answer', id: id + 1, outcome: 'denied', free: 0 }, 1), false)
})

t.test("a claim in another's block gets that very block, or names the owner", async t => {
  const { a, b } = pair()
  drain(b)
  b.claim({ id: 'x', container: 'c', cidr: cidr('10.32.0.70/24') }, 1)
  const asked = request(drain(b))
  t.equal(asked.address, ip('10.32.0.70'))
  a.handleRequest(B, asked, 2)
  const given = share(a, A, [b], 2)
  t.match(answer(given), { outcome: 'granted', granted: [{ first: 1, count: 1 }] })
  t.match(drain(b).at(-1), { type: 'done', cidrs: [cidr('10.32.0.70/24')] })
  a.handleRequest(B, { ...asked, id: asked.id + 100 }, 3)
  t.match(answer(drain(a)), { outcome: 'granted' }, 'what is theirs already is granted again')

  a.claim({ id: 'y', container: 'd', cidr: cidr('10.32.0.9/24') }, 4)
  drain(a)
  b.claim({ id: 'z', container: 'c', cidr: cidr('10.32.0.9/24') }, 5)
  a.handleRequest(B, request(drain(b)), 6)
  b.handleAnswer(A, answer(drain(a)), 7)
  b.handleTimeout(507)
  t.match(drain(b), [
    {
      type: 'failed',
      error: { code: 'ADDRESS_TAKEN', message: /10\.32\.0\.9, claimed for c, is held by d on aeaqcaib/ },
    },
  ])
})

t.test('a lease in a block that was lost is kept, disputed, and never given again', async t => {
  const { a } = pair()
  a.allocate({ id: 'x', container: 'c' }, 0)
  drain(a)
  a.setStatements(B, 0, record([{ first: 0, count: 4, owners: [A, B] }]), 1)
  const lease = { container: 'c', cidr: '10.32.0.1/24', owner: B }
  t.strictSame(a.report().disputed, [{ ...lease, isAsked: true }], 'until its owner has said that it does not lend it')
  t.match(drain(a), [{ type: 'publish', value: undefined }], 'what was superseded is not stated any more')
  a.allocate({ id: 'y', container: 'c' }, 2)
  t.match(drain(a), [{ type: 'done', cidrs: [cidr('10.32.0.1/24')] }], 'its container keeps it')
  a.claim({ id: 'z', container: 'd', cidr: cidr('10.32.0.1/24') }, 3)
  t.match(drain(a), [{ type: 'failed', error: { code: 'ADDRESS_TAKEN' } }])
  a.allocate({ id: 'w', container: 'd' }, 4)
  t.match(drain(a), [], 'nothing is left to give')
})

t.test('a block whose later owner was forgotten is nobody’s, not ours again', async t => {
  const { a, b } = pair()
  a.handleRequest(B, { kind: 'ipam-request', id: 1, subnet: RANGE }, 1)
  share(a, A, [b], 1)
  share(b, B, [a], 2)
  drain(a)
  t.equal(a.registerOf(3)?.owner, B)
  a.setStatements(B, 0, undefined, 3)
  t.equal(a.registerOf(3), undefined)
  t.equal(a.isOwn(3), false)
  a.setStatements(A, 0, record([{ first: 0, count: 4, owners: [A] }]), 5)
  t.equal(a.isOwn(3), false, 'an echo of the founding does not bring it back')
  t.equal(a.isOwn(0), true)
  t.equal(a.report().unownedBlocks, 2)
})

t.test('own records restored, in any order, give the state before, and publish nothing', async t => {
  const { a, b } = pair()
  a.handleRequest(B, { kind: 'ipam-request', id: 1, subnet: RANGE }, 1)
  const last = share(a, A, [], 1).findLast(output => output.type === 'publish')
  const own = last?.type === 'publish' ? last.value : undefined
  // C handed a block to A long ago, and its record of that is restored before A's own.
  const old = record([{ first: 0, count: 1, owners: [A] }])
  const back = unstarted({ self: A, range: RANGE })
  back.setStatements(C, 0, old, 0)
  back.setStatements(A, 0, own, 0)
  back.start(0)
  t.same(drain(back), [])
  t.same(ownersOf(back), ownersOf(a))
  t.equal(back.isOwn(3), false)
  t.ok(b)
})

t.test('peers with another range are told apart and named', async t => {
  const b = ipam({ self: B, range: RANGE })
  const value = record([{ first: 0, count: 4, owners: [A] }], cidr('10.40.0.0/24'))
  t.match(b.setStatements(A, 0, value, 0), { reason: 'blocks-range-differs' })
  t.equal(b.isReady, false)
  t.match(b.report(), {
    reason: /aeaqcaib manages 10\.40\.0\.0\/24 in \/26 blocks, this peer 10\.32\.0\.0\/24/,
    otherRanges: [{ peer: A }],
  })
  b.setStatements(A, 0, undefined, 1)
  t.same(b.report().otherRanges, [])
})

t.test('a malformed record, or one past the range, counts as none', async t => {
  const { b } = pair()
  t.match(b.setStatements(A, 0, new Uint8Array(3), 1), { reason: 'blocks-short' })
  t.equal(b.isReady, false)
  const tooLong = record([{ first: 0, count: 5, owners: [A] }])
  t.match(b.setStatements(A, 0, tooLong, 1), { reason: 'blocks-segment' })
  t.match(b.setStatements(A, 65535, record([]), 1), { reason: 'blocks-segment' })
  t.equal(b.isReady, false)
})

t.test('a peer that joins another mesh gives up all it knew', async t => {
  let meshId = MESH_ID
  const a = ipam({ self: A, range: RANGE, meshId: () => meshId })
  a.found(SALT, 0)
  a.allocate({ id: 'x', container: 'c' }, 0)
  drain(a)
  a.abandon(1)
  t.match(drain(a), [
    { type: 'publish', page: 0, value: undefined },
    { type: 'assign', strip: RANGE.address },
  ])
  t.match(a.report(), { state: 'waiting', disputed: [{ container: 'c' }] })
  t.equal(a.found(SALT, 2), false)
  t.match(a.setStatements(C, 0, foundedBy(C), 3), { reason: 'blocks-unproved' }, 'of a mesh that is not this one')
  meshId = meshIdOf(suite, { founder: C, salt: SALT })
  t.equal(a.setStatements(C, 0, foundedBy(C), 3), undefined)
  t.equal(a.registerOf(0)?.owner, C)
  t.equal(a.lookup('c')[0]?.address, ip('10.32.0.1'))
})

/** All blocks, of a mesh that this peer founded. */
function foundedBy(founder: PeerId): Uint8Array {
  const founding = { founder, salt: SALT }
  const roots = [{ type: 'founding', founding }] as const
  return encodeBlocksRecord({
    range: RANGE,
    blockPrefix: 26,
    roots,
    grants: [],
    runs: [{ first: 0, count: 4, title: ROOT_REF }],
  })
}

t.test('a request that comes after its peer was lost is answered no more: that one may just be taken over', async t => {
  const [late, there] = [peer(2), peer(3)]
  const machine = ipam()
  machine.found(SALT, 0)
  machine.setReachable(new Set([late, there]), 0)
  machine.setReachable(new Set([there]), 1_000, new Set([late, there]))
  drain(machine)
  const request = { kind: 'ipam-request', id: 1, subnet: machine.space.range } as const
  t.ok(machine.isLost(late))
  machine.handleRequest(late, request, 1_001)
  t.same(drain(machine), [])
  t.same(
    machine.report().perPeer.map(one => one.peer),
    [peer(1)],
  )
  machine.handleRequest(there, request, 1_001)
  t.ok(drain(machine).some(output => output.type === 'send' && output.to === there))
  machine.setReachable(new Set([late, there]), 2_000)
  machine.handleRequest(late, request, 2_001)
  t.ok(
    drain(machine).some(output => output.type === 'send' && output.to === late),
    'it is back, and asks again',
  )
  machine.handleRequest(peer(9), request, 2_002)
  t.ok(
    drain(machine).some(output => output.type === 'send' && output.to === peer(9)),
    'so is one not heard of yet',
  )
})
