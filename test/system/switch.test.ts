/**
 * Three hosts on one switch, each with a container: what the overlay's own switch does with addresses and floods.
 *
 *     [ca]   [cb]   [cc]
 *      │      │      │
 *     (a)    (b)    (c)
 *      └──────┼──────┘
 *          switch u2
 */
import t from 'tap'
import { Capture } from '../support/testbed-capture.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 120_000 }
const WAIT_MS = 30_000
const MAC = '02:42:0a:20:00:77'

async function three(t: TestScope, ...launch: readonly string[]) {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c')) as [Host, Host, Host]
  const [a, b, c] = hosts
  await bed.lan(hosts, '192.0.2')
  const { passwordFile } = bed
  await a.daemon.launch([...launch], { passwordFile })
  await Promise.all([b, c].map(host => host.daemon.launch([...launch, a.address], { passwordFile })))
  await meshed(hosts, WAIT_MS)
  const containers = (await bed.containers('ca', 'cb', 'cc')) as [Namespace, Namespace, Namespace]
  const ips: string[] = []
  for (const [i, host] of hosts.entries()) ips.push((await host.daemon.attach(containers[i]!))[0]!.split('/')[0]!)
  return { bed, hosts, containers, ips: ips as [string, string, string] }
}

/** How many of so many echo requests, 50 ms apart, are answered. */
async function answered(from: Namespace, to: string, count: number): Promise<number> {
  const result = await from.run(['ping', '-n', '-q', '-i', '0.05', '-W', '1', '-c', String(count), to])
  return Number(/(\d+) received/.exec(result.stdout)?.[1] ?? 0)
}

async function dropsOf(host: Host, reason: string): Promise<number> {
  const { engine } = (await host.daemon.json('report')) as { engine: { counters: Record<string, number> } }
  return engine.counters[`drop:${reason}`] ?? 0
}

/** On which host a host sees the address. */
async function holderSeenBy(host: Host): Promise<string | undefined> {
  const { macs } = (await host.daemon.json('report')) as { macs: { mac: string; peer: { nickname: string } }[] }
  return macs.find(({ mac }) => mac === MAC)?.peer.nickname
}

t.test('MAC addresses, questions for them, and floods between three hosts', options, async t => {
  const { bed, hosts, containers, ips } = await three(t, '--flood-limit', '100')
  const [a, b, c] = hosts
  const [ca, cb, cc] = containers
  const [ipA, ipB, ipC] = ips

  await t.test('who alone has an address is asked for it; of others everybody is', async t => {
    const seen = await Capture.start(bed, c, 'weave-tap', 'arp', 'and', 'arp[6:2] = 1')
    await ca.ip('neigh flush all')
    t.equal(await answered(ca, ipB, 2), 2)
    await ca.ip('addr add 192.168.77.1/24 dev ethwe')
    await answered(ca, '192.168.77.2', 1)
    const { bytes } = await seen.stop()
    const [ours, others] = [ipB.split('.').map(Number), [192, 168, 77, 2]].map(ip => bytes.includes(Buffer.from(ip)))
    t.same([ours, others], [false, true])
    await ca.ip('addr del 192.168.77.1/24 dev ethwe')
  })

  await t.test('broadcasts beyond the limit are dropped, and the host that sends them is named', async t => {
    const flood = ca.run(['ping', '-n', '-q', '-b', '-i', '0.002', '-c', '2000', '-w', '8', '10.47.255.255'])
    await waitFor('frames beyond the limit', WAIT_MS, async () => (await dropsOf(a, 'flood-limit')) > 0)
    t.ok((await answered(cc, ipB, 10)) >= 9, 'others are not in its way')
    t.match((await a.daemon.status()).warnings.join('\n'), /too many broadcasts and multicasts of this host, some are/)
    await flood
  })

  await ca.ip(`link set ethwe address ${MAC}`)
  t.ok(await answered(cc, ipA, 5), 'ca has it first')
  await cb.ip(`link set ethwe address ${MAC}`)

  const chatter = cb.run(['ping', '-n', '-q', '-i', '0.02', '-c', '400', ipC])
  await waitFor('a frame of cb that got through', WAIT_MS, async () => (await holderSeenBy(c)) === 'b')
  const during = await answered(cc, ipA, 60)
  t.ok(during >= 50, `${during} of 60 answered while cb uses the address of ca`)
  t.ok((await dropsOf(c, 'duplicate-mac')) > 0)
  const { warnings } = await c.daemon.status()
  const id = async (host: Host) => (await host.daemon.status()).peer.id.slice(0, 8)
  t.match(warnings.join('\n'), `MAC address ${MAC} is in use on ${await id(a)}(a) and on ${await id(b)}(b): `)
  await chatter

  await t.test('one that moves to another host is followed at once', async t => {
    const moving = '02:42:0a:20:00:88'
    await cb.ip(`link set ethwe address ${moving}`)
    t.ok(await answered(cc, ipB, 3))
    await cb.ip('link set ethwe down')
    await ca.ip(`link set ethwe address ${moving}`)
    await cc.ip('neigh flush all')
    t.equal(await answered(cc, ipA, 5), 5)
  })
})
