/**
 * Three hosts on one switch; the state of h2 is lost, and copied to h3.
 *
 *     [c1]       [c2]        [c4]
 *      │          │           │
 *     (h1) ═════ (h2) ═════ (h3)      192.0.2.0/24
 */
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const TALK_MS = 30_000
/** Blocks that came back are given again after a rest of 30 s, and the host is looked at every 30 s. */
const FREE_MS = 70_000

async function warns(host: Host, of: RegExp): Promise<boolean> {
  return (await host.daemon.status()).warnings.some(warning => of.test(warning))
}

t.test('a state is lost, and copied', { skip: skipSystem, timeout: 230_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2, h3] = (await bed.hosts('h1', 'h2', 'h3')) as [Host, Host, Host]
  await bed.lan([h1, h2, h3], '192.0.2')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  await h2.daemon.launch([h1.address], { passwordFile })
  const [c1, c2, c3, c4] = (await bed.containers('c1', 'c2', 'c3', 'c4')) as [
    Namespace,
    Namespace,
    Namespace,
    Namespace,
  ]
  const ip1 = (await h1.daemon.attach(c1))[0]!.split('/')[0]!
  const cidr2 = (await h2.daemon.attach(c2))[0]!
  await meshed([h1, h2])
  const owned = async () => (await h2.daemon.status()).ipam.owners.find(owner => owner.isSelf)?.addresses ?? 0
  const had = await owned()

  await t.test('the store is moved aside: blocks and addresses come back, and no address is given twice', async t => {
    const { peer } = await h2.daemon.status()
    await h2.daemon.kill()
    for (const name of readdirSync(h2.daemon.stateDir))
      if (name.endsWith('.mdb') || name.includes('.mdb')) rmSync(join(h2.daemon.stateDir, name))
    await h2.daemon.launch([], { passwordFile, args: ['--resume'] })
    const { mesh } = await h2.daemon.status()
    t.ok(mesh.id === null || mesh.id === (await h1.daemon.status()).mesh.id, 'no other mesh is founded')
    t.match(h2.daemon.log(), /"event":"state-lost"/)
    await h2.daemon.launch([h1.address], { passwordFile, args: ['--replace'] })
    t.equal((await h2.daemon.status()).peer.id, peer.id, 'the identity stayed')
    t.match(await h2.daemon.ps(), [{ id: `netns:${c2.name}`, cidrs: [cidr2], isPresent: true }], 'it is attached still')
    await waitFor('the blocks of h2', TALK_MS, async () => (await owned()) >= had)
    t.ok(await warns(h2, /kept back: the store does not know/), 'it is said')
    t.match(h2.daemon.log(), /"event":"blocks-recovered"/)
    const other = (await h2.daemon.attach(c3))[0]!
    t.not(other, cidr2)
    await waitFor('c2 talks', TALK_MS, async () => await c2.canPing(ip1))
    await waitFor('they are given again', FREE_MS, async () => !(await warns(h2, /kept back/)))
    await h2.daemon.detach(`netns:${c3.name}`)
  })

  await t.test('the state directory is copied: both say so, and neither gives an address', async t => {
    await h2.daemon.say('stop')
    cpSync(h2.daemon.stateDir, h3.daemon.stateDir, {
      recursive: true,
      filter: path => !path.endsWith('.sock') && !path.endsWith('.lock') && !path.endsWith('.log'),
    })
    await h2.daemon.launch([], { passwordFile })
    await h3.daemon.launch([], { passwordFile })
    // In the very first second, and on both.
    const [early, late] = await Promise.allSettled([h3.daemon.attach(c4), h2.daemon.attach(c3)])
    for (const host of [h2, h3]) {
      await waitFor(`${host.label} says it`, TALK_MS, () =>
        warns(host, /another process has the identity of this peer/),
      )
      t.match(host.daemon.log(), /"level":(40|"warn").*"event":"identity-doubled"/, `${host.label} logs it`)
      t.match((await host.daemon.doctor()).of('identity'), [
        { verdict: 'problem', remedy: /on the copy run `weave-ts reset`/ },
      ])
    }
    t.equal(early.status, 'rejected', 'the copy gave nothing')
    if (late.status === 'fulfilled') t.not(late.value[0], cidr2)
    else t.match(late.reason, { code: 'IPAM_WAITING' })
    await t.rejects(h3.daemon.attach(c4), { code: 'IPAM_WAITING', message: /another process has the identity/ })
    t.match(await h2.daemon.say('status', 'ipam'), /waiting: another process has the identity of this peer, on h3/)
    t.match(await h3.daemon.say('status', 'ipam'), /waiting: another process has the identity of this peer, on h2/)
  })

  await t.test('the copy is reset: nothing is handed on, and the other goes on', async t => {
    const result = await h3.daemon.cli('reset', '--yes')
    t.equal(result.status, 0, result.stderr)
    t.match(result.stderr, /nothing was handed on: another process has the identity/)
    await h3.daemon.launch([h1.address], { passwordFile })
    t.equal((await h3.daemon.attach(c4)).length, 1, 'launched anew it is a peer of its own')
    await waitFor('h2 goes on', 60_000, async () => (await h2.daemon.status()).ipam.state === 'ready')
    t.ok((await owned()) >= had, 'with all that it had')
    t.equal((await h2.daemon.attach(c3)).length, 1)
    t.match(await h2.daemon.ps(), [{ cidrs: [cidr2] }, {}])
    await meshed([h1, h2, h3])
    await waitFor('c2 talks', TALK_MS, async () => await c2.canPing(ip1))
  })
})
