/** Containers of a real dockerd that are attached by their labels, as docs/docker.md says, on one host. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { Dockerd, skipDockerd } from '../support/dockerd.ts'
import { run, waitFor } from '../support/testbed-command.ts'
import { Testbed } from '../support/testbed.ts'

t.setTimeout(180_000)
const SOON_MS = 10_000
const MANY = 20

/** The commands of the page's section about labels, as words; the image and the program are filled in. */
function recipes(program: string): string[][] {
  const page = readFileSync(join(projectRoot(), 'docs/docker.md'), 'utf8')
  const section = page.split(/^## Labels$/m)[1]!.split(/^## /m)[0]!
  return [...section.matchAll(/^ {4}docker (run .+)$/gm)].map(([, line]) =>
    [...line!.replace('IMAGE', 'box').matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) =>
      (quoted ?? bare)!.replace('PROGRAM', program),
    ),
  )
}

t.test('containers are attached by their labels', { skip: await skipDockerd(), timeout: 160_000 }, async t => {
  const bed = new Testbed(t)
  const h1 = await bed.host('h1')
  const docker = await Dockerd.start(bed, h1)
  const { passwordFile } = bed
  const launch = () => h1.daemon.launch([], { passwordFile, env: docker.env })
  await launch()
  const attached = (id: string) =>
    waitFor(`${id.slice(0, 12)} is attached`, SOON_MS, async () =>
      (await h1.daemon.ps()).find(one => one.id === id && one.state === 'attached'),
    )
  const warned = (pattern: RegExp) =>
    waitFor(`a warning like ${String(pattern)}`, SOON_MS, async () =>
      (await h1.daemon.status()).warnings.find(text => pattern.test(text)),
    )
  const labelled = (name: string, value: string, ...options: string[]) =>
    docker.sleeper(name, '-l', `weave-ts.attach=${value}`, ...options)

  await t.test('the recipes of the page: it waits for its interface, and is healthy then', async t => {
    const [bare, waiting] = recipes('sleep 600')
    t.ok(bare !== undefined && waiting !== undefined, 'the page has both')
    const db = await docker.docker(...bare!.slice(0, -1), 'sleep', '600')
    const web = await docker.docker(...waiting!)
    const { cidrs } = await attached(web)
    t.match(cidrs, [/^10\.\d+\.\d+\.\d+\/12$/])
    const address = (await attached(db)).cidrs[0]!.split('/')[0]!
    await waitFor('web runs its program', SOON_MS, async () =>
      /sleep 600/.test(await docker.docker('top', 'web', '-eo', 'pid,args')),
    )
    t.equal((await docker.exec('web', 'ping', '-c', '1', '-W', '2', address)).status, 0)
    await waitFor(
      'web is healthy',
      SOON_MS,
      async () => (await docker.docker('inspect', '-f', '{{.State.Health.Status}}', 'web')) === 'healthy',
    )
    await docker.docker('rm', '-f', 'web', 'db')
  })

  await t.test('several addresses; and while the daemon was away', async t => {
    const two = await labelled('two', '10.32.7.7/12, net:10.40.0.0/24')
    t.match((await attached(two)).cidrs, ['10.32.7.7/12', /^10\.40\.0\.\d+\/24$/])
    await h1.daemon.kill()
    const late = await labelled('late', '')
    await launch()
    t.match((await attached(late)).cidrs, [/\/12$/])
    t.match((await attached(two)).cidrs, ['10.32.7.7/12', /\/24$/])
    t.ok(await h1.daemon.ipv4('detach', 'late'))
    await docker.docker('restart', '-t', '0', 'late')
    await attached(late)
    await docker.docker('rm', '-f', 'late')
  })

  await t.test('labels that cannot be used are warnings, until the container is removed', async t => {
    await labelled('bad', 'net:nowhere')
    await warned(/^container bad: its label weave-ts\.attach cannot be used: "net:nowhere" is not a subnet/)
    await labelled('far', '10.0.0.1/8')
    await warned(/^container far: its label weave-ts\.attach cannot be used: .* is not inside the address range/)
    await docker.docker('rm', '-f', 'bad', 'far')
    await waitFor(
      'no warning',
      SOON_MS,
      async () => !(await h1.daemon.status()).warnings.some(one => /label/.test(one)),
    )
    const taken = await labelled('taken', '10.32.7.7/12')
    await warned(/^container taken is not attached yet, as its label weave-ts\.attach asks: .*10\.32\.7\.7/)
    await docker.docker('rm', '-f', 'two')
    t.match((await attached(taken)).cidrs, ['10.32.7.7/12'])
    await docker.docker('rm', '-f', 'taken')
  })

  await t.test(`${MANY} that start and are removed at once leave nothing`, async t => {
    const names = Array.from({ length: MANY }, (_, i) => `many${i}`)
    await Promise.all(
      names.map(async (name, i) => {
        const id = await labelled(name, 'net:default')
        // Some are removed while they are being attached.
        if (i % 2 === 0) await attached(id)
        await run(docker.argv('rm', '-f', name))
      }),
    )
    await waitFor('all are free', SOON_MS, async () => (await h1.daemon.status()).ipam.activeAddresses === 0)
    await waitFor('no interface is left', SOON_MS, async () =>
      (await h1.links()).every(name => !name.startsWith('vethwe')),
    )
    t.strictSame(await h1.daemon.ps(), [])
    t.notOk((await h1.daemon.status()).warnings.some(text => /container/.test(text)))
  })
})
