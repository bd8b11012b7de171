/**
 * One host namespace with the bridge; containers as namespaces, plugged in by the code under test.
 *
 *     [a] ethwe ── vethwe… ┐
 *     [b] ethwe ── vethwe… ┴ weave ── weave-tap   (namespace "host")
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parseCidr } from '../../lib/address/mod.ts'
import type { CommandRunner } from '../../lib/host/mod.ts'
import { BRIDGE_MAC, command, eventually, HostFixture, skipSystem, succeeds } from './host-fixture.ts'

t.setTimeout(120_000)

const options = { skip: skipSystem, timeout: 60_000 }

t.test('the bridge is made, kept, mended and removed', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400, range: parseCidr('10.32.0.0/12')! })
  await network.preflight()
  t.equal((await network.prepareBridge()).mtu, 1_400)
  fixture.onHost('ip', 'tuntap', 'add', 'dev', 'weave-tap', 'mode', 'tap')
  await network.plugTap()
  const show = () => {
    const rows = JSON.parse(fixture.onHost('ip', '-d', '-j', 'link', 'show')) as Record<string, unknown>[]
    return Object.fromEntries(rows.map(row => [row['ifname'], row]))
  }
  const setting = (key: string) => fixture.onHost('cat', `/proc/sys/net/${key}`).trim()
  const check = (when: string) => {
    t.match(
      show()['weave'],
      { mtu: 1_400, address: BRIDGE_MAC, linkinfo: { info_data: { stp_state: 0, mcast_snooping: 0 } } },
      when,
    )
    t.match(show()['weave-tap'], { mtu: 1_400, master: 'weave', txqlen: 1_000 }, when)
    t.equal(setting('ipv6/conf/weave/accept_ra'), '0')
    t.equal(setting('ipv6/conf/weave-tap/accept_ra'), '0')
    t.equal(setting('ipv6/conf/weave-tap/disable_ipv6'), '1')
  }
  check('made')
  const index = show()['weave']?.['ifindex']
  fixture.onHost('ip', 'link', 'set', 'weave', 'address', '02:00:00:00:00:99')
  fixture.onHost('ip', 'link', 'set', 'weave', 'type', 'bridge', 'mcast_snooping', '1')
  fixture.onHost('ip', 'link', 'set', 'weave-tap', 'nomaster')
  fixture.onHost('sh', '-c', 'echo 2 > /proc/sys/net/ipv6/conf/weave/accept_ra')
  await network.prepareBridge()
  await network.plugTap()
  check('mended')
  t.equal(show()['weave']?.['ifindex'], index, 'and is the same bridge')
  // Below 1280 bytes the kernel drops the IPv6 settings; they come back as the default says, which may be to accept.
  fixture.onHost('ip', 'link', 'set', 'weave', 'mtu', '1200')
  await network.prepareBridge()
  check('mended from an MTU without IPv6')
  await network.remove()
  t.strictSame(fixture.hostLinks(), ['lo'], 'nothing is left')
  await network.remove()
})

t.test('pairs that were made and never marked are removed at the start, and at the end', options, async t => {
  const fixture = new HostFixture(t)
  const halfMade = ['vethwe0123abcd', 'type', 'veth', 'peer', 'name', 'vethwg0123abcd']
  const others = ['vethwe1', 'vethwepl12345', 'vethwe1234abcd']
  const foreign = (name: string) =>
    fixture.onHost('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', `p${name}`.slice(0, 15))
  for (const name of others) foreign(name)
  fixture.onHost('ip', 'link', 'set', 'vethwe1234abcd', 'up')
  const left = fixture.hostLinks()
  fixture.onHost('ip', 'link', 'add', ...halfMade)
  const network = fixture.network({ range: parseCidr('10.32.0.0/12')! })
  await network.prepareBridge()
  t.notOk(fixture.hostLinks().includes('vethwe0123abcd'), 'at the start')
  fixture.onHost('ip', 'link', 'add', ...halfMade)
  await network.prepareBridge()
  t.ok(fixture.hostLinks().includes('vethwe0123abcd'), 'one may be on its way')
  await network.remove()
  t.strictSame([...fixture.hostLinks()].sort(), [...left].sort(), 'others stay')
})

t.test('preflight finds a foreign interface, and an overlapping route', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ range: parseCidr('10.32.0.0/12')! })
  fixture.onHost('ip', 'link', 'add', 'weave', 'type', 'veth', 'peer', 'name', 'far')
  await t.rejects(network.preflight(), { code: 'BRIDGE_FOREIGN', message: /veth/ })
  await t.rejects(network.prepareBridge(), { code: 'BRIDGE_FOREIGN' })
  t.strictSame(fixture.hostLinks(), ['lo', 'far', 'weave'], 'which stays')
  fixture.onHost('ip', 'link', 'delete', 'weave')
  fixture.onHost('ip', 'link', 'add', 'lan', 'type', 'bridge')
  fixture.onHost('ip', 'addr', 'add', '10.33.0.1/16', 'dev', 'lan')
  fixture.onHost('ip', 'link', 'set', 'lan', 'up')
  await t.rejects(network.preflight(), { code: 'RANGE_OVERLAP', message: /10\.33\.0\.0\/16.*lan/ })
})

t.test('the MTU follows the underlay', options, async t => {
  const fixture = new HostFixture(t)
  fixture.onHost('ip', 'link', 'add', 'wan', 'mtu', '9000', 'type', 'bridge')
  fixture.onHost('ip', 'link', 'add', 'vpn', 'mtu', '1600', 'type', 'bridge')
  for (const name of ['wan', 'vpn']) fixture.onHost('ip', 'link', 'set', name, 'up')
  fixture.onHost('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'wan')
  fixture.onHost('ip', 'addr', 'add', '198.51.100.1/24', 'dev', 'vpn')
  fixture.onHost('ip', 'route', 'add', 'default', 'via', '192.0.2.2')
  const network = fixture.network()
  t.equal((await network.prepareBridge()).mtu, 9_000 - 170, 'of the default route')
  t.equal((await network.prepareBridge(['192.0.2.9', '198.51.100.9'])).mtu, 1_600 - 170, 'of the routes to peers')
})

t.test('attached containers talk; attaching again changes nothing; detaching leaves nothing', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const a = await network.resolve(`netns:${fixture.container('a')}`)
  const b = await network.resolve(`netns:${fixture.container('b')}`)
  const attached = await network.attach(a, ['10.32.0.1/12', '10.32.0.2/12', '10.99.0.1/24'])
  t.match(attached.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  t.match(attached.hostInterface, /^vethwe[0-9a-f]{8}$/)
  t.strictSame(attached.addresses, ['10.32.0.1/12', '10.99.0.1/24', '10.32.0.2/12'])
  await network.attach(b, ['10.32.0.3/12', 'fd00:77::3/64'])
  t.ok(fixture.canPing(b, '10.32.0.1'))
  t.ok(fixture.canPing(b, '10.32.0.2'), 'several addresses')
  t.ok(fixture.canPing(b, '-s', '1372', '-M', 'do', '10.32.0.1'), 'a packet of just the MTU')
  t.notOk(fixture.canPing(b, '-s', '1373', '-M', 'do', '10.32.0.1'), 'and not one byte more')

  t.strictSame(await network.attach(a, ['10.32.0.1/12']), attached, 'is idempotent')
  t.strictSame(await network.inspect(a), attached)
  const targets = (await network.list()).map(end => end.targetId)
  t.strictSame(targets.sort(), [a.id, b.id].sort())

  t.strictSame(
    await network.detach(a, ['10.32.0.1/12']),
    ['10.99.0.1/24', '10.32.0.2/12'],
    'the second of a subnet outlives the first',
  )
  t.notOk(fixture.canPing(b, '10.32.0.1'))
  t.ok(fixture.canPing(b, '10.32.0.2'))
  t.strictSame(await network.detach(a, ['10.99.0.1/24', '10.32.0.2/12']), [])
  t.notOk(succeeds('ip', '-n', `${fixture.tag}-a`, 'link', 'show', 'ethwe'), 'the interface goes with the last address')
  await t.rejects(network.detach(a, 'all'), { code: 'NOT_ATTACHED' })
  t.equal(await network.inspect(a), undefined)

  fixture.deleteContainer(`${fixture.tag}-b`)
  t.ok(await eventually(async () => (await network.list()).length === 0), 'a port goes with its namespace')
  await t.rejects(network.attach(b, ['10.32.0.3/12']), { code: 'TARGET_NOT_FOUND' }, 'which is noticed')
})

t.test('what is taken off the bridge by hand is neither gone nor forgotten, and is put back', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const a = await network.resolve(`netns:${fixture.container('a')}`)
  const b = await network.resolve(`netns:${fixture.container('b')}`)
  const { hostInterface } = await network.attach(a, ['10.32.0.1/12'])
  await network.attach(b, ['10.32.0.2/12'])
  const all = new Set([a.id, b.id])
  const listed = async () => (await network.list()).map(end => end.targetId).sort()
  t.strictSame(await network.mend(all), [], 'nothing to mend')
  fixture.onHost('ip', 'link', 'set', hostInterface, 'nomaster')
  t.strictSame(await listed(), [...all].sort())
  t.strictSame(await network.mend(new Set([b.id])), [], 'what is not ours to plug in stays')
  t.strictSame(await network.mend(all), [`${a.id} on the bridge`])
  t.ok(await eventually(async () => fixture.canPing(b, '10.32.0.1')))
  fixture.onHost('ip', 'link', 'delete', network.bridge)
  t.strictSame(await listed(), [...all].sort(), 'the interfaces outlive the bridge')
  t.equal((await network.mend(all)).length, 3)
  t.ok(await eventually(async () => fixture.canPing(b, '10.32.0.1')))
  fixture.onHost('ip', 'link', 'delete', network.bridge)
  await network.attach(a, ['10.32.0.1/12'])
  t.ok(await eventually(async () => (await network.mend(all)).length === 0 && fixture.canPing(b, '10.32.0.1')))
  fixture.onHost('ip', 'link', 'set', hostInterface, 'nomaster')
  await network.remove()
  t.strictSame(await listed(), [], 'and nothing stays behind, plugged in or not')
})

t.test('IPv6 link-local works, router advertisements are refused, multicast goes to the overlay', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const a = await network.resolve(`netns:${fixture.container('a')}`)
  const b = await network.resolve(`netns:${fixture.container('b')}`)
  const silent = fixture.network({ mtu: 1_400, multicastRoute: false })
  await silent.prepareBridge()
  const { hostInterface } = await network.attach(a, ['10.32.0.1/12'])
  await silent.attach(b, ['10.32.0.2/12'])
  t.ok(await eventually(() => fixture.canPing(a, '-6', 'ff02::1%ethwe')))
  const linkLocal = () =>
    /inet6 (fe80::[0-9a-f:]+)\/64/.exec(fixture.inside(b, 'ip', '-6', 'addr', 'show', 'ethwe'))?.[1]
  t.ok(await eventually(() => fixture.canPing(a, '-6', `${linkLocal()}%ethwe`)))
  t.equal(fixture.inside(a, 'cat', '/proc/sys/net/ipv6/conf/ethwe/accept_ra').trim(), '0')
  t.equal(fixture.onHost('cat', `/proc/sys/net/ipv6/conf/${hostInterface}/accept_ra`).trim(), '0')
  t.equal(fixture.onHost('cat', `/proc/sys/net/ipv6/conf/${hostInterface}/disable_ipv6`).trim(), '1')
  t.match(fixture.inside(a, 'ip', 'route'), /224\.0\.0\.0\/4 dev ethwe/)
  t.notMatch(fixture.inside(b, 'ip', 'route'), /224\.0\.0\.0/)
  t.equal(fixture.inside(a, 'cat', '/proc/sys/net/ipv4/neigh/ethwe/base_reachable_time_ms').trim(), '5000')
  t.equal(fixture.inside(a, 'cat', '/proc/sys/net/ipv4/neigh/ethwe/ucast_solicit').trim(), '1')
})

t.test('an address is announced when it comes, at first and later', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const watcher = await network.resolve(`netns:${fixture.container('w')}`)
  await network.attach(watcher, ['10.32.0.9/12'])
  // A neighbour entry is then made by an announcement alone.
  fixture.inside(watcher, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/ethwe/arp_accept')
  const knows = (address: string, mac: string) =>
    eventually(() => fixture.inside(watcher, 'ip', 'neigh', 'show', address).includes(mac), 3_000)
  const a = await network.resolve(`netns:${fixture.container('a')}`)
  const { mac } = await network.attach(a, ['10.32.0.1/12'])
  t.ok(await knows('10.32.0.1', mac), 'with the interface')
  await network.attach(a, ['10.32.0.1/12', '10.32.0.2/12'])
  t.ok(await knows('10.32.0.2', mac), 'to an interface that is there')
})

t.test('what is foreign is not touched, and a failure leaves nothing', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const name = fixture.container('a')
  const a = await network.resolve(`netns:${name}`)
  command('ip', '-n', name, 'link', 'add', 'ethwe', 'type', 'bridge')
  await t.rejects(network.attach(a, ['10.32.0.1/12']), { code: 'INTERFACE_EXISTS', message: /not ours/ })
  await t.rejects(network.detach(a, 'all'), { code: 'INTERFACE_EXISTS' })
  t.ok(succeeds('ip', '-n', name, 'link', 'show', 'ethwe'))
  command('ip', '-n', name, 'link', 'delete', 'ethwe')

  await t.rejects(network.attach(a, ['10.32.0.1/12', 'nonsense']), { code: 'BAD_ADDRESS' })
  t.strictSame(fixture.hostLinks(), ['lo', 'weave'])

  const failing = fixture.network({ mtu: 1_400, runner: failingAt(fixture, '10.32.0.66/12') })
  await failing.prepareBridge()
  await t.rejects(failing.attach(a, ['10.32.0.1/12', '10.32.0.66/12']), { message: 'as arranged' })
  t.strictSame(fixture.hostLinks(), ['lo', 'weave'], 'a new pair is taken back')
  const before = await network.attach(a, ['10.32.0.1/12'])
  await t.rejects(failing.attach(a, ['10.32.0.2/12', '10.32.0.66/12']), { message: 'as arranged' })
  t.strictSame(await network.inspect(a), before, 'an older one keeps what it had')

  command('ip', '-n', name, 'link', 'set', 'ethwe', 'down')
  command('ip', '-n', name, 'link', 'set', 'ethwe', 'name', 'renamed')
  t.equal(await network.inspect(a), undefined)
  t.ok(succeeds('ip', '-n', name, 'link', 'show', 'renamed'), 'to look changes nothing')
  t.strictSame((await network.attach(a, ['10.32.0.1/12'])).addresses, ['10.32.0.1/12'])
  t.notOk(succeeds('ip', '-n', name, 'link', 'show', 'renamed'), 'an end renamed inside is replaced')

  const other = { ...a, id: 'pid:77' }
  await t.rejects(network.attach(other, ['10.32.0.2/12']), { code: 'INTERFACE_EXISTS', message: `netns:${name}` })

  await network.remove()
  t.strictSame(fixture.hostLinks(), ['lo'])
  t.notOk(succeeds('ip', '-n', name, 'link', 'show', 'ethwe'))
})

t.test('a guest interface has the name that was asked for, beside the usual one', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const name = fixture.container('a')
  const a = await network.resolve(`netns:${name}`)
  const b = await network.resolve(`netns:${fixture.container('b')}`)
  await network.attach(a, ['10.32.0.1/12'])
  const second = await network.attach(a, ['10.48.0.1/16'], { guestInterface: 'eth7', multicastRoute: false })
  t.match(second, { guestInterface: 'eth7', addresses: ['10.48.0.1/16'], targetId: a.id })
  await network.attach(b, ['10.48.0.2/16'])
  t.ok(fixture.canPing(b, '10.48.0.1'))
  t.equal(fixture.inside(a, 'cat', '/proc/sys/net/ipv6/conf/eth7/accept_ra').trim(), '0')
  t.strictSame(await network.attach(a, ['10.48.0.1/16'], { guestInterface: 'eth7' }), second, 'is idempotent')
  t.strictSame(await network.inspect(a, 'eth7'), second)
  t.match(await network.inspect(a), { guestInterface: 'ethwe', addresses: ['10.32.0.1/12'] })
  t.strictSame(await network.detach(a, 'all', 'eth7'), [])
  t.notOk(succeeds('ip', '-n', name, 'link', 'show', 'eth7'))
  t.match(await network.inspect(a), { guestInterface: 'ethwe' }, 'the other stays')
  await t.rejects(network.detach(a, 'all', 'eth7'), { code: 'NOT_ATTACHED', message: /eth7/ })
  command('ip', '-n', name, 'link', 'add', 'eth9', 'type', 'bridge')
  const foreign = network.attach(a, ['10.48.0.1/16'], { guestInterface: 'eth9' })
  await t.rejects(foreign, { code: 'INTERFACE_EXISTS', message: /eth9/ })
  await t.rejects(network.attach(a, [], { guestInterface: 'a/b' }), { code: 'BAD_TARGET' })
})

t.test('a pair is made, and placed by us or by somebody else, and removed', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const a = await network.resolve(`netns:${fixture.container('a')}`)
  const b = await network.resolve(`netns:${fixture.container('b')}`)
  const mac = '02:00:5e:10:00:09'
  const [one, two] = [await network.makePair('ep1', { mac }), await network.makePair('ep2')]
  t.equal(one.mac, mac)
  t.match(two.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  t.strictSame(await network.makePair('ep1'), one, 'made again it is the same')
  t.strictSame((await network.list()).map(end => end.targetId).sort(), ['ep1', 'ep2'])
  t.ok(fixture.hostLinks().includes(one.guestInterface), 'not placed yet')

  const placed = await network.placePair('ep1', a, 'eth0', ['10.32.0.1/12'])
  t.match(placed, { targetId: 'ep1', guestInterface: 'eth0', mac, addresses: ['10.32.0.1/12'] })
  // As a container engine does it.
  fixture.onHost('ip', 'link', 'set', two.guestInterface, 'netns', b.netnsPath, 'name', 'eth3')
  fixture.inside(b, 'ip', 'addr', 'add', '10.32.0.2/12', 'dev', 'eth3')
  fixture.inside(b, 'ip', 'link', 'set', 'eth3', 'up')
  await t.rejects(network.adoptPair('ep1', b, 'eth3'), { code: 'INTERFACE_EXISTS' }, 'the end of another pair')
  const adopted = await network.adoptPair('ep2', b, 'eth3')
  t.match(adopted, { targetId: 'ep2', guestInterface: 'eth3', mac: two.mac, addresses: ['10.32.0.2/12'] })
  t.equal(fixture.inside(b, 'cat', '/proc/sys/net/ipv6/conf/eth3/accept_ra').trim(), '0')
  t.ok(fixture.canPing(b, '10.32.0.1'))
  t.ok(fixture.canPing(b, '-s', '1372', '-M', 'do', '10.32.0.1'), 'a packet of just the MTU')
  await t.rejects(network.makePair('ep1'), { code: 'INTERFACE_EXISTS' })

  await network.makePair('ep3')
  await t.rejects(network.placePair('ep3', b, 'eth3', []), { code: 'INTERFACE_EXISTS' }, 'a name that is taken')
  const failing = fixture.network({ mtu: 1_400, runner: failingAt(fixture, '10.32.0.66/12') })
  await failing.prepareBridge()
  await t.rejects(failing.placePair('ep3', b, 'eth4', ['10.32.0.66/12']), { message: 'as arranged' })
  t.notOk(succeeds('nsenter', `--net=${b.netnsPath}`, '--', 'ip', 'link', 'show', 'eth4'), 'is taken back')

  await network.removePair('ep1')
  await network.removePair('ep1')
  t.notOk(fixture.canPing(b, '10.32.0.1'))
  t.strictSame(
    (await network.list()).map(end => end.targetId),
    ['ep2'],
  )
  await network.makePair('ep4')
  await network.remove()
  t.strictSame(fixture.hostLinks(), ['lo'], 'placed or not, nothing stays')
})

t.test('a target may be named by the path of its namespace', options, async t => {
  const fixture = new HostFixture(t)
  const network = fixture.network({ mtu: 1_400 })
  await network.prepareBridge()
  const name = fixture.container('a')
  const byName = await network.resolve(`netns:${name}`)
  for (const text of [`/run/netns/${name}`, `/var/run/netns/${name}`, `netns:/var/run/netns/${name}`])
    t.strictSame(await network.resolve(text), byName, text)
  const elsewhere = join(mkdtempSync(join(tmpdir(), 'weave-ts-netns-')), 'ns')
  writeFileSync(elsewhere, '')
  command('mount', '--bind', `/run/netns/${name}`, elsewhere)
  t.teardown(() => {
    succeeds('umount', elsewhere)
    rmSync(dirname(elsewhere), { recursive: true })
  })
  const byPath = await network.resolve(elsewhere)
  t.match(byPath, { id: `netns:${elsewhere}`, netnsPath: elsewhere, netnsInode: byName.netnsInode })
  t.match(await network.attach(byPath, ['10.32.0.1/12']), { targetId: `netns:${elsewhere}` })
  await t.rejects(network.attach(byName, ['10.32.0.2/12']), { code: 'INTERFACE_EXISTS', message: /weave-ts-netns/ })
  await t.rejects(network.resolve('/proc/self/ns/mnt'), { code: 'TARGET_NOT_FOUND', message: /another kind/ })
  await t.rejects(network.resolve(`/run/netns/${fixture.host}`), {
    code: 'BAD_TARGET',
    message: /own network namespace/,
  })
})

/** The real runner, but that the commands with this word fail. */
function failingAt(fixture: HostFixture, word: string): CommandRunner {
  return {
    run: async (argv, options) => {
      if (argv.includes(word)) throw new Error('as arranged')
      return fixture.runner.run(argv, options)
    },
  }
}
