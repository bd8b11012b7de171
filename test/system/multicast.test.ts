/**
 * Three hosts on one switch, each with a container: which hosts listen to which multicast groups, and where streams go.
 *
 *     [ca]   [cb]   [cc]
 *      │      │      │
 *     (a)    (b)    (c)
 *      └──────┼──────┘
 *          switch u2
 */
import t from 'tap'
import type { CallAnswer } from '../../lib/api/mod.ts'
import { must, waitFor } from '../support/testbed-command.ts'
import { MulticastListener, multicastSource } from '../support/testbed-multicast.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace, type TestScope } from '../support/testbed.ts'

t.setTimeout(600_000)
const options = { skip: skipSystem, timeout: 240_000 }
const WAIT_MS = 30_000
/** From a join to what all hosts say of it, each asked by a command of its own. */
const JOINED_MS = 5_000
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

const groupsOf = async (host: Host) => (await host.daemon.json('status', 'groups')) as CallAnswer<'groups'>

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
      if ((await listeners(host, group)) === expected) return true
      throw new Error(JSON.stringify(await groupsOf(host)))
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

/** From a join to the first frame. */
const HEARD_MS = 2_000
const EVERY_MS = 5
const WINDOW_MS = 3_000
const STREAM = WINDOW_MS / EVERY_MS
/** Packets of the control plane and of probes that come to a host meanwhile. */
const OTHER_MAX = STREAM / 4

async function received(host: Host): Promise<number> {
  const [link] = JSON.parse(await must(['ip', '-n', host.name, '-s', '-j', 'link', 'show', 'dev', 'u2'])) as {
    stats64: { rx: { packets: number } }
  }[]
  return link!.stats64.rx.packets
}

/** Whom each peer sends to in what comes from the source, by nicknames. */
async function treeOf(source: Host): Promise<ReadonlyMap<string, readonly string[]>> {
  const { broadcastTree } = await source.daemon.report()
  return new Map(broadcastTree.map(({ peer, children }) => [peer.nickname, children.map(({ nickname }) => nickname)]))
}

/** Who passes on for a listener gets the stream too. */
function isOnWay(tree: ReadonlyMap<string, readonly string[]>, label: string, listeners: readonly string[]): boolean {
  return listeners.includes(label) || (tree.get(label) ?? []).some(child => isOnWay(tree, child, listeners))
}

/**
 * For each of the hosts: how many packets came to it from the underlay within WINDOW_MS, and whether that is as it must be
 * with these listeners. A window in which the way of the stream changed is measured anew.
 */
async function rates(source: Host, hosts: readonly Host[], listeners: readonly string[]) {
  return waitFor(`${WINDOW_MS} ms in which the tree of ${source.label} stays as it is`, WAIT_MS, async () => {
    const tree = await treeOf(source)
    const before = await Promise.all(hosts.map(received))
    const begin = performance.now()
    await waitFor('the end of the window', 2 * WINDOW_MS, () => performance.now() - begin >= WINDOW_MS)
    const after = await Promise.all(hosts.map(received))
    const tookMs = performance.now() - begin
    if (JSON.stringify([...(await treeOf(source))]) !== JSON.stringify([...tree])) return undefined
    const counts = hosts.map(({ label }, i) => {
      const count = Math.round(((after[i]! - before[i]!) * WINDOW_MS) / tookMs)
      const isAsked = isOnWay(tree, label, listeners)
      return {
        text: `${label} ${count} of ${isAsked ? STREAM : 0}`,
        isRight: isAsked ? count > STREAM * 0.5 : count < OTHER_MAX,
      }
    })
    return { text: counts.map(({ text }) => text).join(', '), isRight: counts.every(({ isRight }) => isRight) }
  })
}

/** How long it took until the listener had something. */
async function heard(listener: MulticastListener, withinMs: number): Promise<number> {
  const begin = performance.now()
  await waitFor('the stream', withinMs, async () => (await listener.count()) > 0)
  return Math.round(performance.now() - begin)
}

const noListener = async (host: Host) => {
  const { engine } = (await host.daemon.json('report')) as { engine: { counters: Record<string, number> } }
  return engine.counters['drop:no-listener'] ?? 0
}

t.test('a stream goes to the hosts that listen, as long as they do, and to no others', options, async t => {
  const { bed, hosts, containers } = await three(t)
  const [a, b, c] = hosts
  const [ca, cb, cc] = containers
  for (const host of hosts)
    await waitFor(`who gets everything at ${host.label}`, WAIT_MS, async () => (await everything(host)) === '')

  const others = [b, c]
  const flows = async (what: string, listeners: readonly string[]) => {
    const { text, isRight } = await rates(a, others, listeners)
    t.ok(isRight, `${what}: ${text}`)
  }

  for (const group of [GROUP, GROUP6]) {
    const source = await multicastSource(bed, ca, group, { everyMs: EVERY_MS, marker: 'weave-ts ' })
    const before = await noListener(a)
    await flows(`${group}: nobody listens`, [])
    t.ok((await noListener(a)) - before > STREAM, 'that is counted, for each host')

    const inB = await MulticastListener.open(bed, cb, group)
    await inB.join()
    t.comment(`${group}: heard ${await heard(inB, HEARD_MS)} ms after the join`)
    await flows('b listens', ['b'])

    // Of the other family that much: what comes next is the same for both.
    if (group !== GROUP) continue

    const inC = await MulticastListener.open(bed, cc, group)
    await inC.join()
    t.comment(`${group}: c joins late, and hears ${await heard(inC, HEARD_MS)} ms after`)
    await flows('both listen', ['b', 'c'])

    await inC.leave()
    await agreed([a], group, 'b', LEFT_MS)
    await b.daemon.say('stop')
    await b.daemon.launch([])
    await inB.count()
    t.comment(`${group}: b is relaunched, and hears ${await heard(inB, WAIT_MS)} ms after`)
    await agreed([a], group, 'b', WAIT_MS)
    await flows('b listens still', ['b'])

    await inB.leave()
    await agreed([a], group, '', LEFT_MS)
    await flows('nobody listens any more', [])
    await source.end()
  }
})

t.test('a host that floods sends to all, and who has no record gets all', options, async t => {
  const { bed, hosts, containers } = await three(t, label => (label === 'c' ? ['--flood-multicast'] : []))
  const [a, b, c] = hosts
  const [ca, , cc] = containers
  for (const host of [a, b])
    await waitFor(`who gets everything at ${host.label}`, WAIT_MS, async () => (await everything(host)) === 'c')
  const source = await multicastSource(bed, ca, GROUP, { everyMs: EVERY_MS, marker: 'weave-ts ' })
  const toC = await rates(a, [b, c], ['c'])
  t.ok(toC.isRight, `c told nothing: ${toC.text}`)
  await source.end()
  await multicastSource(bed, cc, GROUP, { everyMs: EVERY_MS, marker: 'weave-ts ' })
  const fromC = await rates(c, [a, b], ['a', 'b'])
  t.ok(fromC.isRight, `c floods: ${fromC.text}`)
})
