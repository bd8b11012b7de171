/**
 * A host namespace whose firewall drops forwarded packets, the kernel handing it bridged ones (br_netfilter).
 *
 *     [a] ethwe ── vethwe… ┐
 *     [b] ethwe ── vethwe… ┴ weave
 */
import { existsSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseMac } from '../../lib/address/mod.ts'
import { HostFirewall } from '../../lib/host/mod.ts'
import { BRIDGE_MAC, HostFixture, skipSystem, succeeds } from './host-fixture.ts'

t.setTimeout(120_000)

function skipReason(...tools: string[]): string | false {
  if (skipSystem !== false) return skipSystem
  if (!existsSync('/proc/sys/net/bridge')) return 'br_netfilter is not loaded (modprobe br_netfilter)'
  const missing = tools.find(tool => !succeeds(tool, '--version'))
  return missing === undefined ? false : `${missing} is not installed`
}

async function twoContainers(t: Test) {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const a = await network.resolve(`netns:${fixture.container('a')}`)
  const b = await network.resolve(`netns:${fixture.container('b')}`)
  await network.attach(a, ['10.32.0.1/12'])
  await network.attach(b, ['10.32.0.2/12'])
  for (const version of ['', '6']) {
    fixture.onHost('sh', '-c', `echo 1 > /proc/sys/net/bridge/bridge-nf-call-ip${version}tables`)
  }
  return { fixture, network, canTalk: () => fixture.canPing(a, '10.32.0.2') }
}

for (const program of ['iptables-nft', 'iptables-legacy']) {
  t.test(`a FORWARD chain of ${program} that drops gets one rule`, { skip: skipReason(program) }, async t => {
    const { fixture, canTalk } = await twoContainers(t)
    t.ok(canTalk())
    fixture.onHost(program, '-P', 'FORWARD', 'DROP')
    t.notOk(canTalk(), 'which cuts containers off')
    const firewall = new HostFirewall(fixture.runner, 'weave', parseMac(BRIDGE_MAC)!)
    t.strictSame((await firewall.ensure()).accepting, [program])
    t.ok(canTalk())
    await firewall.ensure()
    t.equal(fixture.onHost(program, '-S', 'FORWARD').match(/weave-ts/g)?.length, 1)
    fixture.onHost(program, '-F', 'FORWARD')
    t.strictSame((await firewall.ensure()).restored, [`rules of ${program}`])
    t.ok(canTalk(), 'it is put back')
    await firewall.remove()
    t.equal(fixture.onHost(program, '-S', 'FORWARD').trim(), '-P FORWARD DROP')
  })
}

t.test('a chain of nft itself that drops is told with the command that helps', { skip: skipReason('nft') }, async t => {
  const { fixture, network, canTalk } = await twoContainers(t)
  fixture.onHost(
    'nft',
    'add table inet fw; add chain inet fw relay { type filter hook forward priority 0; policy drop; }',
  )
  t.notOk(canTalk())
  const { warnings } = await network.reconcileFirewall()
  t.equal(warnings.length, 1)
  const advice = /`nft ([^`]+)`/.exec(warnings[0]?.remedy ?? '')?.[1]
  t.ok(advice)
  fixture.onHost('nft', advice ?? '')
  t.ok(canTalk(), 'it helps')
  t.strictSame((await network.reconcileFirewall()).warnings, [], 'and ends the warning')
})

t.test('a host without firewall rules gets none', { skip: skipReason('nft') }, async t => {
  const { fixture, network } = await twoContainers(t)
  const { accepting, warnings } = await network.reconcileFirewall()
  t.strictSame({ accepting, warnings }, { accepting: [], warnings: [] })
  t.equal(fixture.onHost('nft', 'list', 'ruleset'), '')
  t.notMatch(fixture.onHost('cat', '/proc/net/ip_tables_names'), /filter/)
  await network.remove()
  t.equal(fixture.onHost('nft', 'list', 'ruleset'), '')
})
