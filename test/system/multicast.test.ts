/**
 * Three hosts on one switch, each with a container: which hosts listen to which multicast groups.
 *
 *     [ca]   [cb]   [cc]
 *      │      │      │
 *     (a)    (b)    (c)
 *      └──────┼──────┘
 *          switch u2
 */
import t from 'tap'
import type { CallReply } from '../../lib/api/mod.ts'
import { waitFor } from '../support/testbed-command.ts'
import { MulticastListener } from '../support/testbed-multicast.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 180_000 }
const WAIT_MS = 30_000
/** From a join to what all hosts know of it. */
const JOINED_MS = 2_000
/** From a leave: two questions a second apart, and what is left is told of later than what is new. */
const LEFT_MS = 12_000
const GROUP = '239.1.2.3'
const GROUP6 = 'ff15::1:3'

async function three(t: TestScope, optionsOf: (label: string) => readonly string[] = () => []) {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c')) as [Host, Host, Host]
  const [a, b, c] = hosts
  await bed.lan(hosts, '192.0.2')
  const { passwordFile } = bed
  await a.daemon.launch([...optionsOf('a')], { passwordFile })
  await Promise.all([b, c].map(host => host.daemon.launch([...optionsOf(host.label), a.address], { passwordFile })))
  await meshed(hosts, WAIT_MS)
  const containers = (await bed.containers('ca', 'cb', 'cc')) as [Namespace, Namespace, Namespace]
  for (const [i, host] of hosts.entries()) await host.daemon.attach(containers[i]!)
  return { bed, hosts, containers }
}

const groupsOf = async (host: Host) => (await host.daemon.json('status', 'groups')) as CallReply<'groups'>

/** The hosts that listen to a group, as this host knows it. */
async function listeners(host: Host, group: string): Promise<string> {
  const found = (await groupsOf(host)).groups.find(one => one.group === group)
  return (found?.peers ?? [])
    .map(({ nickname }) => nickname)
    .sort()
    .join(' ')
}

/** The hosts that get everything, as this host knows it. */
async function everything(host: Host): Promise<string> {
  return (await groupsOf(host)).everything
    .map(({ peer }) => peer.nickname)
    .sort()
    .join(' ')
}

/** Waits until all of the hosts know of the same listeners; returns how long that took. */
async function agreed(hosts: readonly Host[], group: string, expected: string, withinMs: number): Promise<number> {
  const begin = performance.now()
  for (const host of hosts)
    await waitFor(`${group} with listeners "${expected}" at ${host.label}`, withinMs, async () => {
      return (await listeners(host, group)) === expected
    })
  return Math.round(performance.now() - begin)
}

t.test('all hosts know within moments who listens to what', options, async t => {
  const { bed, hosts, containers } = await three(t, label => (label === 'c' ? ['--flood-multicast'] : []))
  const [a, b, c] = hosts
  const [, cb, cc] = containers
  for (const host of hosts)
    await waitFor(`who gets everything at ${host.label}`, WAIT_MS, async () => (await everything(host)) === 'c')
  t.match((await groupsOf(c)).everything, [{ why: /--flood-multicast/ }])

  for (const group of [GROUP, GROUP6]) {
    const [one, other, third] = (await Promise.all(
      [cb, cb, cc].map(where => MulticastListener.open(bed, where, group)),
    )) as [MulticastListener, MulticastListener, MulticastListener]
    await one.join()
    t.comment(`${group}: joined after ${await agreed(hosts, group, 'b', JOINED_MS)} ms`)
    await third.join()
    await other.join()
    await one.leave()
    await b.daemon.say('stop')
    await b.daemon.launch([])
    t.comment(`known after a relaunch within ${await agreed([a, b, c], group, 'b', WAIT_MS)} ms`)
    await other.leave()
    t.comment(`${group}: left after ${await agreed(hosts, group, '', LEFT_MS)} ms`)
  }
})
