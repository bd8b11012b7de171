/**
 * Two hosts on one cable; the daemon of h2 ends in every way that a daemon can end.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import { existsSync } from 'node:fs'
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const TALK_MS = 30_000

t.test('a daemon ends and comes again', { skip: skipSystem, timeout: 200_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  await h2.daemon.launch([h1.address], { passwordFile })
  const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
  const ip1 = (await h1.daemon.attach(c1))[0]!.split('/')[0]!
  const cidr2 = (await h2.daemon.attach(c2))[0]!
  const ip2 = cidr2.split('/')[0]!
  await meshed([h1, h2])
  t.ok(await c1.canPing(ip2))
  const id = (await h2.daemon.status()).peer.id
  const seenIncarnation = async () => (await h1.daemon.status()).peers.find(peer => peer.id === id)?.incarnation
  const talks = () =>
    waitFor('an answer of the other container', TALK_MS, async () => (await c1.canPing(ip2)) && (await c2.canPing(ip1)))

  for (const [how, end] of [
    ['kill -9', () => h2.daemon.kill()],
    ['stop', () => h2.daemon.say('stop').then(() => undefined)],
  ] as const)
    await t.test(`${how}, then launch again: same identity, same addresses, and all talk`, async t => {
      const before = await h2.daemon.status()
      const mac = (await h2.daemon.ps())[0]?.mac
      await end()
      if (how === 'stop') t.notOk(existsSync(h2.daemon.socketPath), 'the socket is gone')
      t.match(await c2.must('ip', 'addr', 'show', 'ethwe'), ip2, 'the container keeps its interface meanwhile')
      await h2.daemon.launch([], { passwordFile })
      const after = await h2.daemon.status()
      t.equal(after.peer.id, before.peer.id)
      t.equal(after.mesh.id, before.mesh.id)
      t.not(after.peer.incarnation, before.peer.incarnation)
      t.strictSame(
        after.targets.map(target => target.target),
        [h1.address],
        'it remembers whom to connect to',
      )
      t.match(await h2.daemon.ps(), [{ id: `netns:${c2.name}`, mac, cidrs: [cidr2], isPresent: true }])
      await talks()
      await waitFor(
        'h1 sees the new incarnation',
        TALK_MS,
        async () => (await seenIncarnation()) === after.peer.incarnation,
      )
      t.equal((await h2.daemon.attach(c2))[0], cidr2, 'attach says what is attached')
      const fresh = await bed.container(how === 'stop' ? 'fresh-stop' : 'fresh-kill')
      const other = (await h2.daemon.attach(fresh))[0]!
      t.not(other, cidr2, 'and nobody gets an address that is in use')
      await h2.daemon.detach(`netns:${fresh.name}`)
    })

  await t.test('stop and status answer within two seconds', async t => {
    // What the program takes to start on a busy machine is not the daemon's.
    const idleMs = (await h2.daemon.cli('help')).durationMs
    for (const argv of [['status'], ['status', 'peers'], ['ps'], ['report'], ['stop']]) {
      const result = await h2.daemon.cli(...argv)
      t.equal(result.status, 0, argv.join(' '))
      t.ok(result.durationMs - idleMs < 2_000, `${argv.join(' ')}: ${Math.round(result.durationMs)} ms`)
    }
    await h2.daemon.launch([], { passwordFile })
    await talks()
  })

  await t.test('the secret is changed in two rounds, and at each step all talk', async () => {
    const next = bed.secretFile('next', 'another secret for the same mesh')
    const relaunch = async (host: Host, own: string, ...others: string[]) => {
      await host.daemon.say('stop')
      const args = others.flatMap(file => ['--other-password-file', file])
      await host.daemon.launch([], { passwordFile: own, args })
      await meshed([h1, h2])
      await talks()
    }
    for (const host of [h1, h2]) await relaunch(host, passwordFile, next)
    for (const host of [h1, h2]) await relaunch(host, next, passwordFile)
    for (const host of [h1, h2]) await relaunch(host, next)
    await h1.daemon.say('stop')
    await h1.daemon.launch([], { passwordFile })
    await waitFor('h2 says that the old secret no longer fits', TALK_MS, async () =>
      (await h2.daemon.say('status', 'connections')).includes('different mesh secret'),
    )
    for (const host of [h1, h2]) {
      await host.daemon.say('stop')
      await host.daemon.launch([], { passwordFile })
    }
    await meshed([h1, h2])
    await talks()
  })

  await t.test('reset leaves nothing, and hands the addresses on', async t => {
    const total = (await h1.daemon.status()).ipam.rangeAddresses
    const result = await h2.daemon.cli('reset', '--yes')
    t.equal(result.status, 0, result.stderr)
    t.match(result.stderr, /blocks were handed to/)
    t.notOk(existsSync(h2.daemon.stateDir), 'no state directory')
    t.strictSame(await h2.daemon.leftovers(), [], 'no interface, no socket')
    t.strictSame(await c2.links(), ['lo'], 'nothing in the container')
    const own = await waitFor('h1 owns everything', TALK_MS, async () => {
      const owner = (await h1.daemon.status()).ipam.owners.find(one => one.isSelf)
      return owner?.addresses === total && owner
    })
    t.equal(own.percent, 100)
    t.equal((await h1.daemon.attach(c1, 'ip:' + cidr2))[0], cidr2, 'and can give away what h2 had')
  })

  await t.test('a host that was reset joins again, as somebody else', async t => {
    await h2.daemon.launch([h1.address], { passwordFile })
    t.not((await h2.daemon.status()).peer.id, id)
    await h2.daemon.attach(c2)
    await meshed([h1, h2])
    await waitFor('an answer', TALK_MS, () => c2.canPing(ip1))
  })
})
