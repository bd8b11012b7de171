/**
 * Two hosts on one cable, which have nothing but their link-local IPv6 addresses there.
 *
 *     [c1]             [c2]
 *      │                │
 *     (h1) ═══ u2 ═══ (h2)      fe80::1, fe80::2
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(120_000)

t.test('hosts are linked by link-local addresses with their interface', { skip: skipSystem }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
  const [h1, h2] = hosts
  await bed.link(h1, h2, '192.0.2')
  for (const [i, host] of hosts.entries()) {
    await host.ip('addr flush dev u2')
    await host.ip(`addr add fe80::${i + 1}/64 dev u2 nodad`)
  }
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  const refused = await h2.daemon.tryLaunch(['fe80::1'], { passwordFile })
  t.match(refused.stderr, /"fe80::1" is link-local: it says nothing without an interface/)
  await h2.daemon.launch(['fe80::1%u2'], { passwordFile })
  await meshed(hosts, 30_000)
  const path = async () => (await h1.daemon.status()).peers.find(peer => peer.nickname === 'h2')?.path
  t.match(await path(), { kind: 'direct', endpoint: /^\[fe80::2%\d+\]:6783$/ })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  await h1.daemon.attach(c1)
  const ip = (await h2.daemon.attach(c2))[0]!.split('/')[0]!
  await waitFor('containers reach each other', 10_000, () => c1.canPing(ip))
  await h2.daemon.say('connect', '[fe80::9%nowhere]:6783')
  await waitFor('why it is not connected', 10_000, async () =>
    (await h2.daemon.say('status', 'connections')).includes('no interface nowhere with a link-local IPv6 address'),
  )
})
