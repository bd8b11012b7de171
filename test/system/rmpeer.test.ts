/**
 * A founder that dies, and what becomes of its addresses.
 *
 *     [ca] [cb] [cc] [cd]
 *      │    │    │    │
 *     (a)  (b)  (c)  (d)        a founds
 *      └────┴────┴────┘
 *         switch u2
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 200_000 }
const MESH_MS = 30_000

t.test('the blocks of a founder that died come to one of two that remove it at once', options, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c', 'd')) as [Host, Host, Host, Host]
  await bed.lan(hosts, '192.0.2')
  const [a, b, c, d] = hosts
  const { passwordFile } = bed
  await a.daemon.launch([], { passwordFile, args: ['--nickname', 'a'] })
  for (const host of [b, c, d])
    await host.daemon.launch([a.address], { passwordFile, args: ['--nickname', host.label] })
  await meshed(hosts, MESH_MS)
  const [ca, cb, cc, cd] = await bed.containers('ca', 'cb', 'cc', 'cd')
  const [kept] = await a.daemon.attach(ca!, '10.32.0.1/12')
  const reached = await b.daemon.cli('rmpeer', 'a')
  t.equal(reached.status, 1)
  t.match(reached.stderr, /\(a\) can be reached: .*\n.*PEER_REACHABLE/)
  t.match(await b.daemon.cli('rmpeer', 'nobody'), { status: 4, stderr: /called nobody; .*\n.*PEER_UNKNOWN/ })

  // While others ask for addresses.
  const asked = [b.daemon.cli('attach', `netns:${cb!.name}`), c.daemon.cli('attach', `netns:${cc!.name}`)]
  await a.daemon.kill()
  await Promise.all(asked)
  const lost = async (host: Host) =>
    (await host.daemon.status()).peers.some(peer => peer.nickname === 'a' && !peer.isReachable)
  for (const host of [b, c, d]) await waitFor(`${host.label} misses a`, MESH_MS, () => lost(host))
  const removed = await Promise.all([b.daemon.cli('rmpeer', 'a'), c.daemon.cli('rmpeer', 'a')])
  t.strictSame(
    removed.map(({ status }) => status),
    [0, 0],
    removed.map(({ stdout, stderr }) => stdout + stderr).join(''),
  )
  for (const { stdout } of removed) t.match(stdout, /blocks of .*\(a\) taken over by .*\((b|c)\)/)
  // Who asks second may know it only as removed.
  t.match(removed.map(({ stdout }) => stdout).join(''), /; a was not reached for \d+s/)
  const owners = async (host: Host) =>
    (await host.daemon.status()).ipam.owners.map(({ peer, addresses }) => `${peer.id} ${addresses}`).sort()
  await waitFor('all agree who owns what', MESH_MS, async () => {
    const [one, two, three] = await Promise.all([b, c, d].map(owners))
    // Between the settling of a takeover and the word of its author nobody has the blocks.
    return one!.length > 0 && one?.join() === two?.join() && two?.join() === three?.join()
  })
  t.equal(
    (await b.daemon.status()).ipam.owners.reduce((sum, { addresses }) => sum + addresses, 0),
    2 ** 20,
    'every block is somebody’s',
  )
  const ofA = async (host: Host) => (await host.daemon.status()).ipam.owners.some(one => one.isSelf && one.percent > 40)
  const [author, taker] = (await ofA(b)) ? [b, cb!] : [c, cc!]
  t.ok(await ofA(author))
  // The very address that a container on the dead host had.
  t.strictSame(await author.daemon.attach(taker, kept!), [kept])
  await d.daemon.attach(cd!)
  t.ok(await cd!.canPing(kept!.split('/')[0]!))
  t.match(await b.daemon.cli('rmpeer', 'a'), { status: 0 }, 'a second time nothing happens')

  await a.daemon.launch([b.address], { passwordFile, args: ['--nickname', 'a'] })
  await meshed(hosts, MESH_MS)
  await waitFor('who returned knows it', MESH_MS, async () => {
    const { ipam } = await a.daemon.status()
    return ipam.owners.every(({ isSelf }) => !isSelf) && ipam.state === 'ready'
  })
  const { ipam, warnings } = await a.daemon.status()
  t.match(
    warnings.join('\n'),
    new RegExp(`this host was removed by \\w+\\(${author.label}\\) \\(rmpeer\\) while it was not reached`),
  )
  t.match(await a.daemon.say('events'), / removed .*while it was not reached this peer was removed/)
  t.match(ipam.disputed, [{ address: kept, owner: { nickname: author.label } }])
  await waitFor('its owner has refused to lend it', MESH_MS, async () =>
    (await a.daemon.say('status', 'ipam')).includes(`disputed: ${kept!} of netns:`),
  )
  await waitFor('the owner says it, too', MESH_MS, async () =>
    (await author.daemon.status()).ipam.disputed.some(({ address, usedBy }) => address === kept && usedBy !== null),
  )
  t.ok(await cd!.canPing(kept!.split('/')[0]!), 'it answers at its new place')
})
