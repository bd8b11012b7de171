import t from 'tap'
import type { PathView, PingAnswer, PeerRouteView } from '../../../lib/api/mod.ts'
import { pingOptions, pingPeer, renderSummary, pingSummary } from '../../../lib/cli/ping.ts'
import { renderRoutes, renderRttClass } from '../../../lib/cli/render-ways.ts'
import { isTraced, renderTrace, tracePeer } from '../../../lib/cli/trace.ts'

const FAR = { id: 'c'.repeat(26), nickname: 'far' }
const RELAY = { id: 'b'.repeat(26), nickname: 'mid' }
const [far, mid] = ['cccccccc(far)', 'bbbbbbbb(mid)']
const PATH = { rttMs: 1, cipher: 'aes-256-gcm', keyAgeSeconds: 70, mtu: 1_500, carries: 1_400, lossPercent: 0 }
const DIRECT = { ...PATH, kind: 'direct', endpoint: '192.0.2.1:6783', via: null, why: null } as PathView
const RELAYED = { ...PATH, kind: 'relayed', endpoint: null, via: RELAY, why: 'no answer to UDP probes' } as PathView
const answer = (path: PathView | null, rttMs: number | null, why: string | null = null): PingAnswer => ({
  ...{ peer: FAR, isAnswered: rttMs !== null, rttMs, path, why },
})
const ROUTE: PeerRouteView = {
  ...{ peer: FAR, isReachable: true, kind: 'relayed', endpoint: null, via: RELAY, rttMs: 0.4, cost: 9 },
  way: [
    { peer: RELAY, rttClass: 0 },
    { peer: FAR, rttClass: 4 },
  ],
  why: 'not direct',
}

/** A daemon that answers pings in turn, and notes what it is asked. */
function daemon(pings: readonly PingAnswer[], routes: readonly PeerRouteView[] = []) {
  const asked: string[] = []
  const call = (name: string, request: { peer: string }) => {
    if (name === 'routes') return Promise.resolve({ routes })
    asked.push(request.peer)
    return Promise.resolve(pings[Math.min(asked.length, pings.length) - 1])
  }
  return { client: { call } as never, asked }
}

t.test('ping tells of each answer, of a change of the path, and what all amount to', async t => {
  const { client, asked } = daemon([
    answer(RELAYED, 12.34),
    answer(DIRECT, 0.456),
    answer(DIRECT, null, 'no answer came in time'),
  ])
  const lines: string[] = []
  const run = {
    onLine: (line: string) => lines.push(line),
    signal: new AbortController().signal,
    wait: async () => undefined,
  }
  const answers = await pingPeer(client, 'far', { count: 3, intervalMs: 0, timeoutSeconds: 1 }, run)
  t.same(asked, ['far', FAR.id, FAR.id], 'by id, once that is known')
  t.same(lines, [
    `1: answer from ${far} via relay ${mid} in 12.3 ms`,
    `   path changed: relay ${mid} > direct 192.0.2.1:6783`,
    `2: answer from ${far} via direct 192.0.2.1:6783 in 0.46 ms`,
    `3: no answer from ${far} via direct 192.0.2.1:6783: no answer came in time`,
  ])
  const summary = pingSummary(answers)!
  t.match(summary, { sent: 3, answered: 2, rttMs: { min: 0.456, max: 12.34 }, pathChanges: 1 })
  t.same(renderSummary(summary).split('\n'), [
    `--- ${far}: 3 sent, 2 answered, 33 % lost`,
    'rtt min/avg/max 0.46 ms / 6.4 ms / 12.3 ms',
    'the path changed once',
  ])
  t.equal(pingSummary([]), undefined)
  t.equal(renderSummary(pingSummary([answer(null, null, 'no way')])!), `--- ${far}: 1 sent, 0 answered, 100 % lost`)
})

t.test('an interrupted ping ends with what it has', async t => {
  const abort = new AbortController()
  const run = { onLine: () => undefined, signal: abort.signal, wait: async () => abort.abort() }
  t.equal(
    (await pingPeer(daemon([answer(DIRECT, 1)]).client, 'far', { count: 0, intervalMs: 0, timeoutSeconds: 1 }, run))
      .length,
    1,
  )
})

t.test('options that make no sense are refused', async t => {
  const given = { count: '4', interval: '1', timeout: '1' }
  t.same(pingOptions(given), { count: 4, intervalMs: 1_000, timeoutSeconds: 1 })
  for (const wrong of [{ count: '1.5' }, { count: '-1' }, { interval: '0.01' }, { timeout: '31' }, { timeout: 'x' }])
    t.throws(() => pingOptions({ ...given, ...wrong }), { code: 'USAGE' })
})

t.test('trace asks every peer on the way, and shows the state of the path to each', async t => {
  const { client, asked } = daemon([answer(RELAYED, 5)], [ROUTE])
  const trace = await tracePeer(client, 'far', 1)
  t.same(asked, ['far', RELAY.id, RELAY.id, RELAY.id, FAR.id, FAR.id, FAR.id])
  t.ok(isTraced(trace))
  t.match(renderTrace(trace).split('\n'), [
    `${far} by the way of ${mid} > ${far}, cost 9 (in units of 4 ms)`,
    '   not direct',
    /^ 1 .*5\.0 ms {2}5\.0 ms {2}5\.0 ms {2}edge <4 ms$/,
    /^ {6}relay bbbbbbbb\(mid\), aes-256-gcm, keys 1m10s old.*: no answer to UDP probes$/,
    /^ 2 .*edge 32-64 ms$/,
    /./,
  ])
  const lost = await tracePeer(daemon([answer(null, null, 'no link leads to it')]).client, 'far', 1)
  t.notOk(isTraced(lost))
  t.match(renderTrace(lost), /by the way of \? .*\n.*\n 1 .*\* {2}\* {2}\*\n {6}no path: no link leads to it$/)
})

t.test('routes are a table: next hop, times, the whole way, why', async t => {
  const direct: PeerRouteView = {
    ...ROUTE,
    ...{ kind: 'direct', endpoint: '192.0.2.1:6783', via: null, way: ROUTE.way.slice(1), rttMs: 33, why: 'answers' },
  }
  const lost: PeerRouteView = { ...ROUTE, kind: 'idle', via: null, way: [], rttMs: null, why: 'no link' }
  t.same(
    renderRoutes([ROUTE, direct, lost])
      .split('\n')
      .map(line => line.split(/ {2,}/)),
    [
      ['PEER', 'PATH', 'NEXT HOP', 'RTT', 'CLASS', 'WAY', 'WHY'],
      [far, 'relayed', mid, '<1 ms', '<4 ms + 32-64 ms', `${mid} > ${far}`, 'not direct'],
      [far, 'direct', '192.0.2.1:6783', '33 ms', '32-64 ms', far, 'answers'],
      [far, 'idle', '-', '-', '-', `? ${far}`, 'no link'],
    ],
  )
  t.equal(renderRoutes([]), '')
  t.equal(renderRttClass(1), '4-8 ms')
})
