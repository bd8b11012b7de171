/**
 * Two hosts on one cable; the state directory of h2 lies on a small disk of its own, which fills up.
 *
 *     [c1]                 [c2 … ]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { must, waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const TALK_MS = 30_000
const DISK_MIB = 24
/** The store has some free pages of its own before it needs the disk. */
const ATTACHES_MAX = 60

t.test(
  'a disk that fills up costs what must be stored, and nothing else',
  { skip: skipSystem, timeout: 220_000 },
  async t => {
    const bed = new Testbed(t)
    const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
    await bed.link(h1, h2, '192.0.2')
    const { passwordFile } = bed
    const { stateDir } = h2.daemon
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    await must(['mount', '-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=700`, 'tmpfs', stateDir])
    await h1.daemon.launch([], { passwordFile })
    const nearlyFull = /disk of .* is nearly full \(\d+ MiB are free\).*make room there \(df /
    t.match((await h2.daemon.tryLaunch([h1.address], { passwordFile })).stderr, nearlyFull)
    t.match((await h2.daemon.cli('status')).stdout.replaceAll('\n', ' '), nearlyFull)
    t.match((await h2.daemon.doctor()).of('disk'), [{ verdict: 'warning', remedy: /^make room there \(df / }])
    const [c1, c2] = (await bed.containers('c1', 'c2')) as [Namespace, Namespace]
    const ip1 = (await h1.daemon.attach(c1))[0]!.split('/')[0]!
    const cidr2 = (await h2.daemon.attach(c2))[0]!
    const ip2 = cidr2.split('/')[0]!
    await meshed([h1, h2])
    const talks = () =>
      waitFor(
        'an answer of the other container',
        TALK_MS,
        async () => (await c1.canPing(ip2)) && (await c2.canPing(ip1)),
      )
    await talks()

    const filler = join(stateDir, 'filler')
    const fill = () => {
      const { bavail, bsize } = statfsSync(stateDir)
      writeFileSync(filler, Buffer.alloc(bavail * bsize, 1), { flag: 'a' })
    }
    /** Target and addresses of all that was acknowledged. */
    const acknowledged = new Map<string, string>([[`netns:${c2.name}`, cidr2]])
    const attach = async (container: Namespace) => {
      const result = await h2.daemon.cli('attach', `netns:${container.name}`)
      const ipv4 = result.stdout
        .trim()
        .split(' ')
        .filter(word => !word.includes(':'))
      if (result.status === 0) acknowledged.set(`netns:${container.name}`, ipv4.join(' '))
      return result
    }
    const isAcknowledged = async () => {
      const attachments = await h2.daemon.ps()
      const held = new Map(attachments.map(one => [one.id, one.cidrs.join(' ')]))
      for (const [id, cidrs] of acknowledged) t.equal(held.get(id), cidrs, `${id} has what it was given`)
      t.equal(held.size, acknowledged.size, 'and nobody else has anything')
    }

    await t.test('attaches until it is refused, with the reason and what to do', async t => {
      fill()
      let refusal: Awaited<ReturnType<typeof attach>> | undefined
      for (let i = 0; i < ATTACHES_MAX && refusal === undefined; i++) {
        const result = await attach(await bed.container(`full${i}`))
        if (result.status !== 0) refusal = result
      }
      t.equal(refusal?.status, 74, refusal?.stderr ?? 'every attach succeeded')
      t.match(refusal?.stderr, /state\.mdb[^]*bytes free[^]*\[STATE_IO\]/)
      t.notOk(existsSync(join(stateDir, 'ballast')))
      t.match((await h2.daemon.status()).warnings.join(), /state\.mdb[^]*bytes free/)
      for (const argv of [
        ['connect', '192.0.2.99'],
        ['forget', '192.0.2.99'],
      ])
        t.equal((await h2.daemon.cli(...argv)).status, 74, argv.join(' '))
      fill()
      t.equal((await attach(await bed.container('none'))).status, 74, 'also with the last byte gone')
      await isAcknowledged()
    })

    await t.test('goes on forwarding, and stays in the mesh', async () => {
      await talks()
      await meshed([h1, h2])
    })

    await t.test('after a kill -9 it comes up on the full disk with all that was acknowledged', async t => {
      await h2.daemon.kill()
      const launched = await h2.daemon.tryLaunch([], { passwordFile })
      t.equal(launched.status, 0, launched.stderr)
      t.match(launched.stderr, /state\.mdb[^]*bytes free/, 'and says so')
      await isAcknowledged()
      await meshed([h1, h2])
      await talks()
      t.equal((await attach(await bed.container('still'))).status, 74)
    })

    await t.test('with room again it gives addresses again, by itself', async t => {
      rmSync(filler)
      const fresh = await bed.container('fresh')
      await waitFor('an address', TALK_MS, async () => (await attach(fresh)).status === 0)
      t.ok(existsSync(join(stateDir, 'ballast')))
      t.notMatch((await h2.daemon.status()).warnings.join(), /bytes free/)
      await isAcknowledged()
      await h2.daemon.kill()
      await h2.daemon.launch([], { passwordFile })
      await isAcknowledged()
      await talks()
    })
  },
)
