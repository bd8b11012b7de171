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

t.test('a MAC address that is in use on two hosts works on the first, and follows who moves', options, async t => {
  const { hosts, containers, ips } = await three(t)
  const [a, b, c] = hosts
  const [ca, cb, cc] = containers
  const [ipA, ipB, ipC] = ips
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
