/**
 * Three hosts whose cables know IPv6 alone; a and c reach each other through b.
 *
 *     [ca]          [cb]          [cc]
 *      │             │             │
 *     (a) ═══ u2 ═══ (b) ═══ u3 ══ (c)      2001:db8:2::/64 and 2001:db8:3::/64
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { must, waitFor } from '../support/testbed-command.ts'
import { download } from '../support/testbed-transfer.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const SOON_MS = 40_000
const TRANSFER_BYTES = 1_000_000

/** A cable with no address but these of IPv6. */
async function cable(device: string, ends: readonly (readonly [Host, string])[]): Promise<void> {
  const [[a], [b]] = ends as readonly [readonly [Host, string], readonly [Host, string]]
  const pair = ['type', 'veth', 'peer', 'name', device, 'netns', b.name]
  await must(['ip', 'link', 'add', device, 'netns', a.name, ...pair])
  for (const [host, address] of ends) {
    await host.ip(`addr add ${address}/64 dev ${device} nodad`)
    await host.ip(`link set ${device} up`)
  }
}

/** What `ip netns exec`, by which daemons are launched, shows as /etc/hosts. */
function nameIn(bed: Testbed, host: Host, name: string, address: string): void {
  const directory = `/etc/netns/${host.name}`
  bed.onRemove(() => rmSync(directory, { recursive: true, force: true }))
  mkdirSync(directory, { recursive: true })
  writeFileSync(`${directory}/hosts`, `127.0.0.1 localhost\n${address} ${name}\n`)
}

t.test('an underlay of IPv6 alone', { skip: skipSystem, timeout: 220_000 }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c')) as [Host, Host, Host]
  const [a, b, c] = hosts
  await cable('u2', [
    [a, '2001:db8:2::1'],
    [b, '2001:db8:2::2'],
  ])
  await cable('u3', [
    [b, '2001:db8:3::2'],
    [c, '2001:db8:3::3'],
  ])
  nameIn(bed, c, 'b.underlay.example', '2001:db8:3::2')
  const { passwordFile } = bed
  await a.daemon.launch([], { passwordFile })
  await Promise.all([
    b.daemon.launch(['[2001:db8:2::1]:6783'], { passwordFile }),
    c.daemon.launch(['b.underlay.example'], { passwordFile }),
  ])
  const containers = (await bed.containers('ca', 'cb', 'cc')) as [Namespace, Namespace, Namespace]
  const given: string[][] = []
  const pathTo = async (host: Host, label: string) =>
    (await host.daemon.status()).peers.find(({ nickname }) => nickname === label)?.path

  await t.test('daemons link by address and by name, and find direct paths and a relay', async t => {
    await Promise.all([meshed([a, b], SOON_MS), meshed([b, c], SOON_MS)])
    await waitFor('a relay between the ends', SOON_MS, async () => (await pathTo(a, 'c'))?.kind === 'relayed')
    for (const [i, host] of hosts.entries()) {
      const cidrs = (await host.daemon.say('attach', `netns:${containers[i]!.name}`)).split(' ')
      given.push(cidrs.map(cidr => cidr.split('/')[0]!))
    }
    const { connections, targets } = await c.daemon.status()
    t.match(targets, [{ target: 'b.underlay.example', state: 'connected', address: '[2001:db8:3::2]:6783' }])
    t.ok(connections.some(({ address, state }) => address === '[2001:db8:3::2]:6783' && state === 'established'))
    t.match(await b.daemon.say('status', 'connections'), /\[2001:db8:2::1\]:6783 +established/)
    t.match(await a.daemon.say('ping', 'b', '-c', '1'), /via direct \[2001:db8:2::2\]:6783 in /)
    t.match(await a.daemon.say('ping', 'c', '-c', '1'), /via relay /)
  })

  await t.test('containers talk in both families, directly and through the relay', async t => {
    for (const to of [1, 2])
      for (const address of given[to]!)
        await waitFor(`an answer of ${address}`, SOON_MS, () => containers[0].canPing(address))
    t.ok(await containers[0].canPing(given[2]![0]!, 20_000), 'large ones, too')
    for (const to of [1, 2]) {
      const transfer = await download(containers[to]!, containers[0], given[to]![0]!, TRANSFER_BYTES)
      t.equal(transfer.received, transfer.sent)
    }
  })

  await t.test('what the paths carry is found, and found again when a cable becomes narrower', async t => {
    const mtu = (label: string, wanted: number) =>
      waitFor(`a path of ${wanted} from a to ${label}`, SOON_MS, async () => (await pathTo(a, label))?.mtu === wanted)
    await mtu('b', 1500)
    await mtu('c', 1500)
    for (const host of [b, c]) await host.ip('link set u3 mtu 1300')
    const pings = await containers[0].run(['ping', '-n', '-q', '-i', '0.05', '-c', '60', '-s', '1302', given[2]![0]!])
    const lost = Number(/([0-9.]+)% packet loss/.exec(pings.stdout)?.[1] ?? 100)
    t.ok(lost <= 80, `${lost} % lost until it was noticed`)
    await mtu('c', 1300)
    const transfer = await download(containers[2], containers[0], given[2]![0]!, TRANSFER_BYTES)
    t.equal(transfer.received, transfer.sent)
    t.equal((await pathTo(a, 'b'))?.mtu, 1500, 'the other one is as it was')
  })
})
