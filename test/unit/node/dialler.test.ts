import t from 'tap'
import fc from 'fast-check'
import { parseEndpoint, peerIdFromBytes, type Endpoint, type PeerId } from '../../../lib/address/mod.ts'
import {
  DIAL_DEADLINE_MS,
  LASTING_LINK_MS,
  REFUSED_RETRY_MS,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
  CONTACTS_MAX,
  RETRY_ALONE_MS,
  SPREAD_FIRST_MS,
  SPREAD_LAST_MS,
  SPREAD_PER_PEER_MS,
} from '../../../lib/node/constants.ts'
import { Dialler, dialSpreadMs, type DiallerOutput } from '../../../lib/node/dialler.ts'
import { FULL_MESH_PEERS } from '../../../lib/topology/mod.ts'

const PEER = peerIdFromBytes(new Uint8Array(16).fill(1))
const ONE = parseEndpoint('192.0.2.1:6783')!
const TWO = parseEndpoint('192.0.2.2:6783')!

function world(roamedTo: () => Endpoint | undefined = () => undefined) {
  const neighbours = new Set<PeerId>()
  let next = 1
  const dialler = new Dialler({
    chance: () => 0.5,
    nextConnection: () => next++,
    isReached: peer => neighbours.has(peer),
    isAlone: () => neighbours.size === 0,
    roamedTo,
  })
  const drain = () => {
    const outputs: DiallerOutput[] = []
    for (let output = dialler.pollOutput(); output !== undefined; output = dialler.pollOutput()) outputs.push(output)
    return outputs
  }
  const at = (now: number) => {
    dialler.handleTimeout(now)
    return drain()
  }
  /** The next time at which it does something, and what. */
  const next1 = () => {
    const due = dialler.pollTimeout()
    return { at: due?.at ?? -1, outputs: due === undefined ? [] : at(due.at) }
  }
  return { dialler, neighbours, drain, at, next: next1 }
}

/** What is dialled in vain until then, where the name leads to ONE. */
function dialsUntil(w: ReturnType<typeof world>, until: number): Endpoint[] {
  const dials: Endpoint[] = []
  for (let due = w.dialler.pollTimeout(); due !== undefined && due.at < until; due = w.dialler.pollTimeout()) {
    for (const output of w.at(due.at)) if (output.type === 'resolve') w.dialler.handleResolved('ada', [ONE], due.at)
    for (const output of w.drain()) {
      if (output.type !== 'dial') continue
      dials.push(output.endpoint)
      w.dialler.handleDialFailed(output.connection, 'no route', due.at)
    }
  }
  return dials
}

/** Configured, resolved and dialled: the connection. */
function dialled(w: ReturnType<typeof world>, text = 'ada', endpoints: readonly Endpoint[] = [ONE], now = 0): number {
  w.dialler.configure([text], now)
  w.at(now)
  w.dialler.handleResolved(text, endpoints, now)
  const output = w.drain().find(({ type }) => type === 'dial')
  return output?.type === 'dial' ? output.connection : -1
}

t.test('dials a configured contact also where data of its peer comes from, at once when that is new', t => {
  const heard: Endpoint[] = []
  const w = world(() => heard[0])
  const connection = dialled(w)
  w.dialler.handleUp(connection, PEER, 0)
  w.dialler.handleEnded(connection, PEER, 'silence', 1_000)
  w.dialler.handleRoamed(PEER, ONE, 1_000)
  const late = dialsUntil(w, 100_000)
  t.same([...new Set(late)], [ONE], 'what is dialled already is no news')
  heard.push(TWO)
  w.dialler.handleRoamed(PEER, TWO, 100_000)
  const soon = dialsUntil(w, 102_000)
  t.ok(soon.includes(TWO), soon.join())
  t.ok(soon.includes(ONE), 'and where it was named')
  t.end()
})

t.test('a name that leads nowhere any more is no obstacle to that', t => {
  const w = world(() => TWO)
  const connection = dialled(w)
  w.dialler.handleUp(connection, PEER, 0)
  w.dialler.handleEnded(connection, PEER, 'silence', 1_000)
  w.next()
  w.dialler.handleResolved('ada', 'no such name', 2_000)
  t.match(w.drain(), [{ type: 'dial', endpoint: TWO }])
  t.end()
})

t.test('resolves a configured contact anew for every attempt, then dials it', t => {
  const w = world()
  w.dialler.configure(['ada'], 0)
  t.same(w.at(0), [{ type: 'resolve', contact: 'ada' }])
  w.dialler.handleResolved('ada', [ONE], 0)
  t.same(w.drain(), [{ type: 'dial', connection: 1, endpoint: ONE }])
  w.dialler.handleDialFailed(1, 'refused', 5)
  t.match(w.dialler.contacts[0], { state: 'waiting', lastError: 'refused', attempts: 1 })
  t.same(w.next().outputs, [{ type: 'resolve', contact: 'ada' }])
  t.end()
})

t.test('waits longer after each failed round, up to the limit, and starts short again after a success', t => {
  const w = world()
  w.neighbours.add(peerIdFromBytes(new Uint8Array(16).fill(2)))
  let connection = dialled(w)
  const waits: number[] = []
  let now = 0
  for (let i = 0; i < 12; i++) {
    w.dialler.handleDialFailed(connection, 'refused', now)
    const due = w.next()
    waits.push(due.at - now)
    now = due.at
    w.dialler.handleResolved('ada', [ONE], now)
    connection = (w.drain()[0] as { connection: number }).connection
  }
  t.same(waits.slice(0, 4), [1_000, 2_000, 4_000, 8_000])
  t.equal(waits.at(-1), RETRY_LAST_MS)
  w.dialler.handleDialled(connection)
  w.dialler.handleUp(connection, PEER, now)
  t.match(w.dialler.contacts[0], { state: 'connected', attempts: 0, peerId: PEER })
  now += LASTING_LINK_MS
  w.dialler.handleEnded(connection, PEER, 'closed', now)
  t.equal(w.dialler.pollTimeout()!.at - now, 1_000)
  t.end()
})

t.test('who has no link at all never waits long for what the operator named', t => {
  const w = world()
  let connection = dialled(w)
  let [now, waitMs] = [0, 0]
  for (let i = 0; i < 12; i++) {
    w.dialler.handleDialFailed(connection, 'refused', now)
    const due = w.next()
    waitMs = due.at - now
    now = due.at
    w.dialler.handleResolved('ada', [ONE], now)
    connection = (w.drain()[0] as { connection: number }).connection
  }
  t.equal(waitMs, RETRY_ALONE_MS)
  t.end()
})

t.test('a link that ends as soon as it is up does not shorten the wait', t => {
  const w = world()
  let now = 0
  let connection = dialled(w)
  for (const waitMs of [1_000, 2_000, 4_000]) {
    w.dialler.handleUp(connection, PEER, now)
    w.dialler.handleEnded(connection, PEER, 'full', now + 5)
    const due = w.next()
    t.equal(due.at - now, waitMs + 5)
    now = due.at
    w.dialler.handleResolved('ada', [ONE], now)
    connection = (w.drain()[0] as { connection: number }).connection
  }
  t.end()
})

t.test('tries every address of a contact before the wait grows', t => {
  const w = world()
  const first = dialled(w, 'ada', [ONE, TWO])
  w.dialler.handleDialFailed(first, 'refused', 0)
  const soon = w.next()
  t.ok(soon.at < 1_000)
  w.dialler.handleResolved('ada', [ONE, TWO], soon.at)
  t.match(w.drain(), [{ type: 'dial', endpoint: TWO }])
  t.end()
})

t.test('gives up a dial and a resolution at the deadline', t => {
  const w = world()
  const connection = dialled(w)
  t.same(w.at(DIAL_DEADLINE_MS), [{ type: 'close', connection }])
  t.match(w.dialler.contacts[0], { state: 'waiting', lastError: /no answer within 10 s/ })
  const slow = world()
  slow.dialler.configure(['bob'], 0)
  slow.at(0)
  slow.at(DIAL_DEADLINE_MS)
  t.match(slow.dialler.contacts[0], { state: 'waiting', lastError: /no answer for the name bob/ })
  slow.dialler.handleResolved('bob', [ONE], DIAL_DEADLINE_MS + 1)
  t.same(slow.drain(), [], 'a late answer is not acted upon')
  t.end()
})

t.test('does not dial a peer that is a neighbour already, until it goes', t => {
  const w = world()
  const connection = dialled(w)
  w.dialler.handleUp(connection, PEER, 0)
  w.dialler.handleEnded(connection, PEER, 'a second link', 0)
  w.neighbours.add(PEER)
  t.same(w.next().outputs, [])
  w.neighbours.delete(PEER)
  w.dialler.handleLost(PEER, 10_000)
  const due = w.next()
  t.ok(due.at <= 11_500)
  t.same(due.outputs, [{ type: 'resolve', contact: 'ada' }])
  t.end()
})

t.test('after a refusal waits at least as long as it was told', t => {
  const w = world()
  const connection = dialled(w)
  w.dialler.handleEnded(connection, PEER, 'two different meshes', 100, { retryMs: REFUSED_RETRY_MS, isRefusal: true })
  t.equal(w.dialler.pollTimeout()?.at, 100 + REFUSED_RETRY_MS)
  t.match(w.dialler.contacts[0], { refusal: 'two different meshes' })
  w.next()
  w.dialler.handleResolved('ada', 'no such name', 200 + REFUSED_RETRY_MS)
  t.match(w.dialler.contacts[0], { lastError: 'no such name', refusal: 'two different meshes' }, 'there may be a mesh')
  t.end()
})

t.test('a contact that is this peer itself is dialled once, and its address never for others', t => {
  const w = world()
  const connection = dialled(w)
  w.dialler.handleDialled(connection)
  w.dialler.handleOurself(connection, 0)
  t.match(w.dialler.contacts[0], { state: 'ourself', lastError: 'connected to ourself' })
  w.dialler.setDiscovered([{ peerId: PEER, endpoints: [ONE], delayMs: 0 }], 5)
  t.equal(w.dialler.contacts.length, 1, 'nothing is left of the discovered peer to dial')
  t.end()
})

t.test('a name that is this peer’s own is looked up now and then, and dialled when it leads elsewhere', t => {
  const w = world()
  w.dialler.handleOurself(dialled(w), 0)
  const again = w.next()
  t.ok(again.at >= RETRY_LAST_MS / 2, `after ${again.at} ms`)
  t.same(again.outputs, [{ type: 'resolve', contact: 'ada' }])
  w.dialler.handleResolved('ada', [ONE], again.at)
  t.same(w.drain(), [], 'not dialled while it is still so')
  t.match(w.dialler.contacts[0], { state: 'ourself', attempts: 1 })
  const later = w.next()
  w.dialler.handleResolved('ada', [TWO], later.at)
  t.match(w.drain(), [{ type: 'dial', endpoint: TWO }])
  t.end()
})

t.test('of a name for several hosts, this one among them, the others are dialled', t => {
  const w = world()
  w.dialler.handleOurself(dialled(w, 'all', [ONE, TWO]), 5)
  t.match(w.dialler.contacts[0], { state: 'waiting', lastError: 'connected to ourself' })
  const { at } = w.next()
  w.dialler.handleResolved('all', [ONE, TWO], at)
  t.match(w.drain(), [{ type: 'dial', endpoint: TWO }])
  t.end()
})

t.test('after a start in a large mesh each peer dials its contact at a moment of its own', t => {
  t.equal(dialSpreadMs(FULL_MESH_PEERS), 0)
  t.equal(dialSpreadMs(FULL_MESH_PEERS + 1), SPREAD_FIRST_MS)
  t.equal(dialSpreadMs(500), 500 * SPREAD_PER_PEER_MS)
  t.equal(dialSpreadMs(100_000), SPREAD_LAST_MS)
  const w = world()
  w.dialler.configure(['ada'], 0, 5_000)
  const at = w.dialler.pollTimeout()!.at
  t.ok(at > 0 && at < 5_000)
  w.dialler.configure(['ada'], 1)
  t.equal(w.dialler.pollTimeout()!.at, at, 'also when the launch names it again')
  w.at(at)
  w.dialler.handleResolved('ada', 'no such name', at)
  w.dialler.configure(['ada'], at + 1)
  t.equal(w.dialler.pollTimeout()!.at, at + 1, 'and then it is dialled at once when it is named')
  t.end()
})

t.test('a contact that all have lost is dialled by each at a moment of its own', t => {
  const w = world()
  const connection = dialled(w)
  w.dialler.handleUp(connection, PEER, 0)
  w.neighbours.add(PEER)
  w.dialler.handleEnded(connection, PEER, 'full', 0)
  w.next()
  w.neighbours.delete(PEER)
  w.dialler.handleLost(PEER, 10_000, 5_000)
  const { at } = w.dialler.pollTimeout()!
  t.ok(at >= 12_500 && at <= 17_500, `at ${at}`)
  t.end()
})

t.test('discovered contacts live as long as they are named, and a new address ends their wait', t => {
  const w = world()
  const peers = (endpoints: readonly Endpoint[]) => [{ peerId: PEER, endpoints, delayMs: 0 }]
  w.dialler.setDiscovered(peers([ONE]), 0)
  t.match(w.at(0), [{ type: 'dial', endpoint: ONE }])
  for (let now = 0, i = 0; i < 8; i++) {
    w.dialler.handleDialFailed(i + 1, 'timed out', now)
    const due = w.next()
    now = due.at
    if (i === 7) {
      const connection = (due.outputs[0] as { connection: number }).connection
      w.dialler.handleDialFailed(connection, 'timed out', now)
      t.ok(w.dialler.pollTimeout()!.at - now > 30_000)
      w.dialler.setDiscovered(peers([TWO, ONE]), now)
      t.equal(w.dialler.pollTimeout()!.at, now)
    }
  }
  w.dialler.setDiscovered([], 10 ** 6)
  t.same(w.dialler.contacts, [])
  t.equal(w.dialler.pollTimeout(), undefined)
  t.end()
})

t.test('a discovered peer that ends each link as soon as it is up is not dialled again whenever it is named', t => {
  const w = world()
  const name = (now: number) => w.dialler.setDiscovered([{ peerId: PEER, endpoints: [ONE], delayMs: 0 }], now)
  name(0)
  let now = 0
  let dials = 0
  for (; now < 60_000; now += 100) {
    for (const output of w.at(now)) {
      if (output.type !== 'dial') continue
      dials++
      w.dialler.handleDialled(output.connection)
      w.dialler.handleUp(output.connection, PEER, now)
      w.dialler.handleEnded(output.connection, PEER, 'full', now)
    }
    name(now)
  }
  t.ok(dials > 3 && dials < 10, `${dials} dials in a minute`)
  t.end()
})

t.test('tells how often a discovered peer could not be dialled, until a link to it lasted', t => {
  const w = world()
  w.dialler.setDiscovered([{ peerId: PEER, endpoints: [ONE, TWO], delayMs: 0 }], 0)
  w.at(0)
  w.dialler.handleDialFailed(1, 'refused', 0)
  t.equal(w.dialler.failedRounds(PEER), 0, 'there is another address')
  let due = w.next()
  w.dialler.handleDialFailed(2, 'refused', due.at)
  t.equal(w.dialler.failedRounds(PEER), 1)
  t.equal(w.dialler.failures, 1)
  due = w.next()
  w.dialler.handleUp(3, PEER, due.at)
  w.dialler.handleEnded(3, PEER, 'full', due.at + 5)
  due = w.next()
  w.dialler.handleUp(4, PEER, due.at)
  w.dialler.handleEnded(4, PEER, 'full', due.at + 5)
  t.equal(w.dialler.failedRounds(PEER), 2, 'a link that ends at once is as good as none')
  due = w.next()
  w.dialler.handleUp(5, PEER, due.at)
  w.dialler.handleEnded(5, PEER, 'closed', due.at + LASTING_LINK_MS)
  t.equal(w.dialler.failedRounds(PEER), 0)
  t.end()
})

t.test('knows the peers that configured contacts led to', t => {
  const w = world()
  const connection = dialled(w)
  t.equal(w.dialler.configuredPeers.size, 0)
  w.dialler.handleUp(connection, PEER, 0)
  t.same([...w.dialler.configuredPeers], [PEER])
  w.dialler.unconfigure(['ada'])
  t.equal(w.dialler.configuredPeers.size, 0)
  t.end()
})

t.test('a contact whose peer is reached through others rests, and is dialled at once when nobody reaches it', t => {
  const w = world()
  const connection = dialled(w)
  w.dialler.handleUp(connection, PEER, 0)
  w.neighbours.add(PEER)
  w.dialler.handleEnded(connection, PEER, 'more links than it needs', LASTING_LINK_MS)
  t.match(w.dialler.contacts, [{ state: 'waiting', isReached: true }])
  for (let round = 0; round < 4; round++) t.same(w.next().outputs, [], 'it rests')
  t.match(w.dialler.contacts, [{ isReached: true, lastError: undefined, attempts: 0 }])
  w.neighbours.delete(PEER)
  w.dialler.handleLost(PEER, 10 ** 6)
  t.match(w.dialler.contacts, [{ isReached: false }])
  t.same(w.at(10 ** 6 + RETRY_FIRST_MS), [{ type: 'resolve', contact: 'ada' }])
  t.end()
})

t.test('unconfigure ends what is under way, and only what was configured', t => {
  const w = world()
  const connection = dialled(w)
  t.same(w.dialler.unconfigure(['ada', 'nobody']), ['ada'])
  t.same(w.drain(), [{ type: 'close', connection }])
  t.same(w.dialler.configured, [])
  w.dialler.handleDialFailed(connection, 'late', 1)
  t.same(w.dialler.contacts, [])
  t.end()
})

t.test('takes no more contacts than it may hold', t => {
  const w = world()
  t.ok(
    w.dialler.configure(
      Array.from({ length: CONTACTS_MAX }, (_, i) => `host-${i}`),
      0,
    ),
  )
  t.notOk(w.dialler.configure(['one-more'], 0))
  t.equal(w.dialler.contacts.length, CONTACTS_MAX)
  t.end()
})

t.test('whatever happens in whatever order, every contact waits for something or is at rest', t => {
  const step = fc.tuple(fc.nat(9), fc.nat(12), fc.nat(20_000))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const w = world()
      let now = 0
      for (const [kind, which, waitMs] of steps) {
        now += waitMs
        w.dialler.handleTimeout(now)
        const text = `t${which % 3}`
        if (kind === 0) w.dialler.configure([text], now)
        else if (kind === 1) w.dialler.unconfigure([text])
        else if (kind === 2) w.dialler.handleResolved(text, which % 2 === 0 ? [ONE, TWO] : 'no such name', now)
        else if (kind === 3) w.dialler.handleDialled(which)
        else if (kind === 4) w.dialler.handleDialFailed(which, 'refused', now)
        else if (kind === 5) w.dialler.handleUp(which, PEER, now)
        else if (kind === 6) w.dialler.handleEnded(which, PEER, 'closed', now)
        else if (kind === 7) w.dialler.handleOurself(which, now)
        else if (kind === 8) w.dialler.handleLost(PEER, now)
        else w.dialler.setDiscovered([{ peerId: PEER, endpoints: [ONE], delayMs: which }], now)
        w.drain()
        for (const contact of w.dialler.contacts) {
          if (contact.state === 'waiting') t.type(contact.retryAt, 'number')
          t.ok(w.dialler.contacts.length <= 4)
        }
      }
    }),
    { numRuns: 200 },
  )
  t.end()
})
