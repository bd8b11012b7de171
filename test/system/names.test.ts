/**
 * Names of containers on three hosts of one LAN.
 *
 *     [c1]          [c2]          [c3]           10.32.0.0/12
 *      │             │             │
 *     weave (h1) ── (h2) weave ── (h3) weave     192.0.2.0/24
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(120_000)
const options = { skip: skipSystem, timeout: 90_000 }
/** Within so long a name is known, or gone, in the whole mesh. */
const TOLD_MS = 1_000

async function threeHosts(t: TestScope) {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('h1', 'h2', 'h3')) as [Host, Host, Host]
  await bed.lan(hosts, '192.0.2')
  await hosts[0].daemon.launch([], { passwordFile: bed.passwordFile })
  await Promise.all(
    hosts.slice(1).map(host => host.daemon.launch([hosts[0].address], { passwordFile: bed.passwordFile })),
  )
  const containers = (await bed.containers('c1', 'c2', 'c3')) as [Namespace, Namespace, Namespace]
  await meshed(hosts)
  return { bed, hosts, containers }
}

async function lookUp(host: Host, name: string): Promise<string[]> {
  const { status, stdout } = await host.daemon.cli('dns-lookup', name)
  return status === 0 ? stdout.trimEnd().split('\n').filter(isIpv4).sort() : []
}

/** Names are told by both families; test/system/ipv6.test.ts looks at the other one. */
function isIpv4(text: string): boolean {
  return !text.includes(':')
}

t.test('containers have names, everywhere and for as long as they are there', options, async t => {
  const { bed, hosts, containers } = await threeHosts(t)
  const [h1, h2, h3] = hosts
  const [c1, c2, c3] = containers
  const targetOf = (namespace: Namespace) => `netns:${namespace.name}`
  const attach = async (host: Host, namespace: Namespace, ...args: string[]) =>
    (await host.daemon.ipv4('attach', ...args, targetOf(namespace))).split('/')[0]!
  const told = (what: string, name: string, addresses: readonly string[]) =>
    waitFor(what, TOLD_MS, async () => {
      const answers = await Promise.all(hosts.map(host => host.daemon.api.call('dns', {})))
      return answers.every(({ entries }) => {
        const found = entries.filter(entry => entry.name === name && isIpv4(entry.address)).map(entry => entry.address)
        return found.sort().join() === [...addresses].sort().join()
      })
    })

  const ip1 = await attach(h1, c1, '-h', 'web', '--name', 'one.weave.local')
  await told('web on all three', 'web', [ip1])
  const ip2 = await attach(h2, c2, '-h', 'web')
  await told('two of the same name', 'web', [ip1, ip2])
  t.same(await lookUp(h3, 'WEB.weave.local.'), [ip1, ip2].sort())
  t.same(await lookUp(h3, ip1), ['one.weave.local.', 'web.weave.local.'])

  t.equal(
    await h2.daemon.say('dns-add', targetOf(c2), 'two', 'a.b.weave.local'),
    'web.weave.local.\ntwo.weave.local.\na.b.weave.local.',
  )
  t.equal(await h2.daemon.say('dns-add', '192.0.2.77', '-h', 'printer'), 'printer.weave.local.')
  await told('an address elsewhere', 'printer', ['192.0.2.77'])
  const lines = (await h1.daemon.say('status', 'dns')).split('\n')
  t.match(
    lines.find(line => line.startsWith('printer')),
    /^printer +192\.0\.2\.77 +weave:extern +[a-z2-7]{8}\(h2\)$/,
  )
  t.match(await h1.daemon.say('status'), /Domain: weave\.local\.\n[^]*Names: 5, of 3 containers, in the whole mesh/)
  t.equal(await h2.daemon.say('dns-remove', targetOf(c2), 'two'), 'web.weave.local.\na.b.weave.local.')
  await told('a name that was taken away', 'two', [])

  for (const [argv, code] of [
    [['dns-add', targetOf(c2), 'www.example.com'], 'BAD_NAME'],
    [['dns-add', targetOf(c2), 'not a name'], 'BAD_NAME'],
    [['dns-add', targetOf(c2)], 'USAGE'],
    [['dns-add', targetOf(c3), 'three'], 'NOT_ATTACHED'],
    [['dns-remove', targetOf(c2), 'two'], 'NAME_UNKNOWN'],
    [['dns-lookup', 'nobody'], 'NAME_UNKNOWN'],
    [['attach', '-h', '-', targetOf(c3)], 'BAD_NAME'],
  ] as const)
    t.match((await h2.daemon.cli(...argv)).stderr, `[${code}]`, argv.join(' '))
  t.same((await h2.daemon.ps()).length, 1, 'what was refused is not attached')

  await h1.daemon.detach(targetOf(c1))
  await told('the names of what was detached', 'web', [ip2])
  await told('the names of what was detached', 'one', [])

  await attach(h3, c3, '-h', 'short', '10.40.1.7/24')
  await told('a name', 'short', ['10.40.1.7'])
  await bed.remove(c3)
  await told('the names of a namespace that was deleted', 'short', [])
  t.same(await h3.daemon.ps(), [], 'it is forgotten at once')
  t.equal((await h3.daemon.status()).ipam.activeAddresses, 0, 'and its address is free')

  await h2.daemon.kill()
  await waitFor('its names go with a peer', TOLD_MS, async () => (await lookUp(h1, 'web')).length === 0)
  await h2.daemon.launch([], { passwordFile: bed.passwordFile })
  await waitFor('they are back with it', 20_000, async () => (await lookUp(h1, 'web')).join() === ip2)
  t.same(await lookUp(h1, 'printer'), ['192.0.2.77'], 'those of addresses elsewhere too')
  t.same(await lookUp(h1, 'two'), [], 'what was taken away is not')
})
