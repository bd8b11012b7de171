/**
 * Networks of Docker on the overlay: two hosts, a real dockerd and a daemon on each.
 *
 *     h1 ──── 192.0.31.0/24 ──── h2
 */
import { readdirSync } from 'node:fs'
import t from 'tap'
import { BUSYBOX, Dockerd, skipDockerd } from '../support/dockerd.ts'
import { run, waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, type Host } from '../support/testbed.ts'

t.setTimeout(400_000)
const SOON_MS = 15_000

t.test('networks of Docker on the overlay', { skip: await skipDockerd(), timeout: 380_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.31')
  const { passwordFile } = bed
  const [d1, d2] = await Promise.all([Dockerd.start(bed, h1), Dockerd.start(bed, h2)])
  const launch = () => h1.daemon.launch([], { passwordFile, env: d1.env })
  await launch()
  await h2.daemon.launch([h1.address], { passwordFile, env: d2.env })
  await meshed([h1, h2])

  const box = (docker: Dockerd, name: string, ...options: string[]) =>
    docker.docker('run', '-d', '--name', name, ...options, 'box', BUSYBOX, 'sleep', '600')
  const fieldOf = (docker: Dockerd, name: string, network: string, field: string) =>
    docker.docker('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").${field}}}`, name)
  const addressOf = (docker: Dockerd, name: string, network: string) => fieldOf(docker, name, network, 'IPAddress')
  const canPing = async (docker: Dockerd, name: string, to: string) =>
    (await docker.exec(name, 'ping', '-c', '1', '-W', '3', to)).status === 0
  const create = (docker: Dockerd, name: string, ...options: string[]) =>
    docker.docker('network', 'create', '-d', 'weave-ts', '--ipam-driver', 'weave-ts', ...options, name)
  const refused = async (docker: Dockerd, ...words: string[]) => {
    const result = await run(docker.argv(...words))
    t.not(result.status, 0, words.join(' '))
    return result.stderr
  }
  const remove = (docker: Dockerd, ...names: string[]) => docker.docker('rm', '-f', ...names)
  const lookup = async (host: Host, name: string) => (await host.daemon.cli('dns-lookup', name)).stdout.trim()
  const isKnown = (host: Host, name: string, address: string) =>
    waitFor(`${name} is ${address} on ${host.label}`, SOON_MS, async () => {
      const found = await lookup(host, name)
      // One that it has of IPv6 comes after it.
      if (found.split(/\s/)[0] !== address) throw new Error(found)
      return true
    })
  /** No address, interface, endpoint or name is left. */
  const clean = (host: Host) =>
    waitFor(`${host.label} is clean`, SOON_MS, async () => {
      const { ipam, dns, driver } = await host.daemon.status()
      const veths = (await host.links()).filter(name => name.startsWith('vethw'))
      const left = [ipam.activeAddresses, driver.endpoints, dns.names, veths.length, (await host.daemon.ps()).length]
      if (left.some(count => count > 0)) throw new Error(left.join(' '))
      return true
    })
  /** No network is left. Dockerd tells of it, and a status may be some milliseconds older. */
  const hasNone = (host: Host) =>
    waitFor(
      `${host.label} has no network`,
      SOON_MS,
      async () => (await host.daemon.status()).driver.networks.length === 0,
    )

  await t.test('containers of one network reach each other from host to host, and the host beyond', async t => {
    for (const docker of [d1, d2]) await create(docker, 'net')
    await box(d1, 'one', '--network', 'net', '--network-alias', 'alpha')
    await box(d1, 'two', '--network', 'net')
    await box(d2, 'far', '--network', 'net')
    const [one, far] = [await addressOf(d1, 'one', 'net'), await addressOf(d2, 'far', 'net')]
    t.not(one, far)
    t.ok(await canPing(d1, 'one', far))
    const far6 = await fieldOf(d2, 'far', 'net', 'GlobalIPv6Address')
    const { ipv6Prefix } = (await h1.daemon.status()).mesh
    t.ok(far6.startsWith(ipv6Prefix!.replace(/::\/48$/, ':1::a')), `derived: ${far6}`)
    t.equal((await d1.exec('one', 'ping', '-6', '-c', '1', '-W', '3', far6)).status, 0)
    await waitFor('both families are told', SOON_MS, async () => {
      const [known] = await h1.daemon.api.call('whois', { what: far6 }).then(({ containers }) => containers)
      if (known === undefined) throw new Error('not yet')
      return true
    })
    t.match((await h2.daemon.ps())[0], { cidrs: [/^10\..*\/12$/], ipv6: [`${far6}/64`], isIpv6Off: false })
    t.match((await h2.daemon.api.call('ipam-check', {})).findings, [])
    t.ok(await canPing(d2, 'far', one))
    t.ok(await canPing(d1, 'two', 'alpha'), 'an alias, by the resolver of Docker')
    t.match((await d1.exec('one', 'ip', 'route')).stdout, /^default via 172\..*^224\.0\.0\.0\/5 dev eth0/ms)
    t.ok(await canPing(d1, 'one', h1.address), 'by the bridge of Docker for the rest of the world')
    const plain = await bed.container('plain')
    t.match(await h1.daemon.attach(plain), [/\/12$/])
    t.ok(await plain.canPing(far), 'one that was attached is on the same Ethernet')
    await h1.daemon.detach(`netns:${plain.name}`)
    await isKnown(h1, 'far', far)
    await isKnown(h2, 'alpha', one)
    t.match(await h1.daemon.ps(), [
      { description: /container (one|two) on the network net/, network: 'net', state: 'attached' },
      { description: /container (one|two) on the network net/, network: 'net', state: 'attached' },
    ])
    t.match(await h1.daemon.say('ps'), /on net$/m)
    t.match(await h1.daemon.say('status'), /Networks: net \(10\.32\.0\.0\/12\); 2 endpoints/)
    const settings = ['ipv4/neigh/eth0/base_reachable_time_ms', 'ipv6/conf/eth0/accept_ra']
    const read = await d1.exec('one', 'cat', ...settings.map(path => `/proc/sys/net/${path}`))
    t.strictSame(read.stdout.split('\n').slice(0, 2), ['5000', '0'], 'our settings of the interface')
    await remove(d1, 'one', 'two')
    await remove(d2, 'far')
    for (const host of [h1, h2]) await clean(host)
    await d1.docker('network', 'rm', 'net')
    await hasNone(h1)
  })

  await t.test('names, by the resolver of Docker and ours', async t => {
    const [cidr = ''] = (await h2.daemon.api.call('expose', {})).cidrs
    await box(d2, 'far', '--network', 'net', '--dns', cidr.split('/')[0]!)
    await create(d1, 'net')
    await box(d1, 'one', '--network', 'net', '--network-alias', 'alpha')
    await isKnown(h2, 'alpha', await addressOf(d1, 'one', 'net'))
    t.ok(await canPing(d2, 'far', 'alpha.weave.local'))
    await remove(d1, 'one')
    await remove(d2, 'far')
    // Docker would ask for another subnet without end.
    const lone = ['-d', 'weave-ts', '--ipam-driver', 'weave-ts', 'lone']
    t.match(await refused(d2, 'network', 'create', ...lone), /is exposed.*--subnet 10\.32\.0\.0\/12/)
    await create(d2, 'lone', '--subnet', '10.32.0.0/12')
    await box(d2, 'named', '--network', 'lone')
    t.match(await addressOf(d2, 'named', 'lone'), /^10\.\d+/)
    t.ok(await canPing(d2, 'named', cidr.split('/')[0]!), 'it reaches the host')
    await remove(d2, 'named')
    await d2.docker('network', 'rm', 'lone')
    await h2.daemon.api.call('hide', {})
    await d1.docker('network', 'rm', 'net')
  })

  await t.test('subnet, range, address, two families, MAC, an internal network, a published port', async t => {
    const subnets = ['--subnet', '10.40.0.0/24', '--ip-range', '10.40.0.128/25', '--ipv6', '--subnet', 'fd00:40::/64']
    for (const docker of [d1, d2]) await create(docker, 'dual', ...subnets)
    await box(d1, 'fixed', '--network', 'dual', '--ip', '10.40.0.9')
    await box(d2, 'free', '--network', 'dual', '-p', '8080:80')
    t.equal(await fieldOf(d1, 'fixed', 'dual', 'GlobalIPv6Address'), 'fd00:40::a28:9')
    t.match(await addressOf(d2, 'free', 'dual'), /^10\.40\.0\.(129|1[3-9]\d|2\d\d)$/)
    t.ok(await canPing(d2, 'free', '10.40.0.9'))
    t.equal((await d2.exec('free', 'ping', '-6', '-c', '1', '-W', '3', 'fd00:40::a28:9')).status, 0)
    t.match(await refused(d2, 'run', '--network', 'dual', '--ip', '10.40.0.9', 'box', 'sh'), /10\.40\.0\.9/)
    await d2.docker('exec', '-d', 'free', BUSYBOX, 'nc', '-l', '-p', '80', '-e', BUSYBOX, 'echo', 'served')
    await waitFor('the published port answers', SOON_MS, async () =>
      /served/.test((await h1.run([BUSYBOX, 'nc', '-w', '3', h2.address, '8080'])).stdout),
    )
    const sysctl = 'net.ipv6.conf.all.disable_ipv6=1'
    await create(d1, 'four', '--subnet', '10.47.0.0/24')
    await box(d1, 'old', '--network', 'four', '--sysctl', sysctl)
    await waitFor('that it has IPv6 off is seen', SOON_MS, async () => {
      const found = (await h1.daemon.ps()).find(one => one.network === 'four')
      if (found?.isIpv6Off !== true) throw new Error(JSON.stringify(found))
      return t.strictSame(found.ipv6, [])
    })
    await remove(d1, 'old')
    await create(d1, 'inner', '--internal', '--subnet', '10.41.0.0/24')
    await box(d1, 'shut', '--network', 'inner')
    t.notOk(await canPing(d1, 'shut', h1.address))
    t.notMatch((await d1.exec('shut', 'ip', 'route')).stdout, /default/)
    await remove(d1, 'fixed', 'shut')
    await remove(d2, 'free')
    await d1.docker('network', 'rm', 'inner', 'four', 'dual')
    await d2.docker('network', 'rm', 'dual', 'net')
    for (const host of [h1, h2]) await clean(host)
  })

  await t.test('what cannot be is refused with the reason, and leaves nothing', async t => {
    const creating = (...words: string[]) =>
      refused(d1, 'network', 'create', '-d', 'weave-ts', ...words, '--ipam-driver', 'weave-ts', 'bad')
    t.match(
      await creating('--subnet', '192.0.2.0/24'),
      /192\.0\.2\.0\/24 is not inside the address range 10\.32\.0\.0\/12/,
    )
    t.match(await creating('--subnet', '10.40.0.0/31'), /fewer than 4/)
    t.match(await creating('-o', 'speed=high'), /no option speed/)
    t.match(await creating('-o', 'com.docker.network.driver.mtu=9000'), /9000.*MTU of the overlay is \d+/)
    t.match(await creating('--ipam-opt', 'x=y'), /no --ipam-opt x/)
    t.match(await refused(d1, 'network', 'create', '-d', 'weave-ts', 'bad'), /--ipam-driver weave-ts/)
    await create(d1, 'wide', '--subnet', '10.42.0.0/16')
    t.match(await creating('--subnet', '10.42.7.0/24'), /overlaps 10\.42\.0\.0\/16 of the network/)
    await d1.docker('network', 'rm', 'wide')
    // Addresses of Docker's own choice are claimed in the mesh.
    for (const docker of [d1, d2])
      await docker.docker('network', 'create', '-d', 'weave-ts', '--subnet', '10.43.0.0/24', 'own')
    await box(d1, 'mine', '--network', 'own', '--ip', '10.43.0.7')
    t.match(await refused(d2, 'run', '--network', 'own', '--ip', '10.43.0.7', 'box', 'sh'), /10\.43\.0\.7/)
    await remove(d1, 'mine')
    for (const docker of [d1, d2]) await docker.docker('network', 'rm', 'own')
    for (const host of [h1, h2]) await clean(host)
    await hasNone(h1)
  })

  await t.test('connect and disconnect of a container that runs, and several networks', async t => {
    for (const docker of [d1, d2]) {
      await create(docker, 'front', '--subnet', '10.44.0.0/24')
      await create(docker, 'back', '--subnet', '10.45.0.0/24')
    }
    await box(d1, 'late', '--network', 'front')
    await box(d2, 'peer', '--network', 'back')
    await d1.docker('network', 'connect', '--ip', '10.45.0.200', '--alias', 'deep', 'back', 'late')
    t.ok(await canPing(d2, 'peer', '10.45.0.200'))
    await isKnown(h2, 'deep', '10.45.0.200')
    await d1.docker('network', 'disconnect', 'front', 'late')
    await d1.sleeper('both')
    await h1.daemon.api.call('attach', { target: 'both', addresses: ['net:10.46.0.0/24'] })
    await d1.docker('network', 'disconnect', 'none', 'both')
    await d1.docker('network', 'connect', 'front', 'both')
    await waitFor('it has both interfaces', SOON_MS, async () => {
      const found = (await h1.daemon.ps()).filter(one => one.description.startsWith('container both'))
      return found.length === 2 && found.every(one => one.state === 'attached')
    })
    await remove(d1, 'both')
    t.ok(await canPing(d2, 'peer', '10.45.0.200'))
    await d1.docker('network', 'disconnect', 'back', 'late')
    t.notOk(await canPing(d2, 'peer', '10.45.0.200'))
    await waitFor('its names are gone', SOON_MS, async () => (await lookup(h2, 'deep')) === '')
    await d1.docker('network', 'connect', 'back', 'late')
    await d1.docker('restart', '-t', '0', 'late')
    await isKnown(h2, 'late', await addressOf(d1, 'late', 'back'))
    t.ok(await canPing(d1, 'late', await addressOf(d2, 'peer', 'back')))
    await remove(d1, 'late')
    await remove(d2, 'peer')
    for (const host of [h1, h2]) await clean(host)
  })

  await t.test('the calls of a compose file: a network of its own, services with aliases', async t => {
    await create(d1, 'shop_default', '--label', 'com.docker.compose.network=default')
    for (const service of ['web', 'db']) {
      const options = [
        '--network',
        'shop_default',
        '--network-alias',
        service,
        '-l',
        `com.docker.compose.service=${service}`,
      ]
      await d1.docker('create', '--name', `shop-${service}-1`, ...options, 'box', BUSYBOX, 'sleep', '600')
      await d1.docker('start', `shop-${service}-1`)
    }
    t.ok(await canPing(d1, 'shop-web-1', 'db'))
    t.ok(await canPing(d1, 'shop-db-1', 'web'))
    await isKnown(h2, 'db', await addressOf(d1, 'shop-db-1', 'shop_default'))
    await remove(d1, 'shop-web-1', 'shop-db-1')
    await d1.docker('network', 'rm', 'shop_default')
    await clean(h1)
  })

  await t.test('restarts of the daemon, of dockerd, of both', async t => {
    await box(d1, 'web', '--network', 'back', '--restart', 'always')
    await box(d2, 'peer', '--network', 'back')
    const peer = await addressOf(d2, 'peer', 'back')
    const reaches = (what: string) =>
      waitFor(`web reaches its peer after ${what}`, 60_000, () => canPing(d1, 'web', peer))
    await h1.daemon.say('stop')
    t.strictSame(readdirSync(h1.daemon.pluginDir), [], 'a daemon that is stopped leaves no socket')
    t.ok(await d1.exec('web', 'ip', 'addr', 'show', 'eth0'))
    await launch()
    await reaches('a stop and launch')
    await h1.daemon.kill()
    await launch()
    await reaches('a kill of the daemon')
    t.equal((await h1.daemon.ps()).length, 1)
    await d1.kill()
    const began = performance.now()
    await d1.start()
    t.comment(`dockerd took ${Math.round(performance.now() - began)} ms to start with the daemon there`)
    await reaches('a kill of dockerd')
    await d1.kill()
    await h1.daemon.kill()
    await launch()
    await d1.start()
    await reaches('a kill of both')
    await isKnown(h2, 'web', await addressOf(d1, 'web', 'back'))
    t.equal((await h1.daemon.status()).ipam.activeAddresses, 1, 'no address of an earlier run is left')
    t.equal((await h1.daemon.status()).driver.endpoints, 1)
    await remove(d1, 'web')
    await remove(d2, 'peer')
    for (const docker of [d1, d2]) await docker.docker('network', 'rm', 'front', 'back')
    for (const host of [h1, h2]) await clean(host)
    await hasNone(h1)
  })
})
