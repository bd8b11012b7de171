import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { PATH_PINGS_BURST } from '../../../lib/daemon/constants.ts'
import { routeView } from '../../../lib/daemon/status/routes.ts'
import { WaysService } from '../../../lib/daemon/ways-service.ts'
import type { PeerWay, PingEnd } from '../../../lib/node/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { endpoint, nodeReport, path, peer } from '../../support/node-reports.ts'

const [FAR, RELAY] = [peerNumber(1), peerNumber(2)]
const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const ref = (id: string) => ({ id, nickname: id === FAR ? 'n1' : 'n2' })
const direct = path(FAR, { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 1 })

/** A service on a node whose pings end as given, at once. */
function service(ends: readonly PingEnd[], isReachable = true) {
  const asked: { peer: string; waitMs: number }[] = []
  const node = {
    view: {
      nicknameOf: (id: string) => ref(id).nickname,
      peer: () => undefined,
      reachable: new Set(isReachable ? [FAR] : []),
    },
    ways: () => [],
    ping: (id: string, waitMs: number, onEnd: (end: PingEnd) => void) => {
      const end = ends[asked.push({ peer: id, waitMs }) - 1]
      if (end !== undefined) onEnd(end)
      return end !== undefined
    },
  }
  const runner = {
    node,
    report: () => nodeReport({ peers: [peer(1)] }),
    input: (give: (from: typeof node, now: number) => unknown) => give(node, 0),
  }
  let exact = 0
  const { calls } = new WaysService({
    runner: runner as never,
    peersAt: () => undefined,
    now: () => 0,
    exactNow: () => (exact += 0.4),
  })
  const ping = async (name = 'n1') => calls.ping({ peer: name, timeoutSeconds: 0.5 }, context)
  return { ping, asked }
}

t.test('an answer comes with the path and a time finer than that of the node', async t => {
  const { ping, asked } = service([
    { rttMs: 1, sentAt: 0, path: direct },
    { rttMs: 50, sentAt: 400, path: direct },
  ])
  t.match(await ping(), {
    ...{ peer: { id: FAR, nickname: 'n1' }, isAnswered: true, rttMs: 0.4, why: null },
    path: { kind: 'direct', endpoint: '192.0.2.1:6783' },
  })
  t.same(asked, [{ peer: FAR, waitMs: 500 }])
  t.equal((await ping()).rttMs, 50, 'one that waited for its path is known to milliseconds')
})

t.test('no answer says why', async t => {
  const none = path(FAR, { kind: 'none', why: 'no answer to UDP probes' })
  const lost = { rttMs: undefined, sentAt: undefined }
  const { ping } = service([
    { ...lost, sentAt: 3, path: direct },
    { ...lost, path: none },
    { ...lost, path: undefined },
  ])
  t.match(await ping(), { isAnswered: false, rttMs: null, why: 'no answer came in time' })
  t.match(await ping(), { why: 'there is no path: no answer to UDP probes' })
  t.match(await ping(), { why: 'there is no session with it yet', path: null })
  t.match(await service([{ ...lost, path: undefined }], false).ping(), { why: /^no link leads to it/ })
})

t.test('whom it does not know it does not ask, and of too many it sends none', async t => {
  const { ping, asked } = service(Array(PATH_PINGS_BURST).fill({ rttMs: 1, sentAt: 0, path: direct }))
  await t.rejects(ping('nobody'), { code: 'PEER_UNKNOWN' })
  for (let i = 0; i < PATH_PINGS_BURST; i++) await ping()
  await t.rejects(ping(), { code: 'DAEMON_BUSY' })
  t.equal(asked.length, PATH_PINGS_BURST)
  await t.rejects(service([]).ping(), { code: 'DAEMON_BUSY' }, 'the node has too many')
})

t.test('a route says what frames take, and why', async t => {
  const hops = [
    { peer: RELAY, rttClass: 0 },
    { peer: FAR, rttClass: 2 },
  ]
  const way: PeerWay = { peer: FAR, isReachable: true, state: undefined, hops, cost: 5, leastCost: 5 }
  const view = (parts: Partial<PeerWay>) => routeView({ ...way, ...parts }, ref)
  t.match(view({ state: direct.state, hops: hops.slice(1) }), {
    kind: 'direct',
    via: null,
    rttMs: 1,
    why: /no peer is between/,
  })
  const relayed = { kind: 'relayed', via: RELAY, rttMs: 9, why: 'no answer' } as const
  t.match(view({ state: relayed }), {
    ...{ kind: 'relayed', endpoint: null, via: { id: RELAY }, rttMs: 9, cost: 5 },
    way: [
      { peer: { id: RELAY }, rttClass: 0 },
      { peer: { id: FAR }, rttClass: 2 },
    ],
    why: 'not direct: no answer; the cheapest of the ways through others (2 hops, cost 5)',
  })
  t.match(view({ state: relayed, leastCost: 4.5 }).why, /kept \(2 hops, cost 5\), though one costs 4\.5/)
  t.match(view({ state: { kind: 'none', why: 'waiting' } }), { kind: 'none', rttMs: null, why: 'no path yet: waiting' })
  t.match(view({}), { kind: 'idle', via: { id: RELAY }, why: /^no session now: / })
  t.match(view({ hops: [], cost: undefined, isReachable: false }), {
    via: null,
    cost: null,
    why: 'no link leads to it',
  })
  t.match(view({ hops: [], cost: undefined }).why, 'no data path leads to it')
})
