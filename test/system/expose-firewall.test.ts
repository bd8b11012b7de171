/**
 * An exposed host between containers of two subnets and the world; nobody out there knows a way to the overlay.
 *
 *     [c1] 10.40.1.0/24   [c2] 10.40.2.0/24
 *       └────────┬──────────┘
 *              weave ─ (h1) ─── u3 ─── (out)          192.0.3.0/24
 */
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(240_000)
/** Of legacy tables nobody tells: they are looked at every 8 s. */
const PUT_BACK_MS = 15_000
const options = { skip: skipSystem, timeout: 120_000 }
const OUT = '192.0.3.2'

/** What a host is made of, as far as weave-ts could change it. */
async function fingerprint(host: Host): Promise<string> {
  const isSettled = async () => !(await host.must('ip', 'addr', 'show')).includes('tentative')
  await waitFor('the addresses of the underlay', 10_000, isSettled)
  const parts = [
    ['nft', 'list', 'ruleset'],
    ['iptables-legacy-save'],
    ['ip', '-d', 'link', 'show'],
    ['ip', 'addr', 'show'],
    ['ip', 'route', 'show', 'table', 'all'],
    ['ip', '-6', 'route', 'show', 'table', 'all'],
    ['ip', 'rule', 'show'],
    ['sysctl', '-a'],
  ]
  const texts = parts.map(argv => {
    const [program = '', ...rest] = host.argv(...argv)
    return `${argv.join(' ')}\n${execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })}`
  })
  // What counts and what runs down: not settings.
  return texts
    .join('\n')
    .replace(/^(?:# (?:Generated|Completed)|:[A-Z]+ ).*$/gm, '')
    .replace(/^net\.netfilter\.nf_conntrack_(?:count|buckets|max).*$|^fs\..*$|^kernel\..*$|^dev\..*$|^vm\..*$/gm, '')
    .replace(/(?:expires|valid_lft|preferred_lft) \d+sec/g, '')
}

async function exposedHost(t: TestScope) {
  const bed = new Testbed(t)
  const [h1, out] = (await bed.hosts('h1', 'out')) as [Host, Host]
  await bed.link(h1, out, '192.0.3')
  await h1.must('sysctl', '-qw', 'net.ipv4.ip_forward=1')
  const before = await fingerprint(h1)
  const launch = () => h1.daemon.launch([], { passwordFile: bed.passwordFile })
  await launch()
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  await h1.daemon.attach(c1, '10.40.1.7/24')
  await h1.daemon.attach(c2, '10.40.2.7/24')
  await h1.daemon.ipv4('expose', '10.40.1.1/24', '10.40.2.1/24')
  await c1.ip('route add default via 10.40.1.1')
  await c2.ip('route add default via 10.40.2.1')
  return { bed, h1, out, c1, c2, before, launch }
}

const table = (host: Host) => host.run(['nft', 'list', 'table', 'inet', 'weave-ts'])

t.test('containers reach the world through the exposed host, and only their own subnet', options, async t => {
  const { bed, h1, out, c1, c2, before, launch } = await exposedHost(t)

  await t.test('what leaves has the address of the host', async t => {
    t.ok(await c1.canPing(OUT))
    t.ok(await c2.canPing(OUT, 8_000))
    t.notOk(await out.canPing('10.40.1.7'), 'nobody out there knows the overlay')
  })

  await t.test('subnets stay apart', async t => {
    t.notOk(await c1.canPing('10.40.2.7'))
    t.ok(await c1.canPing('10.40.1.1'), 'the host is reached')
    await h1.daemon.say('stop')
    t.notOk(await c1.canPing('10.40.2.7'), 'also while no daemon runs')
    t.ok(await c1.canPing(OUT))
    await h1.must('nft', 'delete', 'table', 'inet', 'weave-ts')
    t.ok(await c1.canPing('10.40.2.7'), 'without our table they would meet')
    await launch()
    t.notOk(await c1.canPing('10.40.2.7'), 'the next launch parts them')
  })

  await t.test('a flushed ruleset is back within 10 s, while traffic runs', async t => {
    const flood = c1.run(['ping', '-n', '-q', '-i', '0.05', '-w', '12', OUT], { limitMs: 30_000 })
    const listing = (await table(h1)).stdout
    await h1.must('nft', 'flush', 'ruleset')
    const flushed = performance.now()
    await waitFor('the table', 10_000, async () => (await table(h1)).stdout === listing)
    t.comment(`back after ${Math.round(performance.now() - flushed)} ms`)
    await h1.must('nft', 'flush', 'chain', 'inet', 'weave-ts', 'forward')
    await waitFor('the emptied chain', 10_000, async () => (await table(h1)).stdout === listing)
    const lost = Number(/([\d.]+)% packet loss/.exec((await flood).stdout)?.[1] ?? 100)
    t.ok(lost < 50, `${lost} % of the pings were lost`)
    t.ok(await c1.canPing(OUT))
    t.match(h1.daemon.log(), /"event":"firewall-mended","what":"table inet weave-ts"/)
  })

  await t.test('--without-masquerade leaves addresses as they are, for a world that knows the way', async t => {
    await h1.daemon.ipv4('expose', '--without-masquerade', '10.40.1.1/24')
    t.match((await h1.daemon.status()).exposed, [
      { cidr: '10.40.1.1/24', isMasqueraded: false },
      { cidr: '10.40.2.1/24', isMasqueraded: true },
    ])
    t.notOk(await c1.canPing(OUT))
    t.ok(await c2.canPing(OUT), 'the other subnet is masqueraded as before')
    await out.ip('route add 10.40.0.0/16 via 192.0.3.1')
    t.ok(await c1.canPing(OUT))
    t.ok(await out.canPing('10.40.1.7'))
    await h1.daemon.ipv4('expose', '10.40.1.1/24')
    t.match((await table(h1)).stdout, /10\.40\.1\.0\/24 ip daddr != 224\.0\.0\.0\/4 masquerade/)
  })

  await t.test('what DNAT sends from the overlay into the overlay again is answered', async t => {
    const c3 = await bed.container('c3')
    await h1.daemon.attach(c3, '10.40.1.8/24')
    await h1.must('nft', 'add table ip published')
    await h1.must('nft', 'add chain ip published pre { type nat hook prerouting priority dstnat; }')
    await h1.must(
      'nft',
      'add rule ip published pre fib daddr type local ip protocol icmp ip daddr 192.0.3.1 dnat to 10.40.1.8',
    )
    for (const isBridgeFiltered of ['1', '0']) {
      const setting = `net.bridge.bridge-nf-call-iptables=${isBridgeFiltered}`
      await h1.run(['sysctl', '-qw', setting])
      const { stdout } = await c1.run(['ping', '-n', '-c', '4', '-i', '0.3', '-W', '2', '192.0.3.1'])
      t.match(stdout, '4 packets transmitted, 4 received', setting)
      t.notMatch(stdout, /redirect/i)
    }
    await h1.run(['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1'])
    await h1.must('nft', 'delete table ip published')
    await h1.daemon.detach(`netns:${c3.name}`)
  })

  await t.test("a container engine's own containers do not get into the overlay", async t => {
    const d1 = await bed.container('d1')
    await h1.ip('link add docker0 type bridge')
    await h1.ip('addr add 172.30.0.1/24 dev docker0')
    await h1.ip('link set docker0 up')
    await h1.must('ip', 'link', 'add', 'vd1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', d1.name)
    await h1.ip('link set vd1 master docker0 up')
    await d1.ip('addr add 172.30.0.2/24 dev eth0')
    await d1.ip('link set eth0 up')
    await d1.ip('route add default via 172.30.0.1')
    await waitFor('its own host', 5_000, () => d1.canPing('172.30.0.1'))
    t.notOk(await d1.canPing('10.40.1.7'))
    t.notOk(await c1.canPing('172.30.0.2'))
    await h1.ip('link delete docker0')
    await h1.run(['ip', 'link', 'delete', 'vd1'])
  })

  await t.test('reset leaves the host as it was before the launch', async t => {
    await h1.daemon.say('reset', '--yes')
    t.equal(await fingerprint(h1), before)
  })
})

for (const program of ['iptables-nft', 'iptables-legacy'])
  t.test(`a FORWARD chain of ${program} that drops lets the overlay's traffic pass`, options, async t => {
    const bed = new Testbed(t)
    const [h1, out] = (await bed.hosts('h1', 'out')) as [Host, Host]
    await bed.link(h1, out, '192.0.3')
    await h1.must('sysctl', '-qw', 'net.ipv4.ip_forward=1')
    await h1.must(program, '-P', 'FORWARD', 'DROP')
    const before = await fingerprint(h1)
    await h1.daemon.launch([], { passwordFile: bed.passwordFile })
    const c1 = await bed.container('c1')
    await h1.daemon.attach(c1, '10.40.1.7/24')
    await h1.daemon.ipv4('expose', '10.40.1.1/24')
    await c1.ip('route add default via 10.40.1.1')
    t.ok(await c1.canPing(OUT))
    const hasRule = async () => / FORWARD -o weave .*ACCEPT\n/.test(await h1.must(program, '-S', 'FORWARD'))
    t.ok(await hasRule())
    // The first time the look that follows the making of the table may see it.
    for (let times = 0; times < 2; times++) {
      await h1.must(program, '-F', 'FORWARD')
      const flushedAt = performance.now()
      t.notOk(await hasRule())
      await waitFor('rules that were flushed', PUT_BACK_MS, hasRule)
      t.comment(`put back after ${Math.round(performance.now() - flushedAt)} ms`)
    }
    t.ok(await c1.canPing(OUT))
    await h1.daemon.ipv4('hide')
    t.notMatch(await h1.must(program, '-S', 'FORWARD'), /FORWARD -[io] weave -m/, 'what is not needed goes')
    t.not((await table(h1)).status, 0)
    await h1.daemon.ipv4('expose', '10.40.1.1/24')
    t.ok(await c1.canPing(OUT))
    await h1.daemon.say('reset', '--yes')
    t.equal(await fingerprint(h1), before)
  })
