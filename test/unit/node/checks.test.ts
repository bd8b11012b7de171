import t from 'tap'
import fc from 'fast-check'
import { endpointOf, type PeerId } from '../../../lib/address/mod.ts'
import { isDrop } from '../../../lib/base/mod.ts'
import { Checks, type NeighbourCheck } from '../../../lib/node/checks.ts'
import { CHECKS_MAX, CHECK_BURST } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import type { NodeOutput } from '../../../lib/node/mod.ts'
import {
  decodeCheckBody,
  decodeCheckedBody,
  decodeLinkMessage,
  encodeCheckBody,
  encodeCheckedBody,
  type CheckResult,
} from '../../../lib/wire/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const [NEAR, OTHER] = [peerNumber(1), peerNumber(2)] as const
const DIALLED = endpointOf(Uint8Array.of(192, 0, 2, 7), 41_234)
const LISTENS = endpointOf(Uint8Array.of(192, 0, 2, 7), 7_000)

/** A part with two neighbours, and what it does. */
function setUp() {
  const sent: { readonly to: PeerId; readonly type: string; readonly body: Uint8Array }[] = []
  const looks: NeighbourCheck[] = []
  const drops: string[] = []
  const links = new Map([NEAR, OTHER].map((peer, i) => [peer, i + 1]))
  const checks = new Checks({
    config: { chance: seededChance(1) },
    neighbours: {
      neighbour: (peer: PeerId) =>
        links.has(peer)
          ? { peerId: peer, connection: links.get(peer), endpoint: DIALLED, hello: { port: 7_000 } }
          : undefined,
      send: (to: PeerId, bytes: Uint8Array) => {
        const message = decodeLinkMessage(bytes)
        if (links.has(to) && !isDrop(message) && 'body' in message)
          sent.push({ to, type: message.type, body: message.body })
        return links.has(to)
      },
    },
    emit: (output: NodeOutput) => void (output.type === 'check' && looks.push(output.check)),
    drop: (reason: string) => void drops.push(reason),
  } as unknown as NodeContext)
  const ends: (CheckResult | undefined)[] = []
  const ask = (peer = NEAR, subject: 'clock' | 'dialBack' = 'clock', now = 0) =>
    checks.begin(peer, subject, 3_000, end => ends.push(end), now)
  const tokenAt = (i: number) => {
    const asked = decodeCheckBody(sent[i]!.body)
    return isDrop(asked) ? -1 : asked.token
  }
  const answer = (from: PeerId, token: number, result: CheckResult) =>
    checks.handleMessage(from, { type: 'checked', body: encodeCheckedBody(token, result) }, 1)
  const isAsked = (subject: 'clock' | 'dialBack', now = 0, from = NEAR) =>
    checks.handleMessage(from, { type: 'check', body: encodeCheckBody({ token: 9, subject }) }, now)
  return { checks, sent, looks, drops, links, ends, ask, tokenAt, answer, isAsked }
}

t.test('the answer of the neighbour that was asked, to its token and subject, ends a question once', async t => {
  const { checks, ask, answer, ends, tokenAt, drops } = setUp()
  t.ok(ask())
  const token = tokenAt(0)
  t.same(checks.pollTimeout(), { at: 3_000, reason: 'check' })
  const clock = { subject: 'clock', timeMs: 5_000 } as const
  answer(OTHER, token, clock)
  answer(NEAR, token + 1, clock)
  answer(NEAR, token, { subject: 'dialBack', endpoint: LISTENS, why: undefined })
  t.strictSame(ends, [])
  answer(NEAR, token, clock)
  answer(NEAR, token, clock)
  t.strictSame(ends, [clock])
  t.strictSame(drops, Array(4).fill('check-unexpected'))
  t.equal(checks.pollTimeout(), undefined)
})

t.test('no answer ends it in time; who is no neighbour is not asked, nor more than a limit', async t => {
  const { checks, ask, ends } = setUp()
  t.notOk(ask(peerNumber(3)))
  ask()
  checks.handleTimeout(2_999)
  t.strictSame(ends, [])
  checks.handleTimeout(3_000)
  t.strictSame(ends, [undefined])
  for (let i = 0; i < CHECKS_MAX; i++) t.ok(ask())
  t.notOk(ask())
})

t.test(
  'a neighbour is dialled where its link comes from, on the port where it listens, and told what came of it',
  async t => {
    const { checks, isAsked, looks, sent } = setUp()
    isAsked('clock')
    isAsked('dialBack')
    t.strictSame(looks, [
      { peer: NEAR, token: 9, subject: 'clock' },
      { peer: NEAR, token: 9, subject: 'dialBack', endpoint: LISTENS },
    ])
    const found = { subject: 'dialBack', endpoint: LISTENS, why: 'ECONNREFUSED' } as const
    checks.handleChecked(looks[1]!, found, 1)
    t.match(sent, [{ to: NEAR, type: 'checked' }])
    t.strictSame(decodeCheckedBody(sent[0]!.body), { token: 9, result: found })
  },
)

t.test('a neighbour that asks too much is not heard, and dialled once at a time', async t => {
  const { checks, isAsked, looks, drops, links } = setUp()
  isAsked('dialBack')
  isAsked('dialBack')
  t.equal(looks.length, 1)
  checks.handleChecked(looks[0]!, { subject: 'dialBack', endpoint: LISTENS, why: undefined }, 1)
  for (let i = 0; i < 50; i++) isAsked('clock')
  t.equal(looks.length, CHECK_BURST)
  isAsked('clock', 0, OTHER)
  t.equal(looks.length, CHECK_BURST + 1, 'others are')
  t.ok(drops.every(reason => reason === 'check-rate'))
  links.set(NEAR, 10)
  isAsked('clock', 1)
  t.equal(looks.length, CHECK_BURST + 1, 'a link that is made anew gives it no more')
  isAsked('clock', 1_001)
  t.equal(looks.length, CHECK_BURST + 2)
})

t.test('what is no question and no answer is dropped, and a reason is printable', async t => {
  const { checks, ask, answer, ends, tokenAt, looks } = setUp()
  for (const type of ['check', 'checked'] as const)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), body => checks.handleMessage(NEAR, { type, body }, 1)))
  t.ok(looks.length <= CHECK_BURST + 1)
  ask(NEAR, 'dialBack')
  answer(NEAR, tokenAt(0), { subject: 'dialBack', endpoint: LISTENS, why: 'no\u001b[2J' })
  t.match(ends, [{ why: 'no?[2J' }])
})

t.test('in a mesh a neighbour tells its clock, and whether it reaches the one that dialled it', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 2, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(10_000)
  const [a, b] = mesh.hosts as [(typeof mesh.hosts)[0], (typeof mesh.hosts)[0]]
  b.aheadMs = 60_000
  const ends: (CheckResult | undefined)[] = []
  for (const subject of ['clock', 'dialBack'] as const)
    a.input((node, now) => node.check(b.identity.peerId, subject, 3_000, end => ends.push(end), now))
  mesh.run(1_000)
  t.match(
    ends.find(one => one?.subject === 'dialBack'),
    { why: undefined },
  )
  const clock = ends.find(one => one?.subject === 'clock')
  t.ok(clock?.subject === 'clock' && Math.abs(clock.timeMs - a.now - 60_000) < 2_000)
  t.equal(b.node.neighbours.count, 1)
  t.strictSame(
    [a, b].flatMap(host => host.node.neighbours.failedInbound(host.now)),
    [],
    'a connection that only opened is no failed link',
  )
})
