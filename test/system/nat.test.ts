/**
 * Hosts behind NATs of their own, linked to a public one only. The NATs are of Linux: `na` and `nb` keep a port where they
 * can, `nc` and `nd` draw another for each destination; all of them forget what rests for 3 s, and let nothing in.
 *
 *     [ca]           [cb]           [cc]           [cd]
 *      │              │              │              │
 *     (a)            (b)            (c)            (d)      192.168.11.0/24 … 192.168.14.0/24
 *      │              │              │              │
 *     [na]           [nb]           [nc]           [nd]     masquerade
 *      └──────────────┴──────┬───────┴──────────────┘
 *                        switch u113 ── (p)                 203.0.113.0/24
 */
import t from 'tap'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const WAN = 'u113'
const TIMEOUT_S = 3
/** A path is proved every second until it has not been used for five. */
const REST_S = 7
/** Two seconds, and what a machine that is busy with other tests adds. */
const OUTAGE_MS = 4_500

const pause = (ms: number) => new Promise(done => setTimeout(done, ms))

async function masquerade(bed: Testbed, nat: Host, host: Host, prefix: string, how: string): Promise<void> {
  await bed.link(nat, host, prefix)
  await host.ip(`route add default via ${prefix}.1`)
  await nat.must('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  await nat.must(
    ...['nft', `add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }`],
    `; add rule ip nat out oifname ${WAN} masquerade ${how}`,
    '; add chain ip nat in { type filter hook input priority 0; }',
    `; add rule ip nat in iifname ${WAN} ct state new drop`,
  )
  for (const name of ['udp_timeout', 'udp_timeout_stream'])
    await nat.must('sysctl', '-qw', `net.netfilter.nf_conntrack_${name}=${TIMEOUT_S}`)
}

t.test('hosts behind NATs reach each other directly or by a relay', { skip: skipSystem, timeout: 200_000 }, async t => {
  const bed = new Testbed(t)
  const all = (await bed.hosts('p', 'a', 'b', 'c', 'd', 'na', 'nb', 'nc', 'nd')) as [Host, ...Host[]]
  const [p, a, b, c, d, ...nats] = all as [Host, Host, Host, Host, Host, ...Host[]]
  await bed.lan([p, ...nats], '203.0.113', WAN)
  const inner = [a, b, c, d]
  for (const [i, host] of inner.entries())
    await masquerade(bed, nats[i]!, host, `192.168.${11 + i}`, i < 2 ? '' : 'random,fully-random')
  const { passwordFile } = bed
  await p.daemon.launch([], { passwordFile })
  await Promise.all(inner.map(host => host.daemon.launch(['203.0.113.1'], { passwordFile })))
  const pathOf = async (from: Host, to: Host) =>
    (await from.daemon.status()).peers.find(peer => peer.nickname === to.label)?.path
  const became = (kind: string, from: Host, to: Host) =>
    waitFor(`${from.label} reaches ${to.label}: ${kind}`, 40_000, async () => (await pathOf(from, to))?.kind === kind)

  await Promise.all(inner.map(host => became('direct', host, p)))
  t.pass('with a NAT in front of one of two hosts the path is direct')
  const begun = performance.now()
  await Promise.all([became('direct', a, b), became('direct', b, a)])
  t.comment(`direct through two NATs ${Math.round(performance.now() - begun)} ms after the last is direct to the third`)
  t.match(await pathOf(a, b), { endpoint: '203.0.113.3:6783' })
  t.match(await pathOf(b, a), { endpoint: '203.0.113.2:6783' })

  await Promise.all([became('relayed', c, d), became('relayed', d, c)])
  const [ca, cb, cc, cd] = (await bed.containers('ca', 'cb', 'cc', 'cd')) as [
    Namespace,
    Namespace,
    Namespace,
    Namespace,
  ]
  const ips: string[] = []
  for (const [i, container] of [ca, cb, cc, cd].entries())
    ips.push((await inner[i]!.daemon.attach(container))[0]!.split('/')[0]!)
  const [, ipB, , ipD] = ips as [string, string, string, string]
  await waitFor('containers of c and d reach each other', 20_000, () => cc.canPing(ipD))
  await waitFor('containers of a and b reach each other', 20_000, () => ca.canPing(ipB))

  await t.test('status connections says by whom and which NATs are in the way', async t => {
    const words = /the NATs in front of both hosts change the port, (?:probably )?to another one for each destination/
    await waitFor('the words', 20_000, async () => words.test((await pathOf(c, d))?.why ?? ''))
    t.match(await pathOf(c, d), { kind: 'relayed', via: { nickname: 'p' } })
    const shown = await c.daemon.say('status', 'connections')
    t.match(shown, new RegExp(`relayed by [a-z0-9]+\\(p\\).*\\(d\\): .*${words.source}`))
  })

  await t.test('a mapping that was forgotten at rest is opened anew when there is traffic', async t => {
    await pause((REST_S + TIMEOUT_S) * 1_000)
    const end = pinging(ca, ipB)
    await pause(5_000)
    const outageMs = await end()
    t.ok(outageMs <= OUTAGE_MS, `an outage of ${outageMs} ms`)
    t.comment(`a forgotten mapping: ${outageMs} ms`)
    await became('direct', a, b)
  })

  await t.test('the public address of a NAT changes while data flows', async t => {
    const end = pinging(ca, ipB)
    await pause(2_000)
    const [, nb] = nats as [Host, Host]
    await nb.ip(`addr del 203.0.113.3/24 dev ${WAN}`)
    await nb.ip(`addr add 203.0.113.33/24 dev ${WAN}`)
    await pause(5_000)
    const outageMs = await end()
    t.ok(outageMs <= OUTAGE_MS, `an outage of ${outageMs} ms`)
    t.comment(`another public address: ${outageMs} ms`)
    await waitFor('a reaches b at its new address', 60_000, async () => {
      const path = await pathOf(a, b)
      return path?.kind === 'direct' && path.endpoint?.startsWith('203.0.113.33:') === true
    })
  })
})
