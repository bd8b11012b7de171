/**
 * Containers of two real dockerds find each other by name.
 *
 *     [web] [db] (docker)      (docker) [api] [job]
 *        └──┬──┘                    └──┬──┘
 *         (h1) ═════════ u2 ═════════ (h2)       192.0.2.0/24
 */
import t from 'tap'
import { Dockerd, skipDockerd } from '../support/dockerd.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, type Host } from '../support/testbed.ts'

t.setTimeout(240_000)
/** Within so long a name is known, or gone, in the whole mesh. */
const TOLD_MS = 1_000
const SOON_MS = 10_000

t.test('containers of two Dockers and their names', { skip: await skipDockerd(), timeout: 220_000 }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('h1', 'h2')) as [Host, Host]
  const [h1, h2] = hosts
  await bed.link(h1, h2, '192.0.2')
  const docker1 = await Dockerd.start(bed, h1)
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile, env: docker1.env })
  await h2.daemon.launch([h1.address], { passwordFile })
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
    t.ok(await h1.daemon.say('attach', '-h', 'sql', 'db'))
    await known(h2, 'sql', true, TOLD_MS)
    t.same((await h2.daemon.api.call('dns-lookup', { name: 'desk' })).addresses.length, 1)
    await docker1.docker('rm', '-f', 'db')
  })

  await t.test('they end within a second when a container stops, and come back with it', async t => {
    await docker1.sleeper('web', '-l', 'weave-ts.attach=', '-l', 'weave-ts.name=shop')
    await known(h2, 'shop', true, SOON_MS)
    const before = await addressesOf(h2, 'shop')
    await docker1.docker('stop', '-t', '0', 'web')
    // `docker stop` returns after the container has ended.
    await known(h2, 'shop', false, TOLD_MS)
    await known(h2, 'web', false, TOLD_MS)
    await docker1.docker('start', 'web')
    await known(h2, 'shop', true, TOLD_MS)
    t.same(await addressesOf(h2, 'web'), before, 'with its address')
    await docker1.docker('rm', '-f', 'web')
    await known(h2, 'shop', false, TOLD_MS)
  })
})
