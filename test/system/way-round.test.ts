/**
 * A line of four hosts, each of which is linked to the next one only and discovers nobody; then another way round its third.
 *
 *     [ca]                                   [cd]
 *      │                                      │
 *     (a) ══ u2 ══ (b) ══ u3 ══ (c) ══ u4 ══ (d)      no host forwards
 *                   ║                         ║
 *                   ╚═══ u5 ══ (e) ══ u6 ═════╝
 */
import t from 'tap'
import { boundMs, loadText } from '../support/load.ts'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Stream } from '../support/testbed-stream.ts'
import { Testbed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const SOON_MS = 30_000
/** 3 s on a machine that is calm, and half a second of what measures. */
const OUTAGE_MS = [3_500, 15_000] as const
const AFTER_MS = 1_500

t.test('a line of four, and another way round its middle', { skip: skipSystem, timeout: 220_000 }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c', 'd', 'e')) as [Host, Host, Host, Host, Host]
  const [a, b, c, d, e] = hosts
  for (const [i, [from, to]] of (
    [
      [a, b],
      [b, c],
      [c, d],
      [b, e],
      [e, d],
    ] as const
  ).entries())
    await bed.link(from, to, `192.0.${i + 2}`)
  const { passwordFile } = bed
  const launch = (host: Host, targets: readonly string[]) =>
    host.daemon.launch(targets, { passwordFile, args: ['--no-discovery'] })
  await launch(a, [])
  await Promise.all([launch(b, ['192.0.2.1']), launch(c, ['192.0.3.1']), launch(d, ['192.0.4.1'])])
  const [ca, cd] = (await bed.containers('ca', 'cd')) as [Namespace, Namespace]
  await a.daemon.attach(ca)
  const ip = (await d.daemon.attach(cd))[0]!.split('/')[0]!
  const wayTo = async (from: Host, to: string) => {
    const { routes } = await from.daemon.api.call('routes')
    const found = routes.find(({ peer }) => peer.nickname === to)
    return found?.kind === 'relayed' ? found.way.map(({ peer }) => peer.nickname).join(' ') : undefined
  }

  await t.test('the ends talk through both in the middle', async t => {
    await waitFor('a way from end to end', SOON_MS, async () => (await wayTo(a, 'd')) === 'b c d')
    await waitFor('an answer', SOON_MS, () => ca.canPing(ip))
    t.ok(await ca.canPing(ip, 20_000), 'large ones, too')
    const { connections } = await a.daemon.status()
    t.match(
      connections.map(({ peer, state }) => `${peer?.nickname} ${state}`),
      ['b established'],
      'and there is no link but the one that was asked for',
    )
  })

  await launch(e, ['192.0.5.1', '192.0.6.2'])
  const both = ['c', 'e']
  /** As a was told, by both ends of each link in the middle. */
  const isReady = async () => {
    const { peers } = await a.daemon.status()
    const claims = new Set(
      peers.flatMap(({ nickname, connections }) =>
        connections.filter(({ state }) => state === 'established').map(({ peer }) => `${nickname} ${peer?.nickname}`),
      ),
    )
    return both.every(one => ['b', 'd'].every(end => claims.has(`${one} ${end}`) && claims.has(`${end} ${one}`)))
  }
  const stream = new Stream()
  t.teardown(() => stream.end())
  await stream.start(cd, ca, ip)

  const survives = async (what: string, fail: (middle: Host) => Promise<void>) => {
    await waitFor('both ways', SOON_MS, isReady)
    const way = await waitFor('the way', SOON_MS, () => wayTo(b, 'd').then(found => found ?? wayTo(a, 'd')))
    const middle = hosts.find(({ label }) => label === way.split(' ').at(-2))!
    const other = both.find(label => label !== middle.label)!
    const end = pinging(ca, ip)
    await stream.since()
    const begun = performance.now()
    await fail(middle)
    await waitFor(`the way by ${other}`, SOON_MS, async () => (await wayTo(a, 'd')) === `b ${other} d`)
    const toldMs = Math.round(performance.now() - begun)
    await new Promise(done => setTimeout(done, AFTER_MS))
    const outageMs = await end()
    const { gapMs, bytes } = await stream.since()
    t.comment(
      `${what}: ${outageMs} ms without an answer, ${gapMs} ms without TCP; shown after ${toldMs} ms; ${loadText()}`,
    )
    t.ok(outageMs <= boundMs(...OUTAGE_MS), `${what}: an outage of ${outageMs} ms`)
    // TCP waits twice as long before it tries again.
    t.ok(bytes > 0 && gapMs <= 2 * boundMs(...OUTAGE_MS), `TCP goes on after ${gapMs} ms`)
    return middle
  }

  const killed = await survives('the middle is killed', middle => middle.daemon.kill())
  await launch(killed, killed === c ? ['192.0.3.1', '192.0.4.2'] : ['192.0.5.1', '192.0.6.2'])
  await survives('the middle is cut off', async middle => {
    await middle.must(
      'nft',
      ['input', 'output'].reduce(
        (rules, hook) => `${rules} add chain inet cut ${hook} { type filter hook ${hook} priority 0; policy drop; };`,
        'add table inet cut;',
      ),
    )
  })
})
