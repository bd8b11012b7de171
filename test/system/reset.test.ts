/** What `reset` leaves of a host: just what was there before the launch, in every table that weave-ts writes to. */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(120_000)
const BIN = new URL('../../../bin/weave-ts', import.meta.url).pathname
const options = { skip: skipSystem, timeout: 60_000 }

/** What counts and ticks; and what a bridge keeps of the ports that it had, whoever plugged them. */
const NOISE = /nf_conntrack_count|_timer\b|fdb_n_learned/

async function view(host: Host): Promise<Record<string, string[]>> {
  const lines = async (...argv: string[]) =>
    (await host.must(...argv))
      .replaceAll(/^\d+: /gm, '')
      .replaceAll(/\s\w+_timer\s+[\d.]+|\stso_max_size \d+/g, '')
      .split('\n')
      .filter(line => !NOISE.test(line))
  return {
    ruleset: await lines('nft', 'list', 'ruleset'),
    links: await lines('ip', '-d', 'link', 'show'),
    addresses: await lines('ip', '-4', 'addr', 'show'),
    routes: await lines('ip', 'route', 'show', 'table', 'all'),
    routes6: await lines('ip', '-6', 'route', 'show', 'table', 'all'),
    rules: await lines('ip', 'rule'),
    sysctls: (await lines('sysctl', '-a', '--pattern', '^net\\.')).sort(),
  }
}

/** A firewall of the host's own that drops what it forwards. */
async function drops(host: Host): Promise<void> {
  await host.must('iptables-nft', '-P', 'FORWARD', 'DROP')
  await host.must('iptables-nft', '-A', 'FORWARD', '-i', 'lo', '-j', 'ACCEPT')
}

async function used(bed: Testbed, host: Host): Promise<void> {
  const container = await bed.container(`of-${host.label}`)
  await host.daemon.attach(container, '10.40.1.7/24')
  await host.daemon.ipv4('expose', '10.40.1.1/24')
  t.ok(await host.canPing('10.40.1.7'))
}

t.test('of a bridge of its own', options, async t => {
  const bed = new Testbed(t)
  const host = await bed.host('h1')
  await drops(host)
  const before = await view(host)
  await host.daemon.launch([], { passwordFile: bed.passwordFile })
  await used(bed, host)
  t.notSame((await view(host)).ruleset, before.ruleset, 'there is something to remove')
  const unsaid = await host.daemon.cli('reset')
  t.equal(unsaid.status, 2, 'nobody could be asked')
  t.match(unsaid.stderr, /is cut off the overlay[^]*nothing was removed: [^]*weave-ts reset --yes/)
  await host.daemon.say('reset', '--yes')
  t.strictSame(await view(host), before)
})

for (const how of ['by its daemon', 'by force, without a daemon'])
  t.test(`of a bridge of somebody else, ${how}`, options, async t => {
    const bed = new Testbed(t)
    const host = await bed.host('h1')
    await drops(host)
    await host.ip('link add weave address 02:00:00:00:00:99 mtu 1376 type bridge mcast_snooping 1 stp_state 0')
    await host.must('ip', 'link', 'set', 'weave', 'alias', 'uplink of the cellar')
    await host.must(
      'sysctl',
      '-qw',
      'net.ipv6.conf.weave.accept_redirects=1',
      'net.ipv4.conf.weave.promote_secondaries=0',
    )
    await host.ip('addr add 10.99.0.1/24 dev weave')
    await host.ip('link add theirs type veth peer name other')
    await host.ip('link set theirs master weave up')
    await host.ip('link set other up')
    await host.ip('link set weave up')
    // The kernel has made what it makes of a bridge with a carrier.
    await waitFor('an address of IPv6', 10_000, async () => {
      const text = await host.must('ip', '-6', 'addr', 'show')
      return text.includes('fe80::') && !text.includes('tentative')
    })
    const before = await view(host)
    await host.daemon.launch([], { passwordFile: bed.passwordFile, args: ['--adopt-bridge'] })
    await used(bed, host)
    if (how !== 'by its daemon') await host.daemon.kill()
    // Without a daemon it is the command that works on the network, so it must be in the host's.
    const reset = await host.run([process.execPath, BIN, 'reset', '--force', '--state-dir', host.daemon.stateDir])
    t.equal(reset.status, 0, reset.stderr)
    t.match(reset.stderr, /this host loses 10\.40\.1\.1\/24/)
    t.strictSame(await view(host), before)
  })
