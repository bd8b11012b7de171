/**
 * What passes between two hosts: who talks, and what is measured on purpose.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import { spawn } from 'node:child_process'
import t from 'tap'
import { PerfAnswer, TopAnswer } from '../../lib/api/mod.ts'
import { waitFor } from '../support/testbed-command.ts'
import { launchedPair } from '../support/testbed-line.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(120_000)
const WAIT_MS = 10_000
const PING_BYTES = 1_000
/** With the headers of ICMP, IPv4 and Ethernet. */
const FRAME_BYTES = PING_BYTES + 8 + 20 + 14

t.test('what passes between two hosts is measured', { skip: skipSystem, timeout: 100_000 }, async t => {
  const bed = new Testbed(t)
  const { hosts, containers, ips } = await launchedPair(bed, [['--perf-limit', 'off']])
  const [h1, h2] = hosts
  const [c1] = containers
  await waitFor('an answer', WAIT_MS, () => c1.canPing(ips[1]))

  await t.test('top names who talks, and how much', async t => {
    const [program, ...argv] = c1.argv('ping', '-n', '-q', '-i', '0.005', '-s', String(PING_BYTES), ips[1])
    const pinging = spawn(program!, argv, { stdio: 'ignore' })
    t.teardown(() => pinging.kill())
    const asked = hosts.map(host => host.daemon.api.call('top', { seconds: 1 }))
    const answers = (await Promise.all(asked)).map(answer => TopAnswer.parse(answer))
    for (const [i, direction] of (['out', 'in'] as const).entries()) {
      const found = answers[i]!.talks.find(one => one.source.address === ips[0] && one.destination.address === ips[1])
      t.match(found, { direction, source: { container: `netns:${c1.name}`, peer: { nickname: 'h1' } } })
      t.match(found?.destination.peer, { nickname: 'h2' })
      t.equal(Math.round(found!.bytesPerSecond / found!.framesPerSecond), FRAME_BYTES)
      t.ok(found!.framesPerSecond > 10 && found!.framesPerSecond < 210, `${found!.framesPerSecond} frames a second`)
    }
    t.match(
      await h2.daemon.say('top', '--seconds', '0.5', '-n', '1'),
      /^ *BYTES\/S .*\n.* \d+\.\d+\.0\.1 netns:\S+@h[12] +\d+\.\d+\.0\.1 netns:\S+@h[12]\nand \d+ more pairs?: .*\nreckoned from \d+ frames in 0\.5 s$/,
    )
  })

  await t.test('perf measures both ways, no more than was asked for, and keeps what came of it', async t => {
    const framesTo = async (host: Host) => (await host.daemon.report()).engine.counters['tap-tx-frames']!
    const before = await framesTo(h1)
    const answer = await h2.daemon.json('perf', 'h1', '--rate', '1M', '--seconds', '0.1').catch(String)
    t.match(answer, /\w{8}\(h1\) forbids measurements/, 'where it is forbidden there is none')
    const { measurements } = (await h1.daemon.json('perf', 'h2', '--rate', '20M', '--seconds', '0.6')) as {
      measurements: unknown[]
    }
    const measured = measurements.map(one => PerfAnswer.parse(one))
    t.strictSame(
      measured.map(({ way, direction }) => `${way} ${direction}`),
      ['overlay to', 'underlay to', 'overlay from', 'underlay from'],
    )
    for (const one of measured) {
      const what = `${one.way} ${one.direction}: ${one.received} of ${one.sent}, ${one.sentBitsPerSecond} bit/s`
      t.ok(one.sentBitsPerSecond <= 20e6 && one.sentBitsPerSecond > 5e6, what)
      t.ok(one.received <= one.sent && one.received > one.sent / 2, what)
      t.equal(one.reordered, 0, what)
      t.ok((one.idle.rttMs?.average ?? 1_000) < 500 && one.loaded.answered > 0, 'round trips')
      t.equal(one.path?.kind, 'direct')
    }
    for (const host of hosts)
      t.equal((await host.daemon.report()).engine.counters['drop:measure-unasked'] ?? 0, 0, 'each was counted')
    t.ok((await framesTo(h1)) - before < measured[2]!.received / 10, 'and none went to the bridge')
    t.match(
      await h1.daemon.say('perf', '--history', 'h2'),
      /^TIME .*(\n\S+Z +\w{8}\(h2\) +(over|under)lay +(to|from) +20M .*){4}$/,
    )
  })

  await t.test('perf is refused for too much and while another one goes on, and ends with its peer', async t => {
    const perf = (host: Host, peer: string, rate: number, seconds: number) =>
      host.daemon.api.call('perf', { peer, rate, seconds }).catch((error: unknown) => error)
    const allowed = /^5000000000 bit\/s were asked for, and \w{8}\(h2\) allows 1000000000$/
    t.match(await perf(h1, 'h2', 5e9, 1), { code: 'PERF_REFUSED', message: allowed, remedy: /--rate/ })
    const arrived = async () => (await h2.daemon.report()).engine.counters['rx-datagrams']!
    const before = await arrived()
    const cut = perf(h1, 'h2', 2e6, 30)
    await waitFor('test datagrams at h2', WAIT_MS, async () => (await arrived()) > before + 60)
    const busy = { code: 'PERF_REFUSED', message: /^this host measures already/ }
    t.match(await Promise.all([perf(h1, 'h2', 1e6, 1), perf(h2, 'h1', 1e6, 1)]), [busy, busy])
    await h2.daemon.kill()
    t.match(await cut, { code: 'PERF_FAILED' })
  })
})
