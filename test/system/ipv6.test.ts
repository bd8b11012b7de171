/**
 * Two hosts on one cable; containers have both families.
 *
 *     [c1] [s1] [off]             [c2] [s2]      10.32.0.0/12, 10.40.1.0/24
 *        └──┴──┘                     └──┘
 *        weave ─ (h1) ═══ u2 ═══ (h2) ─ weave    192.0.2.0/24
 */
import t from 'tap'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'
import { waitFor } from '../support/testbed-command.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 120_000 }

async function twoHosts(t: TestScope, ...args: readonly string[]) {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const launch = { passwordFile: bed.passwordFile, args }
  await h1.daemon.launch([], launch)
  await h2.daemon.launch([h1.address], launch)
  return { bed, h1, h2, launch }
}

const ipOf = (cidr: string) => cidr.split('/')[0]!

/** Both families, as `attach` prints them. */
async function attach(host: Host, container: Namespace, ...args: readonly string[]) {
  const texts = (await host.daemon.say('attach', ...args, `netns:${container.name}`)).split(' ')
  return { ipv4: texts.filter(text => text.includes('.')), ipv6: texts.filter(text => text.includes(':')) }
}

/** IPv6 addresses of an interface but the link-local ones, in CIDR form, and whether each was given without detection. */
async function held(place: Namespace, device: string): Promise<{ cidr: string; isNodad: boolean }[]> {
  const rows = JSON.parse(await place.must('ip', '-6', '-j', 'addr', 'show', 'dev', device)) as {
    readonly addr_info?: readonly { local: string; prefixlen: number; scope: string; nodad?: boolean }[]
  }[]
  return rows
    .flatMap(row => row.addr_info ?? [])
    .filter(one => one.scope !== 'link')
    .map(({ local, prefixlen, nodad }) => ({ cidr: `${local}/${prefixlen}`, isNodad: nodad === true }))
}

t.test('containers on two hosts reach each other by IPv6, by address and by name', options, async t => {
  const { bed, h1, h2, launch } = await twoHosts(t)
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const one = await attach(h1, c1, '--name', 'one')
  const two = await attach(h2, c2, '--name', 'two')
  await meshed([h1, h2])
  const { prefix, rest } = /^(?<prefix>fd[0-9a-f:]+?)::(?<rest>\/48)$/.exec(
    (await h1.daemon.status()).mesh.ipv6Prefix ?? '',
  )!.groups as { prefix: string; rest: string }
  t.equal(rest, '/48')
  t.equal((await h2.daemon.status()).mesh.ipv6Prefix, `${prefix}::/48`, 'both hosts derive the same')
  t.match(one.ipv6[0], new RegExp(`^${prefix}:1::a`))
  t.strictSame(await held(c1, 'ethwe'), [{ cidr: one.ipv6[0]!, isNodad: true }])
  t.match(await c1.must('ip', '-6', 'route'), new RegExp(`^${prefix}:1::/64 dev ethwe`, 'm'))
  t.ok(await c1.canPing(ipOf(two.ipv6[0]!)), 'at once')
  t.ok(await c2.canPing(ipOf(one.ipv6[0]!), 1_200), 'as large as fits')
  t.ok(await c2.canPing(ipOf(one.ipv6[0]!), 30_000), 'in fragments')
  t.match(await h1.daemon.say('ps'), `${one.ipv4[0]!} ${one.ipv6[0]!} one.weave.local.`)

  await t.test('the host has both families, and lets nothing else through', async t => {
    const gate = (await h1.daemon.say('expose', '--name', 'gate')).split(' ')
    t.match(gate[1], new RegExp(`^${prefix}:1::`))
    t.strictSame(await held(h1, 'weave'), [{ cidr: gate[1]!, isNodad: true }])
    t.ok(await c1.canPing(ipOf(gate[1]!)), 'from here')
    t.ok(await c2.canPing(ipOf(gate[1]!), 8_000), 'from the other host')
    const table = await h1.must('nft', 'list', 'table', 'inet', 'weave-ts')
    t.match(table, `ip6 saddr ${prefix}:1::/64 accept`)
    await h1.daemon.say('attach', '--resolv-conf', `netns:${c1.name}`)
    await t.test('names lead to both families, and back', async t => {
      const query = async (...args: readonly string[]) =>
        (await c1.must('dig', '+short', '+time=1', `@${ipOf(gate[0]!)}`, ...args)).trim().split('\n')
      t.strictSame(await query('two.weave.local', 'AAAA'), [ipOf(two.ipv6[0]!)])
      t.strictSame(await query('two.weave.local', 'A'), [ipOf(two.ipv4[0]!)])
      t.strictSame(await query('-x', ipOf(two.ipv6[0]!)), ['two.weave.local.'])
      const ping = await c1.run(['ip', 'netns', 'exec', c1.name, 'ping', '-6', '-c', '1', '-W', '2', 'two.weave.local'])
      t.equal(ping.status, 0, ping.stderr)
    })
    t.equal(await h1.daemon.say('hide'), gate.join(' '))
    t.strictSame(await held(h1, 'weave'), [])
  })

  await t.test('subnets stay apart', async t => {
    const [s1, s2] = (await bed.containers('s1', 's2')) as [Namespace, Namespace]
    const inner = await attach(h1, s1, '10.40.1.1/24')
    const outer = await attach(h2, s2, '10.40.1.77/24')
    t.match(inner.ipv6, [`${prefix}:1801::a28:101/64`])
    t.ok(await s1.canPing(ipOf(outer.ipv6[0]!)), 'within the subnet')
    t.notOk(await s1.canPing(ipOf(two.ipv6[0]!)), 'into another')
    t.notOk(await c1.canPing(ipOf(outer.ipv6[0]!)), 'and from there')
  })

  await t.test('a restart with --no-ipv6 takes all away, and one without puts it back', async t => {
    await h1.daemon.stopIfRunning()
    await h1.daemon.launch([], { ...launch, args: ['--no-ipv6'] })
    t.strictSame(await held(c1, 'ethwe'), [])
    t.equal((await h1.daemon.status()).overlay.ipv6Off, '--no-ipv6')
    await h1.daemon.stopIfRunning()
    await h1.daemon.launch([], { ...launch, args: ['--forget-option', 'ipv6'] })
    t.strictSame(await held(c1, 'ethwe'), [{ cidr: one.ipv6[0]!, isNodad: true }])
    await waitFor('a ping after the restart', 10_000, () => c1.canPing(ipOf(two.ipv6[0]!)))
  })

  await t.test('detaching leaves nothing', async t => {
    await attach(h1, c1, '10.40.1.9/24')
    t.equal((await held(c1, 'ethwe')).length, 2)
    const removed = await h1.daemon.say('detach', '10.40.1.9/24', `netns:${c1.name}`)
    t.equal(removed, `10.40.1.9/24 ${prefix}:1801::a28:109/64`)
    t.strictSame(await held(c1, 'ethwe'), [{ cidr: one.ipv6[0]!, isNodad: true }])
    await h1.daemon.say('detach', `netns:${c1.name}`)
    t.strictSame(await c1.links(), ['lo'])
    t.notMatch(await c1.must('ip', '-6', 'route'), prefix)
  })
})

t.test('a container that has IPv6 off is left alone, and that is said', options, async t => {
  const { bed, h1 } = await twoHosts(t)
  const off = await bed.container('off')
  await off.must('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
  const { stdout, stderr } = await h1.daemon.cli('attach', `netns:${off.name}`)
  t.match(stdout, /^10\.\d+\.\d+\.\d+\/12$/m)
  t.match(stderr, /has IPv6 switched off .*attach again/)
  t.strictSame(await held(off, 'ethwe'), [])
  t.match(await h1.daemon.say('ps'), '(IPv6 is off inside)')
  await off.must('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=0')
  t.match((await attach(h1, off)).ipv6, [/^fd/], 'switched on and attached again')
})
