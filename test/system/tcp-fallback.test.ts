/**
 * Two hosts on one cable, and nobody else, between which UDP does not get through for a while: TCP does.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import t from 'tap'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Stream } from '../support/testbed-stream.ts'
import { download } from '../support/testbed-transfer.ts'
import { launchedPair } from '../support/testbed-line.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(240_000)
/** 3 s, and what a machine that is busy with other tests adds. */
const OUTAGE_MS = 6_000
const BYTES = 64 * 1024 * 1024
const TABLE = 'add table inet block; add chain inet block out { type filter hook output priority 0; }'

const pause = (ms: number) => new Promise(done => setTimeout(done, ms))

t.test('where UDP is blocked frames go over TCP, and back', { skip: skipSystem, timeout: 200_000 }, async t => {
  const bed = new Testbed(t)
  const { hosts, containers, ips } = await launchedPair(bed)
  const ip = ips[1]
  const [h1] = hosts
  const [c1, c2] = containers
  t.ok(await c1.canPing(ip))
  const block = async (host: Host) => {
    await host.must('nft', TABLE)
    await host.must('nft', 'add rule inet block out udp dport 6783 drop')
  }
  const pathsAre = (kind: string) => async () =>
    (await Promise.all(hosts.map(host => host.daemon.status()))).every(({ connections }) =>
      connections.every(({ path }) => path?.kind === kind),
    )

  await t.test('UDP dropped both ways: ping and a TCP connection go on, and say so', async t => {
    const stream = new Stream()
    t.teardown(() => stream.end())
    await stream.start(c2, c1, ip)
    const end = pinging(c1, ip)
    await pause(2_000)
    await stream.since()
    await Promise.all(hosts.map(block))
    await waitFor('frames over TCP', 20_000, pathsAre('tcp'))
    await pause(3_000)
    const [outageMs, { bytes, gapMs }] = await Promise.all([end(), stream.since()])
    t.comment(`UDP blocked both ways: ${outageMs} ms without an answer, ${gapMs} ms without data`)
    t.ok(outageMs <= OUTAGE_MS, `an outage of ${outageMs} ms`)
    t.ok(bytes > 0 && gapMs <= 2 * OUTAGE_MS, `${gapMs} ms without data`)

    const status = await h1.daemon.status()
    t.match(status.connections, [{ state: 'tcp', info: /over TCP.*no answer to UDP probes of 192\.0\.2\.2:6783/ }])
    t.match(status.warnings.join('\n'), /goes over TCP, which is slower.*let UDP port 6783 through/)
    t.match(await h1.daemon.say('status', 'connections'), / tcp .* over TCP .*192\.0\.2\.2:6783/)
    const transfer = await download(c2, c1, ip, BYTES)
    t.equal(transfer.received, transfer.sent)
    t.equal(transfer.bytes, BYTES)
    t.comment(`${Math.round((8 * BYTES) / transfer.durationMs / 1000)} Mbit/s over TCP`)
    t.equal((await h1.daemon.status()).connections[0]?.state, 'tcp', 'the whole time')
  })

  await t.test('the rule is removed: frames go by UDP again', async t => {
    const end = pinging(c1, ip)
    const begun = performance.now()
    for (const host of hosts) await host.must('nft', 'delete', 'table', 'inet', 'block')
    await waitFor('a direct path', 20_000, pathsAre('direct'))
    t.comment(`direct again after ${Math.round(performance.now() - begun)} ms`)
    await pause(1_000)
    const outageMs = await end()
    t.ok(outageMs <= 1_500, `${outageMs} ms without an answer`)
    t.match(await h1.daemon.say('status', 'connections'), / established /)
  })

  await t.test('UDP blocked one way only', async t => {
    const end = pinging(c1, ip)
    await pause(1_000)
    await block(h1)
    await waitFor('frames over TCP', 20_000, pathsAre('tcp'))
    await pause(1_000)
    const outageMs = await end()
    t.comment(`UDP blocked one way: ${outageMs} ms without an answer`)
    t.ok(outageMs <= OUTAGE_MS, `an outage of ${outageMs} ms`)
  })
})
