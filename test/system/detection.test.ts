/**
 * Three hosts on one switch, each with a container. What one of them suffers is found out, told, and got around.
 *
 *     [ca]   [cb]   [cc]
 *      │      │      │
 *     (a)    (b)    (c)      192.0.2.0/24
 *      └──────┼──────┘
 *          switch u2
 */
import t from 'tap'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
/** 3 s, and what a machine that is busy with other tests adds. */
const OUTAGE_MS = 5_000

const pause = (ms: number) => new Promise(done => setTimeout(done, ms))

t.test('what fails is noticed, told, and got around', { skip: skipSystem, timeout: 200_000 }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c')) as [Host, Host, Host]
  const [a, b, c] = hosts
  await bed.lan(hosts, '192.0.2')
  const { passwordFile } = bed
  await a.daemon.launch([], { passwordFile })
  await Promise.all([b, c].map(host => host.daemon.launch([a.address], { passwordFile })))
  await meshed(hosts, 30_000)
  const [ca, , cc] = (await bed.containers('ca', 'cb', 'cc')) as [Namespace, Namespace, Namespace]
  await a.daemon.attach(ca)
  const ip = (await c.daemon.attach(cc))[0]!.split('/')[0]!
  t.ok(await ca.canPing(ip))
  const pathOf = async () => (await a.daemon.status()).peers.find(peer => peer.nickname === 'c')?.path

  await t.test(
    'UDP blocked one way: a relay takes over, status says why, and it is direct again afterwards',
    async t => {
      const end = pinging(ca, ip)
      await pause(3_000)
      await a.must('nft', 'add table inet block; add chain inet block out { type filter hook output priority 0; }')
      await a.must('nft', `add rule inet block out udp dport 6783 ip daddr ${c.address} drop`)
      await waitFor('a reaches c through b', 20_000, async () => (await pathOf())?.kind === 'relayed')
      await pause(1_000)
      const outageMs = await end()
      t.ok(outageMs <= OUTAGE_MS, `an outage of ${outageMs} ms`)
      t.comment(`UDP blocked one way: ${outageMs} ms`)
      const path = await pathOf()
      t.equal(path?.via?.nickname, 'b')
      t.match(path?.why, /no answer to UDP probes of 192\.0\.2\.3:6783/)
      await a.must('nft', 'delete', 'table', 'inet', 'block')
      await waitFor('a direct path', 20_000, async () => (await pathOf())?.kind === 'direct')
    },
  )

  await t.test('where nobody relays frames go over TCP, and status warns, with why and what to do', async t => {
    await a.must('nft', 'add table inet block; add chain inet block out { type filter hook output priority 0; }')
    await a.must('nft', 'add rule inet block out udp dport 6783 drop')
    const warnings = await waitFor('a warning', 60_000, async () => {
      const found = (await a.daemon.status()).warnings.filter(text => text.includes(' goes over TCP'))
      return found.length === 2 && found
    })
    t.match(
      warnings[0],
      /data to .* goes over TCP, which is slower: no answer to UDP probes of 192\.0\.2\.[23]:6783.*firewalls/,
    )
    await a.must('nft', 'delete', 'table', 'inet', 'block')
    await waitFor('no warning', 30_000, async () =>
      (await a.daemon.status()).warnings.every(text => !text.includes(' goes over TCP')),
    )
  })

  await t.test('a deleted bridge is back at once, and with it all that was plugged in', async t => {
    const begun = performance.now()
    await c.ip('link del weave')
    await waitFor('the bridge', 20_000, async () => (await c.links()).includes('weave'))
    const tookMs = Math.round(performance.now() - begun)
    t.ok(tookMs <= 10_000, `${tookMs} ms`)
    t.comment(`the bridge is back after ${tookMs} ms`)
    await waitFor('an answer', 20_000, () => ca.canPing(ip))
  })
})
