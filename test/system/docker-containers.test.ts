/**
 * A real dockerd on the first host; its containers have no network but the overlay. The second host has a namespace.
 *
 *     [web] [db] (docker)        [far]
 *        └──┬──┘                   │
 *         (h1) ═════ u2 ═════ (h2)       192.0.2.0/24
 */
import { join } from 'node:path'
import t from 'tap'
import { BUSYBOX, Dockerd, skipDockerd } from '../support/dockerd.ts'
import { must, run, waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, type Host } from '../support/testbed.ts'

t.setTimeout(180_000)
const FREED_MS = 5_000
const FILE_BYTES = 20_000_000

t.test(
  'containers of a real Docker join by name and by id',
  { skip: await skipDockerd(), timeout: 160_000 },
  async t => {
    const bed = new Testbed(t)
    const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
    await bed.link(h1, h2, '192.0.2')
    const docker = await Dockerd.start(bed, h1)
    const { passwordFile } = bed
    await h1.daemon.launch([], { passwordFile, env: docker.env })
    await h2.daemon.launch([h1.address], { passwordFile })
    const webId = await docker.sleeper('web')
    const dbId = await docker.sleeper('db')
    const far = await bed.container('far')
    const farAddress = (await h2.daemon.attach(far))[0]!.split('/')[0]!
    await meshed([h1, h2])

    const web = await h1.daemon.ipv4('attach', 'web')
    t.match(web, /^10\.\d+\.\d+\.\d+\/12$/, 'by name')
    const db = await h1.daemon.ipv4('attach', dbId.slice(0, 12))
    t.not(db, web, 'by a short id')
    t.equal(await h1.daemon.ipv4('attach', webId), web, 'the whole id means the same container')
    t.match(await h1.daemon.say('ps'), `${webId.slice(0, 12)} `)
    const webAddress = web.split('/')[0]!

    await t.test('they ping each other and the other host', async t => {
      for (const address of [db.split('/')[0]!, farAddress])
        for (const bytes of ['56', '60000'])
          t.equal(
            (await docker.exec('web', 'ping', '-c', '1', '-W', '2', '-s', bytes, address)).status,
            0,
            `${address} ${bytes}`,
          )
      t.ok(await far.canPing(webAddress))
    })

    await t.test('a file downloads whole from a container to the other host', async t => {
      await docker.exec('web', 'mkdir', '-p', '/www')
      await docker.exec('web', 'dd', 'if=/dev/urandom', 'of=/www/file', 'bs=1000000', `count=${FILE_BYTES / 1_000_000}`)
      await run(docker.argv('exec', '-d', 'web', BUSYBOX, 'httpd', '-f', '-p', '8080', '-h', '/www'))
      const sum = (await docker.exec('web', 'sha256sum', '/www/file')).stdout.split(' ')[0]!
      t.match(sum, /^[0-9a-f]{64}$/)
      const file = join(bed.directory, 'downloaded')
      await waitFor('the download', 20_000, async () => {
        const url = `http://${webAddress}:8080/file`
        return (await far.run([BUSYBOX, 'wget', '-q', '-O', file, url])).status === 0
      })
      t.equal((await must(['sha256sum', file])).split(' ')[0], sum)
    })

    await t.test('a container that is removed gives its address back', async t => {
      await docker.docker('kill', 'db')
      await waitFor('its interface is gone', FREED_MS, async () => (await h1.daemon.say('ps')).includes('(stopped'))
      t.equal((await h1.daemon.status()).ipam.activeAddresses, 2, 'while it exists it keeps its address')
      t.match(await h1.daemon.cli('attach', 'db'), { status: 4, stderr: /TARGET_NOT_FOUND/ })
      await docker.docker('rm', 'db')
      await waitFor('the address is free', FREED_MS, async () => (await h1.daemon.ps()).length === 1)
      t.equal((await h1.daemon.status()).ipam.activeAddresses, 1)
      t.match(await h1.daemon.cli('attach', 'nobody'), { status: 4, stderr: /nobody[^]*TARGET_NOT_FOUND/ })
    })

    await t.test('detach by name takes the interface away', async t => {
      t.equal(await h1.daemon.ipv4('detach', 'web'), web)
      t.notMatch((await docker.exec('web', 'ip', 'link')).stdout, /ethwe/)
      t.strictSame(await h1.daemon.ps(), [])
    })
  },
)
