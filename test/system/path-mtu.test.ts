/**
 * Hosts behind a router whose second line becomes narrower while they talk; and hosts of very different lines.
 *
 *     [c1]                                  [c2]         10.32.0.0/12
 *     weave ─ (h1) ═══ u2 ═══ (router) ═══ u3 ═══ (h2) ─ weave
 *               ║
 *               ╚═════════ u4, jumbo ═════════ (h3) ─ weave ─ [c3]
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Stream } from '../support/testbed-stream.ts'
import { download } from '../support/testbed-transfer.ts'
import { meshed, skipSystem, Testbed, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(300_000)
const options = { skip: skipSystem, timeout: 150_000 }
/** A stall: what is lost until it is noticed, and the next time that TCP sends again. */
const STALL_MS = 5_000
/** `ping` ends one answer earlier for an error that it heard of. */
const ALL_OF_100 = /100 received|99 received, \+1 errors/

async function routed(t: TestScope, narrow: number, args: readonly string[] = []) {
  const bed = new Testbed(t)
  const [h1, router, h2] = (await bed.hosts('h1', 'router', 'h2')) as [Host, Host, Host]
  await bed.link(h1, router, '192.0.2')
  await bed.link(router, h2, '192.0.3')
  await router.must('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  await h1.ip('route add default via 192.0.2.2')
  await h2.ip('route add default via 192.0.3.1')
  const rules =
    'table inet cut { chain forward { type filter hook forward priority 0 ; } ; chain output { type filter hook output priority 0 ; } ; }'
  await router.must('nft', rules)
  /** The line behind the router: h2 is told by its own interface, h1 by ICMP or not at all. */
  const lower = async (mtu: number) => {
    for (const host of [router, h2]) await host.ip(`link set u3 mtu ${mtu}`)
  }
  const silence = () => router.must('nft', 'add rule inet cut output ip protocol icmp drop')
  await lower(narrow)
  await h1.daemon.launch([], { passwordFile: bed.passwordFile, args })
  await h2.daemon.launch([h1.address], { passwordFile: bed.passwordFile, args })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const ip1 = (await h1.daemon.attach(c1))[0]!.split('/')[0]!
  const ip2 = (await h2.daemon.attach(c2))[0]!.split('/')[0]!
  await meshed([h1, h2])
  return { bed, h1, h2, router, c1, c2, ip1, ip2, lower, silence }
}

const pathMtu = async (host: Host) => (await host.daemon.status()).connections[0]?.mtu

function found(host: Host, mtu: number) {
  return waitFor(`a path MTU of ${mtu} at ${host.label}`, 10_000, async () => (await pathMtu(host)) === mtu)
}

t.test('a line that becomes narrower, said by ICMP or not, stalls TCP for seconds at most', options, async t => {
  const { h1, h2, router, c1, c2, ip1, ip2, lower, silence } = await routed(t, 1500)
  await found(h1, 1500)
  const streams = [new Stream(), new Stream()]
  t.teardown(async () => {
    for (const stream of streams) await stream.end()
  })
  await streams[0]!.start(c1, c2, ip1)
  await streams[1]!.start(c2, c1, ip2)
  const since = () => Promise.all(streams.map(stream => stream.since()))
  await since()
  for (const [mtu, isSilent] of [
    [1400, false],
    [1280, true],
    [576, true],
  ] as const) {
    if (isSilent) await silence()
    await lower(mtu)
    await found(h1, mtu)
    await found(h2, mtu)
    const pings = await c1.run(['ping', '-n', '-q', '-i', '0.02', '-c', '50', '-s', '1302', ip2], { limitMs: 20_000 })
    t.match(pings.stdout, / 0% packet loss/, `nothing is lost at ${mtu}`)
    for (const { bytes, gapMs } of await since()) {
      t.comment(`at ${mtu} ${bytes} bytes, ${gapMs} ms without data`)
      t.ok(bytes > 0 && gapMs < STALL_MS)
    }
  }
  t.match((await h1.daemon.status()).warnings.join(), /\(h2\) has an MTU of 576, which carries packets up to 494 bytes/)
  t.match((await h1.daemon.doctor()).of('mtu'), [
    { verdict: 'warning', found: /\(h2\) has an MTU of 576/, remedy: /raise the MTU on the way, or .* --mtu 494/ },
  ])
  t.match(await h1.daemon.say('status', 'connections'), / mtu=576 keys=\d+s$/m)
  t.match(await h1.daemon.say('status', 'peers'), /^ {3}data path direct, mtu=576$/m)
  await lower(1500)
  await router.must('nft', 'add rule inet cut forward udp length > 680 drop')
  await waitFor('a path of 700 bytes', 30_000, async () => (await pathMtu(h1)) === 700)
  const cut = await c1.run(['ping', '-n', '-q', '-i', '0.02', '-c', '50', '-s', '1302', ip2], { limitMs: 20_000 })
  t.match(cut.stdout, / 0% packet loss/, 'nothing is lost where UDP above 700 bytes is')
})

t.test('a line that drops what is too long, and passes what is cut later, is noticed', options, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  await h1.daemon.launch([], { passwordFile: bed.passwordFile })
  await h2.daemon.launch([h1.address], { passwordFile: bed.passwordFile })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const ip1 = (await h1.daemon.attach(c1))[0]!.split('/')[0]!
  await h2.daemon.attach(c2)
  await meshed([h1, h2])
  await found(h1, 1500)
  const stream = new Stream()
  t.teardown(() => stream.end())
  await stream.start(c1, c2, ip1)
  await stream.since()
  // The far end of a veth drops what is longer than its own MTU, unless it is a long packet that is to be cut.
  await h2.ip('link set u2 mtu 1400')
  // It leaves room for a VLAN tag.
  await found(h1, 1404)
  t.ok((await stream.since()).gapMs < STALL_MS)
})

t.test('an overlay that is wider than the path from the start loses nothing, and says so', options, async t => {
  const { h1, router, c1, c2, ip1, ip2, silence } = await routed(t, 1280, ['--mtu', '1500'])
  await found(h1, 1280)
  for (const args of [[], ['-M', 'dont']]) {
    const pings = await c1.run(['ping', '-n', '-q', '-i', '0.01', '-c', '100', '-s', '1472', ...args, ip2])
    t.match(pings.stdout, ALL_OF_100)
  }
  const told = await c1.run(['ping', '-n', '-c', '3', '-i', '0.2', '-M', 'do', '-s', '1300', ip2])
  t.match(told.stdout + told.stderr, /mtu ?= ?1198/, 'the kernel of the container knows what fits')
  const shown = JSON.parse(await c2.must('ip', '-6', '-j', 'addr', 'show', 'dev', 'ethwe', 'scope', 'global')) as {
    readonly addr_info: readonly { readonly local?: string }[]
  }[]
  const ipv6 = shown.flatMap(link => link.addr_info).find(({ local }) => local?.startsWith('fd'))!.local!
  await waitFor('IPv6', 10_000, () => c1.canPing(ipv6))
  const told6 = await c1.run(['ping', '-6', '-n', '-c', '3', '-i', '0.2', '-M', 'do', '-s', '1400', ipv6])
  t.match(told6.stdout + told6.stderr, /mtu ?[=:] ?1280/, 'and in IPv6')
  const { warnings } = await h1.daemon.status()
  t.match(
    warnings.join(),
    /has an MTU of 1280, which carries packets up to 1198 bytes whole, and the overlay's MTU is 1500/,
  )
  const { counters } = (await h1.daemon.report()).engine
  t.ok(counters['fragmented']! >= 1 && counters['too-big-told']! >= 1)
  await silence()
  for (const where of [c1, c2]) await where.must('ip', 'route', 'flush', 'cache')
  const there = await download(c1, c2, ip1, 1_000_000)
  t.equal(there.received, there.sent)
  t.ok(there.durationMs < 2_000, `1 MB in ${Math.round(there.durationMs)} ms`)
  // A filter that sees trains of datagrams as they are, before they are cut.
  await router.ip('link set u3 mtu 1500')
  await router.must('nft', 'add rule inet cut forward ip length > 1300 drop')
  const filtered = await download(c2, c1, ip2, 1_000_000)
  t.equal(filtered.received, filtered.sent)
  t.comment(`1 MB behind a filter in ${Math.round(filtered.durationMs)} ms`)
})

t.test('a jumbo LAN and a narrow line are one mesh, and segments can be clamped', options, async t => {
  const bed = new Testbed(t)
  const [h1, h2, h3] = (await bed.hosts('h1', 'h2', 'h3')) as [Host, Host, Host]
  await bed.link(h1, h2, '192.0.2')
  await bed.link(h1, h3, '192.0.4')
  for (const host of [h1, h2]) await host.ip('link set u2 mtu 1280')
  for (const host of [h1, h3]) await host.ip('link set u4 mtu 9000')
  const args = ['--mtu', '8900', '--clamp-mss']
  await h1.daemon.launch([], { passwordFile: bed.passwordFile, args })
  for (const host of [h2, h3])
    await host.daemon.launch([h1.addresses.get(host === h2 ? '192.0.2' : '192.0.4')!], {
      passwordFile: bed.passwordFile,
      args,
    })
  const containers = await bed.containers('c1', 'c2', 'c3')
  const addresses: string[] = []
  for (const [i, host] of [h1, h2, h3].entries())
    addresses.push((await host.daemon.attach(containers[i]!))[0]!.split('/')[0]!)
  const [c1, c2] = containers as [Namespace, Namespace]
  const isFound = async (from: Host, to: Host, mtu: number) => {
    const { peers } = await from.daemon.status()
    return peers.find(({ nickname }) => nickname === to.label)?.path?.mtu === mtu
  }
  for (const [host, mtu] of [[h2, 1280] as const, [h3, 9000] as const])
    // Either end clamps by what it found itself.
    for (const [from, to] of [[h1, host] as const, [host, h1] as const])
      await waitFor(`a path MTU of ${mtu} from ${from.label} to ${to.label}`, 20_000, () => isFound(from, to, mtu))
  for (const to of [1, 2]) {
    const pings = await c1.run(['ping', '-n', '-q', '-i', '0.01', '-c', '50', '-s', '8872', addresses[to]!])
    t.match(pings.stdout, / 0% packet loss/, `full frames to the ${to === 1 ? 'narrow' : 'wide'} host`)
  }
  await waitFor('a way from the narrow host to the wide one', 20_000, () => c2.canPing(addresses[2]!, 8_872))
  const stream = new Stream()
  t.teardown(() => stream.end())
  await stream.start(c2, c1, addresses[1]!)
  // The source may hear later than the sink that they are connected.
  const connection = await waitFor('the connection of the source', 10_000, async () => {
    const shown = await c2.must('ss', '-tinH', 'state', 'established', 'sport', '=', ':8081')
    return shown.includes(' mss:') ? shown : undefined
  })
  // What the path carries, less headers and timestamps.
  t.match(connection, / mss:1146 /, 'segments fit the path from the start')
  for (const [from, at] of [[containers[1]!, 1] as const, [containers[2]!, 2] as const]) {
    const transfer = await download(from, c1, addresses[at]!, 5_000_000)
    t.equal(transfer.received, transfer.sent)
  }
})
