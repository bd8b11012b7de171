/**
 * Containers of two real dockerds find each other by name.
 *
 *     [web] [db] (docker)      (docker) [api]
 *        └──┬──┘                          │
 *         (h1) ═════════ u2 ═════════ (h2)       192.0.2.0/24
 */
import t from 'tap'
import { BUSYBOX, Dockerd, skipDockerd } from '../support/dockerd.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, type Host } from '../support/testbed.ts'

t.setTimeout(240_000)
/** Within a second a name is known, or gone, in the whole mesh; a machine that is busy with other tests adds to it. */
const TOLD_MS = 5_000
/** Docker switches IPv6 off in containers whose networks have none. */
const IPV6 = ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0']
const SOON_MS = 10_000
const BACK_MS = 30_000

t.test('containers of two Dockers and their names', { skip: await skipDockerd(), timeout: 220_000 }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
  const [h1, h2] = hosts
  await bed.link(h1, h2, '192.0.2')
  const docker1 = await Dockerd.start(bed, h1)
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile, env: docker1.env })
  const docker2 = await Dockerd.start(bed, h2)
  const launch2 = () => h2.daemon.launch([h1.address], { passwordFile, env: docker2.env })
  await launch2()
  await meshed(hosts)
  const addressesOf = async (host: Host, name: string) =>
    (await host.daemon.api.call('dns', {})).entries.filter(one => one.name === name).map(one => one.address)
  const known = (host: Host, name: string, isKnown: boolean, withinMs: number) =>
    waitFor(`${name} is ${isKnown ? 'known' : 'unknown'} on ${host.label}`, withinMs, async () => {
      return (await addressesOf(host, name)).length > 0 === isKnown
    })

  await t.test('labels, host name and aliases are names, however it was attached', async t => {
    await docker1.docker('network', 'create', 'lan')
    const labels = ['-l', 'weave-ts.name=shop, b.weave.local,no- name.example.com', '-l', 'weave-ts.hostname=desk']
    const networks = ['--network', 'lan', '--network-alias', 'store', '--hostname', 'unwanted']
    const run = (name: string, ...options: string[]) =>
      docker1.docker('run', '-d', '--name', name, ...options, 'box', 'sleep', '600')
    await run('web', ...labels, ...networks, '-l', 'weave-ts.attach=')
    await known(h2, 'web', true, SOON_MS)
    const names = async () =>
      (await h2.daemon.api.call('dns', {})).entries.filter(one => one.address === address).map(one => one.name)
    const address = (await addressesOf(h2, 'web'))[0]
    t.same(await names(), ['b', 'desk', 'shop', 'store', 'web'])
    const { warnings } = await h1.daemon.status()
    t.match(
      warnings.filter(text => text.includes('labels')),
      [/^container web is not called "no-"/, /^container web is not called "name\.example\.com"/],
    )
    await docker1.docker('rm', '-f', 'web')
    await known(h2, 'shop', false, SOON_MS)

    await run('db', ...labels, ...networks)
    t.ok(await h1.daemon.ipv4('attach', '-h', 'sql', 'db'))
    await known(h2, 'sql', true, TOLD_MS)
    t.same((await h2.daemon.api.call('dns-lookup', { name: 'desk' })).addresses.length, 1)
    await docker1.docker('rm', '-f', 'db')
  })

  await t.test('they end soon when a container stops, and come back with it', async t => {
    await docker1.sleeper('web', '-l', 'weave-ts.attach=', '-l', 'weave-ts.name=shop', ...IPV6)
    const both = (name: string) =>
      waitFor(`${name} has an address of each family`, SOON_MS, async () => {
        const addresses = await addressesOf(h2, name)
        if (addresses.length === 2) return addresses
        const there = await addressesOf(h1, name)
        throw new Error(`h2 knows ${addresses.join(' ')}, and h1 tells of ${there.join(' ')}`)
      })
    const before = await both('shop')
    await docker1.docker('stop', '-t', '0', 'web')
    // `docker stop` returns after the container has ended.
    await known(h2, 'shop', false, TOLD_MS)
    await known(h2, 'web', false, TOLD_MS)
    await docker1.docker('start', 'web')
    await known(h2, 'shop', true, TOLD_MS)
    t.same(await both('web'), before, 'with its addresses')
    await docker1.docker('rm', '-f', 'web')
    await known(h2, 'shop', false, TOLD_MS)
  })

  await t.test('they ping each other by name, whatever is killed or restarted', async t => {
    const servers = await Promise.all(hosts.map(async host => (await host.daemon.ipv4('expose')).split('/')[0]!))
    const dockers = [docker1, docker2] as const
    await docker2.docker('network', 'create', 'lan')
    const start = (i: 0 | 1, name: string, ...options: string[]) => {
      const dns = ['--dns', servers[i]!, '--dns-search', 'weave.local', '--restart', 'always', '-l', 'weave-ts.attach=']
      return dockers[i].docker('run', '-d', '--name', name, ...dns, ...options, 'box', BUSYBOX, 'sleep', '600')
    }
    // One that has nothing but the overlay, and one with a network and the resolver of Docker.
    await start(0, 'web', '--network', 'none', '-l', 'weave-ts.name=shop')
    await start(1, 'api', '--network', 'lan', '--network-alias', 'backend')
    const pings = (i: 0 | 1, from: string, name: string, withinMs: number) =>
      waitFor(`${from} reaches ${name}`, withinMs, async () => {
        const { status, stdout, stderr } = await dockers[i].exec(from, 'ping', '-c', '1', '-W', '1', name)
        if (status !== 0) throw new Error(`${stdout}${stderr}`)
        return true
      })
    const bothWays = async (why: string, withinMs = SOON_MS) => {
      for (const name of ['api', 'backend', 'api.weave.local']) await pings(0, 'web', name, withinMs)
      for (const name of ['web', 'shop', 'SHOP.weave.local']) await pings(1, 'api', name, withinMs)
      t.pass(why)
    }
    await bothWays('at first')
    await docker2.docker('restart', '-t', '0', 'api')
    await bothWays('after docker restart on one side')
    await docker2.kill()
    await docker2.start()
    await bothWays('after kill -9 of dockerd', BACK_MS)
    await h2.daemon.kill()
    await launch2()
    await bothWays('after kill -9 of our daemon', BACK_MS)
    await docker2.kill()
    await h2.daemon.kill()
    await launch2()
    await docker2.start()
    await bothWays('after kill -9 of both', BACK_MS)
    for (const [i, name] of [
      [0, 'web'],
      [1, 'api'],
    ] as const)
      await dockers[i].docker('rm', '-f', name)
    for (const host of hosts) await known(host, 'backend', false, TOLD_MS)
    for (const host of hosts)
      await waitFor(`only the host itself is left on ${host.label}`, BACK_MS, async () => {
        return (await host.daemon.status()).ipam.activeAddresses === 1
      })
  })
})
