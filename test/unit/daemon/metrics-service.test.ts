import t from 'tap'
import type { Status } from '../../../lib/api/mod.ts'
import { FAMILIES, type FamilyName } from '../../../lib/daemon/metrics/families.ts'
import { MetricsService } from '../../../lib/daemon/metrics-service.ts'
import { statusOf } from '../../../lib/daemon/status/status.ts'
import type { NodeReport } from '../../../lib/node/mod.ts'
import { linked, nodeReport, NOW, path, peer, SELF } from '../../support/node-reports.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'
import { exposedSamples } from '../../support/exposition.ts'
import { peerNumber } from '../../support/graphs.ts'

const FACTS = { version: '1', pid: 1, stateDir: '/s', startedAt: NOW, hasSecret: true, mtu: 1_400 }
const COUNTERS = {
  ...{ 'tap-rx-frames': 11, 'tap-tx-frames': 12, 'tap-rx-bytes': 13, 'tap-tx-bytes': 14 },
  ...{ 'tx-datagrams': 15, 'rx-datagrams': 16, 'tx-bytes': 17, 'rx-bytes': 18, 'tx-handed': 19, 'rx-injected': 20 },
  ...{ relayed: 21, fragmented: 22, reassembled: 23, 'too-big-told': 24, 'local-moves': 25, 'udp-gso-refused': 26 },
  ...{ 'tap-rx-batches': 27, 'tap-tx-writes': 28, 'rx-batches': 29, 'tx-batches': 30, 'drop:auth': 31 },
}

function serviceOf(
  report: NodeReport,
  changes: { status?: Partial<Status>; now?: () => number; asked?: () => void } = {},
) {
  const service = new MetricsService({
    runner: {
      report: () => {
        changes.asked?.()
        return report
      },
      storeTrouble: undefined,
      links: { sentBytes: 1, receivedBytes: 2, established: 3, ended: 4 },
      node: {
        names: { own: () => [{ container: 'c', addresses: ['10.32.0.1', '10.32.0.2'], names: ['a', 'b', 'c'] }] },
      },
    },
    status: () => ({ ...statusOf(report, FACTS, NOW), ...SERVICE_FIELDS, ...changes.status }),
    plane: () => ({
      counters: COUNTERS,
      offloads: { udpGso: true, tapGso: false },
      refused: { rate: 5, strangers: 0 },
    }),
    traffic: () => new Map([[1, { sentDatagrams: 6, sentBytes: 7, receivedDatagrams: 8, receivedBytes: 9 }]]),
    targetIds: () => ['one', 'two'],
    now: changes.now ?? (() => NOW),
  })
  t.teardown(() => service.stop())
  return service
}

const gossip = { eager: [], behind: [], sent: { messages: 32, bytes: 33 }, received: { messages: 34, bytes: 35 } }
const one = peerNumber(1)
const MESH = nodeReport({
  ...linked(1, { rttMs: 4 }),
  peers: [peer(1, { nickname: 'a "b\\c' }), peer(2, { isReachable: false })],
  paths: [
    { ...path(one, { kind: 'direct', endpoint: '192.0.2.1:6783' as never, rttMs: 2 }), lossPercent: 25, rekeys: 3 },
  ],
  parts: { gossip },
  drops: { 'sync-rate': 36 },
})

t.test('every family of the table has samples, each with the labels that the table says', async t => {
  const { body } = await serviceOf(MESH).scrape('text')
  const found = exposedSamples(body.toString())
  t.strictSame([...new Set(found.map(({ family }) => family))].sort(), Object.keys(FAMILIES).sort())
  for (const { family, name, labels } of found) {
    const { labels: wanted, type } = FAMILIES[family as FamilyName]
    const isBare = type === 'histogram' && !name.endsWith('_bucket')
    t.strictSame(Object.keys(labels).sort(), isBare ? [] : [...wanted].sort(), name)
  }
})

t.test('the samples are what the report, the status and the engine say', async t => {
  const { body } = await serviceOf(MESH, { status: { warnings: ['one', 'two'] } }).scrape('text')
  const samples = exposedSamples(body.toString())
  const value = (name: string, labels: Record<string, string> = {}) => {
    const fit = samples.filter(
      sample => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
    )
    t.equal(fit.length, 1, `${name} ${JSON.stringify(labels)}`)
    return fit[0]?.value
  }
  const there = { peer: one, nickname: 'a "b\\c' }
  t.equal(value('weave_ts_info', { peer: SELF, nickname: 'self', version: '1.2.3' }), 1)
  t.equal(value('weave_ts_ready'), 1)
  t.equal(value('weave_ts_warnings'), 2)
  t.equal(value('weave_ts_peers', { reachable: 'yes' }), 1)
  t.equal(value('weave_ts_peers', { reachable: 'no' }), 1)
  t.equal(value('weave_ts_peer_reachable', { peer: peerNumber(2) }), 0)
  t.equal(value('weave_ts_paths', { kind: 'direct' }), 1)
  t.equal(value('weave_ts_connections', { state: 'established' }), 1)
  t.equal(value('weave_connections', { state: 'established', type: 'direct', encryption: 'yes' }), 1)
  t.equal(value('weave_ts_peer_path', { ...there, kind: 'direct' }), 1)
  t.equal(value('weave_ts_peer_rtt_seconds', there), 0.002)
  t.equal(value('weave_ts_peer_link_rtt_seconds', there), 0.004)
  t.equal(value('weave_ts_peer_loss_ratio', there), 0.25)
  t.equal(value('weave_ts_peer_key_age_seconds', there), 4.5)
  t.equal(value('weave_ts_peer_rekeys_total', there), 3)
  t.equal(value('weave_ts_peer_mtu_bytes', there), 1_500)
  t.equal(value('weave_ts_peer_bytes_total', { ...there, direction: 'sent' }), 7)
  t.equal(value('weave_ts_peer_datagrams_total', { ...there, direction: 'received' }), 8)
  t.equal(value('weave_ts_frames_total', { direction: 'from-containers' }), 11)
  t.equal(value('weave_ts_datagram_bytes_total', { direction: 'received' }), 18)
  t.equal(value('weave_ts_lane_batches_total', { step: 'udp-write' }), 30)
  t.equal(value('weave_ts_drops_total', { where: 'engine', reason: 'auth' }), 31)
  t.equal(value('weave_ts_drops_total', { where: 'node', reason: 'sync-rate' }), 36)
  t.equal(value('weave_ts_gossip_bytes_total', { direction: 'received' }), 35)
  t.equal(value('weave_ts_links_refused_total', { reason: 'rate' }), 5)
  t.equal(value('weave_ts_offload', { offload: 'tapGso' }), 0)
  t.equal(value('weave_ts_attachments'), 2)
  t.equal(value('weave_dns_entries'), 6)
  t.equal(value('weave_connection_terminations_total'), 4)
  t.equal(value('weave_max_ips'), 1_048_576)
  t.equal(value('weave_ts_ipam_owned_addresses', { owner: 'own' }), 1_048_576)
})

t.test('what Docker need not be has no sample', async t => {
  for (const state of ['off', 'absent'] as const) {
    const status = { docker: { ...SERVICE_FIELDS.docker, state } }
    const { body } = await serviceOf(MESH, { status }).scrape('text')
    t.notMatch(body.toString(), 'weave_ts_docker_following', state)
  }
})

t.test('OpenMetrics has its own end, type and names of counters', async t => {
  const { body, contentType } = await serviceOf(MESH).scrape('openmetrics')
  const text = body.toString()
  t.match(contentType, /^application\/openmetrics-text; version=1\.0\.0/)
  t.match(text, /^# TYPE weave_ts_frames counter\nweave_ts_frames_total\{/m)
  t.ok(text.endsWith('\n# EOF\n'))
  t.notMatch(text, /_total_total/)
})

t.test('a scrape is kept for ten times as long as it took, and those who ask meanwhile share it', async t => {
  let now = NOW
  let made = 0
  const asked = () => {
    made++
    now += 20
  }
  const service = serviceOf(MESH, { now: () => now, asked })
  const first = service.scrape('text')
  now += 5_000
  t.equal(service.scrape('text'), first, 'it is under way')
  await first
  t.equal(made, 1)
  now += 199
  t.equal(service.scrape('text'), first)
  await service.scrape('openmetrics')
  t.equal(made, 2, 'the other format is another one')
  t.not(service.scrape('text'), first)
})

t.test('what the first one had to wait for is no part of what it cost', async t => {
  let now = NOW
  const service = serviceOf(MESH, { now: () => now })
  const first = service.scrape('text')
  now += 3_000
  await first
  t.not(service.scrape('text'), first)
})

t.test('a scrape that fails is not kept', async t => {
  let isBroken = true
  const service = serviceOf(MESH, {
    asked: () => {
      if (isBroken) throw new Error('broken')
    },
  })
  await t.rejects(service.scrape('text'), /broken/)
  isBroken = false
  t.match((await service.scrape('text')).body.toString(), 'weave_ts_ready 1')
})

t.test('the texts of the table need no escapes, and say no unit that is none of Prometheus', t => {
  for (const [name, { help, type, labels }] of Object.entries(FAMILIES)) {
    t.notMatch(help, /["\\\n]|\.$/, name)
    t.equal(type === 'counter', name.endsWith('_total'), name)
    t.equal(new Set(labels).size, labels.length, name)
    t.notMatch(name, /_(ms|millis|kb|percent)(_|$)/, name)
  }
  t.end()
})
