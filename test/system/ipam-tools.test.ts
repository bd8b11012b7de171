/**
 * What an operator asks about addresses, on two hosts.
 *
 *     [c1]  [c2]      [c3]           10.32.0.0/12
 *      │     │         │
 *     weave (h1) ── (h2) weave       192.0.2.0/24
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(180_000)
const options = { skip: skipSystem, timeout: 120_000 }
const TOLD_MS = 2_000

async function twoHosts(t: TestScope) {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.lan(hosts, '192.0.2')
  const { passwordFile } = bed
  await hosts[0].daemon.launch([], { passwordFile })
  await hosts[1].daemon.launch([hosts[0].address], { passwordFile })
  const containers = (await bed.containers('c1', 'c2', 'c3')) as [Namespace, Namespace, Namespace]
  await meshed(hosts)
  return { bed, hosts, containers }
}

const targetOf = (namespace: Namespace) => `netns:${namespace.name}`

t.test('ps --all and whois tell of every container on whatever host, with names or without', options, async t => {
  const { hosts, containers } = await twoHosts(t)
  const [h1, h2] = hosts
  const [c1, c2, c3] = containers
  const attach = async (host: Host, namespace: Namespace, ...args: string[]) =>
    (await host.daemon.say('attach', ...args, targetOf(namespace))).split('/')[0]!
  const ip1 = await attach(h1, c1)
  await attach(h1, c2, '-h', 'web')
  const ip3 = await attach(h2, c3)
  const gate = (await h2.daemon.say('expose')).split('/')[0]!
  for (const { daemon } of hosts)
    await waitFor(
      'both know all',
      TOLD_MS,
      async () => (await daemon.api.call('containers', {})).containers.length === 4,
    )
  const lines = (await h1.daemon.say('ps', '--all')).split('\n')
  t.equal(lines.length, 4)
  t.match(lines[0], new RegExp(`\\(h1\\) +netns:${c1.name} +${ip1} `))
  t.match(lines[1], /web\.weave\.local\.$/)
  t.ok(lines.some(line => line.includes('(h2)') && line.includes(`netns:${c3.name}`) && line.includes(ip3)))
  t.ok(lines.some(line => line.includes('(h2)') && line.includes('weave:expose') && line.includes(gate)))
  t.match(await h2.daemon.say('whois', ip1), new RegExp(`\\(h1\\) netns:${c1.name} ${ip1} `))
  t.match(await h2.daemon.say('whois', 'web'), new RegExp(`netns:${c2.name}`))
  t.match(await h1.daemon.say('whois', targetOf(c3)), /\(h2\)/)
  const unknown = await h1.daemon.cli('whois', '10.32.200.200')
  t.equal(unknown.status, 4)
  t.match(unknown.stderr, /its block 10\.32\.200\.192\/26 belongs to [^]*ADDRESS_UNKNOWN/)

  const map = await h1.daemon.api.call('ipam', {})
  const total = (of: (run: (typeof map.runs)[0]) => number) => map.runs.reduce((sum, run) => sum + of(run), 0)
  t.equal(
    total(run => run.addresses),
    2 ** 20,
    'the whole range',
  )
  t.equal(
    total(run => run.leased),
    2,
  )
  t.equal(
    total(run => run.told),
    4,
  )
  t.match(await h1.daemon.say('ipam', 'show'), /^10\.32\.0\.0\/12 in \/26 blocks\n[^]*\(h1\) [^]* free\n?[^]*\(h2\)/)

  await h2.daemon.say('detach', targetOf(c3))
  await waitFor('one is gone', TOLD_MS, async () => (await h1.daemon.cli('whois', ip3)).status === 4)
  await h2.daemon.say('stop')
  const isAway = async () =>
    (await h1.daemon.say('ps', '--all')).includes('weave:expose') &&
    /unreachable!$/m.test(await h1.daemon.say('ps', '--all'))
  await waitFor('h2 is shown as away', TOLD_MS, isAway)
})

t.test('ipam check finds what was changed behind the back of weave-ts, and says what to do', options, async t => {
  const { hosts, containers } = await twoHosts(t)
  const [h1, h2] = hosts
  const [c1, c2, c3] = containers
  const cidrOf = async (host: Host, namespace: Namespace) =>
    (await host.daemon.say('attach', targetOf(namespace))).split(/\s/)[0]!
  const lost = await cidrOf(h1, c1)
  await cidrOf(h1, c2)
  await cidrOf(h2, c3)
  await h1.daemon.say('expose')
  for (const { daemon } of hosts) t.match(await daemon.say('ipam', 'check'), /^\d leases?, \d targets? .*: all agree$/)

  await c1.run(['ip', 'addr', 'del', lost, 'dev', 'ethwe'])
  await c2.run(['ip', 'addr', 'add', '10.32.99.9/12', 'dev', 'ethwe'])
  await h1.run(['ip', 'addr', 'add', '10.32.99.10/12', 'dev', 'weave'])
  const prefix = (await h1.daemon.status()).mesh.ipv6Prefix!.replace(/::\/48$/, ':1::a20:6309/64')
  await c2.run(['ip', 'addr', 'add', prefix, 'dev', 'ethwe', 'nodad'])
  const checked = await h1.daemon.cli('ipam', 'check')
  t.equal(checked.status, 1)
  const found = checked.stdout
  t.match(
    found,
    new RegExp(`${c1.name}[^\n]* does not have ${lost}, which was given to it\n  weave-ts attach ip:${lost}`),
  )
  t.match(found, new RegExp(`${c2.name}[^\n]* has 10.32.99.9/12, which weave-ts did not give it`))
  t.match(found, /this host \(weave\) has 10\.32\.99\.10\/12, which weave-ts did not give it/)
  t.match(found, new RegExp(`${c2.name}[^\n]* has ${prefix}, which weave-ts did not give it`))
  t.match(found, /: 4 findings$/m)
  const asJson = await h1.daemon.cli('ipam', 'check', '--json')
  t.equal(asJson.status, 1)
  t.equal((JSON.parse(asJson.stdout) as { findings: unknown[] }).findings.length, 4)

  await h1.daemon.say('attach', `ip:${lost}`, targetOf(c1))
  for (const text of ['10.32.99.9/12', prefix]) await c2.run(['ip', 'addr', 'del', text, 'dev', 'ethwe'])
  await h1.run(['ip', 'addr', 'del', '10.32.99.10/12', 'dev', 'weave'])
  t.match(await h1.daemon.say('ipam', 'check'), /all agree$/, 'the remedies help')
})
