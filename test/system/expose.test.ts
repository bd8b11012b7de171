/**
 * Two hosts on one cable, each on the overlay itself, with a container.
 *
 *     [c1]                        [c2]           10.32.0.0/12
 *      │                           │
 *     weave ─ (h1) ═══ u2 ═══ (h2) ─ weave       192.0.2.0/24
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 120_000 }

async function twoHosts(t: TestScope) {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  await h1.daemon.launch([], { passwordFile: bed.passwordFile })
  await h2.daemon.launch([h1.address], { passwordFile: bed.passwordFile })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const ip1 = ipOf((await h1.daemon.attach(c1))[0]!)
  const ip2 = ipOf((await h2.daemon.attach(c2))[0]!)
  await meshed([h1, h2])
  return { bed, h1, h2, c1, c2, ip1, ip2 }
}

const ipOf = (cidr: string) => cidr.split('/')[0]!

/** IPv4 addresses of the bridge. */
async function held(host: Host): Promise<string[]> {
  const rows = JSON.parse(await host.must('ip', '-4', '-j', 'addr', 'show', 'dev', 'weave')) as {
    readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[]
  }[]
  return rows.flatMap(row => row.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`)
}

t.test('an exposed host is on the overlay', options, async t => {
  const { bed, h1, h2, c1, c2, ip1, ip2 } = await twoHosts(t)
  t.notOk(await h1.canPing(ip1), 'not before')
  const first = await h1.daemon.ipv4('expose')
  t.match(first, /^10\.\d+\.\d+\.\d+\/12$/)
  t.equal(await h1.daemon.ipv4('expose', 'net:default'), first, 'asked again it is the same')

  await t.test('it reaches containers here and there, and they reach it', async t => {
    t.ok(await h1.canPing(ip1), 'host to its container')
    t.ok(await c1.canPing(ipOf(first)), 'container to its host')
    t.ok(await h1.canPing(ip2, 8_000), 'host to a remote container')
    t.ok(await c2.canPing(ipOf(first), 8_000), 'remote container to the host')
    const second = await h2.daemon.ipv4('expose')
    t.not(second, first)
    t.ok(await h1.canPing(ipOf(second)), 'host to host')
  })

  await t.test('several addresses are held, shown, and hidden one by one', async t => {
    t.equal(await h1.daemon.ipv4('expose', 'ip:10.40.1.1/24', '10.40.2.1/24'), '10.40.1.1/24 10.40.2.1/24')
    t.strictSame(new Set(await held(h1)), new Set([first, '10.40.1.1/24', '10.40.2.1/24']))
    const mac = (await h1.daemon.status()).overlay.mac
    t.match(await h1.daemon.say('ps', 'weave:expose'), `weave:expose ${mac} ${first} 10.40.1.1/24 10.40.2.1/24`)
    t.match(await h1.daemon.say('status'), `Exposed: ${first} 10.40.1.1/24 10.40.2.1/24`)
    await h2.daemon.attach(c2, '10.40.1.77/24')
    t.ok(await h1.canPing('10.40.1.77'))
    t.equal(await h1.daemon.ipv4('hide', '10.40.2.1/24'), '10.40.2.1/24')
    t.strictSame(new Set(await held(h1)), new Set([first, '10.40.1.1/24']))
    const twice = await h1.daemon.cli('hide', '10.40.2.1/24')
    t.equal(twice.status, 4)
    t.match(twice.stderr, /not exposed at 10\.40\.2\.1\/24.*NOT_EXPOSED/s)
  })

  await t.test('it has names, which are known on the other host', async t => {
    const names = async () =>
      (await h2.daemon.api.call('dns', {})).entries.filter(one => one.container === 'weave:expose').map(one => one.name)
    const told = (wanted: string) =>
      waitFor(`${wanted} on h2`, 1_000, async () => [...new Set(await names())].join() === wanted)
    t.equal(await h1.daemon.ipv4('expose', '-h', 'gate', '--name', 'door'), first)
    await told('door,gate')
    t.match(await h1.daemon.say('ps', 'weave:expose'), / gate\.weave\.local\. door\.weave\.local\.$/)
    t.equal(await h1.daemon.say('dns-remove', 'weave:expose', 'door'), 'gate.weave.local.')
    await told('gate')
    t.match((await h1.daemon.cli('expose', '-h', 'no name')).stderr, /BAD_NAME/)
    t.match((await h1.daemon.cli('dns-add', 'weave:expose', '-h', 'no name')).stderr, /BAD_NAME/)
  })

  await t.test('an address that a container has is refused, and a subnet that the host reaches otherwise', async t => {
    const before = await held(h1)
    t.equal((await h1.daemon.cli('expose', `${ip1}/12`)).status, 1)
    await h1.ip('link add other type bridge')
    await h1.ip('addr add 10.41.5.1/24 dev other')
    await h1.ip('link set other up')
    const overlap = await h1.daemon.cli('expose', '10.41.5.9/24')
    t.equal(overlap.status, 78)
    t.match(overlap.stderr, /subnet 10\.41\.5\.0\/24 overlaps this host's route.*interface other/)
    t.strictSame(await held(h1), before)
    await h1.ip('link delete other')
  })

  await t.test('what somebody takes from the bridge is there again after a restart, and a stop leaves it', async t => {
    const before = new Set(await held(h1))
    await h1.daemon.say('stop')
    t.strictSame(new Set(await held(h1)), before, 'as containers keep theirs')
    t.ok(await h1.canPing(ip1), 'and reaches them')
    await h1.ip('link delete weave')
    await h1.daemon.launch([], { passwordFile: bed.passwordFile })
    t.strictSame(new Set(await held(h1)), before)
    t.match(await h1.daemon.say('ps', 'weave:expose'), / gate\.weave\.local\.$/)
  })

  await t.test('hide takes all, reset too', async t => {
    t.equal((await h1.daemon.ipv4('hide')).split(' ').length, 2)
    t.strictSame(await held(h1), [])
    t.match((await h2.daemon.cli('dns-lookup', 'gate')).stderr, /NAME_UNKNOWN/)
    t.equal(await h1.daemon.ipv4('hide'), '', 'nothing is left to hide')
    t.notMatch(await h1.daemon.say('ps'), 'weave:expose')
    await h1.daemon.ipv4('expose')
    await h1.daemon.say('reset', '--yes')
    await waitFor('the bridge is gone', 5_000, async () => !(await h1.links()).includes('weave'))
  })
})
