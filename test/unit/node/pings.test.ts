import t from 'tap'
import fc from 'fast-check'
import { PINGS_MAX } from '../../../lib/node/constants.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { Pings, type PingEnd } from '../../../lib/node/pings.ts'
import { encodeProbe, encodeProbeReply } from '../../../lib/wire/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { SimMesh } from '../../support/sim-mesh.ts'

const [NEAR, OTHER] = [peerNumber(1), peerNumber(2)] as const

/** Pings over paths that do as the test says. */
function setUp() {
  const tokens: number[] = []
  const wanted: string[] = []
  const way = { isThere: true }
  const state = { kind: 'direct', rttMs: 1 }
  const context = { config: { chance: seededChance(1) } } as unknown as NodeContext
  const paths = {
    path: () => ({ report: () => ({ state }) }),
    want: (peer: string) => void wanted.push(peer),
    ask: (_peer: string, token: number) => way.isThere && tokens.push(token) > 0,
  } as never
  const ends: PingEnd[] = []
  const pings = new Pings(context, paths)
  const begin = (now: number, waitMs = 1_000) => pings.begin(NEAR, waitMs, end => ends.push(end), now)
  return { pings, begin, ends, tokens, wanted, way }
}

t.test('an answer to its token from its peer ends a ping, once, with the time that it took', async t => {
  const { pings, begin, ends, tokens, wanted } = setUp()
  t.ok(begin(10))
  t.same(wanted, [NEAR], 'the path is kept for it')
  t.same(pings.pollTimeout(), { at: 1_010, reason: 'ping' })
  pings.handleControl(OTHER, encodeProbeReply(tokens[0]!, ''), 12)
  pings.handleControl(NEAR, encodeProbeReply(tokens[0]! + 1, ''), 12)
  pings.handleControl(NEAR, encodeProbe(tokens[0]!), 12)
  t.same(ends, [], 'neither another peer, nor another token, nor what is no answer')
  for (const now of [17, 18]) pings.handleControl(NEAR, encodeProbeReply(tokens[0]!, ''), now)
  t.match(ends, [{ rttMs: 7, sentAt: 10, path: { state: { kind: 'direct' } } }])
  t.equal(pings.pollTimeout(), undefined)
})

t.test('without an answer it ends in time', async t => {
  const { pings, begin, ends, tokens } = setUp()
  begin(0)
  pings.handleTimeout(999)
  t.same(ends, [])
  pings.handleTimeout(1_000)
  t.match(ends, [{ rttMs: undefined, sentAt: 0 }])
  pings.handleControl(NEAR, encodeProbeReply(tokens[0]!, ''), 1_001)
  t.equal(ends.length, 1, 'what comes later is nothing')
})

t.test('it waits for a path, and is measured from when it was sent', async t => {
  const { pings, begin, ends, tokens, way } = setUp()
  way.isThere = false
  begin(0)
  begin(0, 20)
  for (let next = pings.pollTimeout(); next !== undefined && next.at < 200; next = pings.pollTimeout())
    pings.handleTimeout(next.at)
  t.match(ends, [{ rttMs: undefined, sentAt: undefined }], 'the impatient one had no way')
  way.isThere = true
  pings.handleTimeout(pings.pollTimeout()!.at)
  pings.handleControl(NEAR, encodeProbeReply(tokens[0]!, ''), 223)
  t.match(ends[1], { rttMs: 3, sentAt: 220 })
})

t.test('there are not more than a limit at once, whatever comes in', async t => {
  const { pings, begin, ends, tokens } = setUp()
  for (let i = 0; i < PINGS_MAX; i++) t.ok(begin(0))
  t.notOk(begin(0))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => pings.handleControl(NEAR, bytes, 1)))
  pings.handleTimeout(1_000)
  t.equal(ends.length, PINGS_MAX)
  t.equal(new Set(tokens).size, PINGS_MAX)
  t.ok(begin(2_000))
})

t.test('whole peers answer each other, and the ways tell of the path', async t => {
  const mesh = new SimMesh({ seed: 3, peers: 2, sealing: 'none' })
  mesh.launchAll(50)
  mesh.run(10_000)
  const peer = mesh.host(1).node.config.identity.peerId
  const ends: PingEnd[] = []
  mesh.host(0).input((node, now) => node.ping(peer, 1_000, end => ends.push(end), now))
  mesh.run(1_100)
  t.match(ends, [{ path: { state: { kind: 'direct' }, peerId: peer } }])
  t.ok(ends[0]!.rttMs! > 0 && ends[0]!.rttMs! < 500)
  t.match(mesh.host(0).node.ways(), [{ peer, isReachable: true, state: { kind: 'direct' }, hops: [{ peer }] }])
  mesh.network.partition([0, 1])
  mesh.host(0).input((node, now) => node.ping(peer, 1_000, end => ends.push(end), now))
  mesh.run(1_100)
  t.match(ends[1], { rttMs: undefined })
})
