/**
 * Three hosts, each with a container. In a mesh all are on one switch; in a line, a and c reach only b.
 *
 *     [ca]   [cb]   [cc]               [ca]           [cb]             [cc]
 *      │      │      │                  │              │                │
 *     (a)    (b)    (c)                (a) ══ u2 ════ (b) ══ u100 ════ (c)
 *      └──────┼──────┘                  ╎                               ╎
 *          switch u2                    └╌╌╌╌ u113, which comes later ╌╌┘
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { launchedLine } from '../support/testbed-line.ts'
import { download } from '../support/testbed-transfer.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 150_000 }
const PATH_MS = 30_000
const SWITCH_MS = 90_000

interface Three {
  readonly bed: Testbed
  readonly hosts: readonly [Host, Host, Host]
  readonly containers: readonly Namespace[]
  readonly ips: readonly string[]
}

async function attachAll(bed: Testbed, hosts: readonly Host[]): Promise<Pick<Three, 'containers' | 'ips'>> {
  const containers = await bed.containers(...hosts.map(host => `c${host.label}`))
  const ips: string[] = []
  for (const [i, host] of hosts.entries()) ips.push((await host.daemon.attach(containers[i]!))[0]!.split('/')[0]!)
  return { containers, ips }
}

async function line(t: TestScope): Promise<Three> {
  const bed = new Testbed(t)
  const hosts = await launchedLine(bed)
  return { bed, hosts, ...(await attachAll(bed, hosts)) }
}

async function pathKind(from: Host, to: Host): Promise<string | undefined> {
  const { id } = (await to.daemon.status()).peer
  return (await from.daemon.status()).peers.find(peer => peer.id === id)?.path?.kind
}

function untilPath(from: Host, to: Host, kind: string, withinMs: number): Promise<unknown> {
  const what = `${from.label} reaches ${to.label}: ${kind}`
  return waitFor(what, withinMs, async () => (await pathKind(from, to)) === kind)
}

t.test('who is told of one peer finds all others, and links to them', options, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c')) as [Host, Host, Host]
  const [a, b, c] = hosts
  await bed.lan(hosts, '192.0.2')
  const { passwordFile } = bed
  await a.daemon.launch([], { passwordFile })
  await b.daemon.launch([a.address], { passwordFile })
  await c.daemon.launch([b.address], { passwordFile })
  await meshed(hosts, PATH_MS)
  const self = (await a.daemon.status()).peer.id
  const links = await waitFor('a link between a and c', PATH_MS, async () => {
    const found = (await c.daemon.status()).connections.filter(connection => connection.state === 'established')
    return found.some(connection => connection.peer?.id === self) && found
  })
  t.equal(links.length, 2, 'c has one link to each of the others')
  t.strictSame(
    (await c.daemon.status()).targets.map(target => target.target),
    [b.address],
    'and knows one by name',
  )

  const { containers, ips } = await attachAll(bed, hosts)
  t.equal(new Set(ips).size, 3, 'three different addresses')
  for (const [i, from] of containers.entries())
    for (const [j, to] of ips.entries())
      if (i !== j) t.ok(await from.canPing(to), `${hosts[i]!.label} to ${hosts[j]!.label}`)

  await b.daemon.kill()
  t.ok(await containers[0]!.canPing(ips[2]!), 'a and c talk without b')
  const pathOf = async () => (await a.daemon.status()).peers.find(peer => peer.nickname === 'b')
  await waitFor('a notices that b is gone', SWITCH_MS, async () => (await pathOf())?.isReachable !== true)
  t.ok(await containers[0]!.canPing(ips[2]!), 'and still do when b is known to be gone')
})

t.test('in a line, b carries what a and c say to each other', options, async t => {
  const { bed, hosts, containers, ips } = await line(t)
  const [a, b, c] = hosts
  const [ca, , cc] = containers as [Namespace, Namespace, Namespace]
  await Promise.all([untilPath(a, c, 'relayed', PATH_MS), untilPath(c, a, 'relayed', PATH_MS)])

  await t.test('ARP, ping of every size, and TCP pass', async t => {
    for (const bytes of [64, 1_300, 1_400, 60_000]) {
      t.ok(await ca.canPing(ips[2]!, bytes), `${bytes} bytes from a to c`)
      t.ok(await cc.canPing(ips[0]!, bytes), `${bytes} bytes from c to a`)
    }
    const neighbours = JSON.parse(await ca.must('ip', '-j', 'neigh', 'show', ips[2]!)) as { readonly lladdr?: string }[]
    const mac = (await c.daemon.ps())[0]?.mac
    t.equal(neighbours[0]?.lladdr, mac, 'ARP gave the MAC of the container of c')
    const there = await download(cc, ca, ips[2]!, 20_000_000)
    t.equal(there.received, there.sent)
    const back = await download(ca, cc, ips[0]!, 20_000_000)
    t.equal(back.received, back.sent)
    t.ok(((await b.daemon.report()).engine.counters['relayed'] ?? 0) > 1_000, 'b counted what it relayed')
  })

  await t.test('status names the relay, and why there is no direct path', async t => {
    const self = await b.daemon.status()
    const path = (await a.daemon.status()).peers.find(peer => peer.nickname === 'c')?.path
    t.equal(path?.via?.id, self.peer.id)
    t.match(path?.why, /\S/)
    t.match(path?.cipher, /aes-256-gcm|chacha20-poly1305/, 'sealed from end to end')
  })

  await t.test('a cable between a and c is used when it comes, and b again when it goes', async t => {
    await bed.link(a, c, '203.0.113')
    // A host that moves says where it is now when it is told whom to call.
    await a.daemon.say('connect', c.addresses.get('203.0.113')!)
    await Promise.all([untilPath(a, c, 'direct', PATH_MS), untilPath(c, a, 'direct', PATH_MS)])
    t.ok(await ca.canPing(ips[2]!), 'ping passes by the new cable')
    const relayed = async () => (await b.daemon.report()).engine.counters['relayed'] ?? 0
    const before = await relayed()
    for (let i = 0; i < 5; i++) await ca.canPing(ips[2]!)
    t.ok((await relayed()) - before < 5, 'which b does not see')

    await a.ip('link del u113')
    await Promise.all([untilPath(a, c, 'relayed', SWITCH_MS), untilPath(c, a, 'relayed', SWITCH_MS)])
    t.ok(await ca.canPing(ips[2]!), 'ping passes through b again')
  })
})
