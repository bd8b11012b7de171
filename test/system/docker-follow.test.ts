/**
 * Containers of a real dockerd that stop and start in every way, on one host.
 *
 *     [web] [crash] …      docker, without a network but the overlay
 *        └──┬──┘
 *         (h1)
 */
import t from 'tap'
import { BUSYBOX, Dockerd, skipDockerd } from '../support/dockerd.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed } from '../support/testbed.ts'

t.setTimeout(300_000)
const SOON_MS = 5_000
/** dockerd takes its time to come up and to start what should run. */
const BACK_MS = 30_000
const MISSED_MS_MAX = 1_000
const MANY = 20

/** Waits for its interface as a program would, and prints how long that took, in hundredths of a second. */
const WAITER = [
  ...[BUSYBOX, 'sh', '-c'],
  `now() { ${BUSYBOX} awk '{ printf "%d", $1 * 100 }' /proc/uptime; }; began=$(now)
  until ${BUSYBOX} ip addr show ethwe 2>/dev/null | ${BUSYBOX} grep -q 'inet '; do ${BUSYBOX} usleep 20000; done
  echo waited $(($(now) - began)); trap 'exit 0' TERM; ${BUSYBOX} sleep 600 & wait`,
]

t.test('a container keeps its place on the overlay', { skip: await skipDockerd(), timeout: 280_000 }, async t => {
  const bed = new Testbed(t)
  const h1 = await bed.host('h1')
  const docker = new Dockerd(bed, h1)
  const { passwordFile } = bed
  const tryLaunch = () => h1.daemon.tryLaunch([], { passwordFile, env: docker.env })
  const launch = async () => t.equal((await tryLaunch()).status, 0)
  const dockerState = async () => (await h1.daemon.status()).docker
  const veths = async () => (await h1.links()).filter(name => name.startsWith('vethwe'))
  const one = async (id: string) => (await h1.daemon.ps()).find(each => each.id === id)
  const attached = (id: string, withinMs = SOON_MS) =>
    waitFor(`${id.slice(0, 12)} is attached`, withinMs, async () => {
      const found = await one(id)
      return found?.state === 'attached' && found.isPresent ? found : undefined
    })
  const inside = async (name: string) => (await docker.exec(name, 'ip', 'addr', 'show', 'ethwe')).stdout

  await t.test('a daemon that is launched before Docker says so once, and follows it when it is there', async t => {
    const { stderr } = await tryLaunch()
    t.match(stderr, /Docker at unix:.* does not answer: .*ENOENT.*see whether it runs/)
    const warnings = await waitFor('a warning', SOON_MS, async () => {
      const found = (await h1.daemon.status()).warnings.filter(text => text.includes('Docker'))
      return found.length > 0 && found
    })
    t.match(warnings, [/^Docker at unix:.* does not answer: .*ENOENT/])
    t.equal((await dockerState()).state, 'absent')
    const down = { verdict: 'warning', found: /Docker at .* does not answer/, remedy: /see whether it runs/ }
    t.match((await h1.daemon.doctor()).of('docker'), [down])
    await docker.start()
    await docker.importImage()
    await waitFor('Docker is followed', SOON_MS, async () => (await dockerState()).state === 'following')
    t.notOk((await h1.daemon.status()).warnings.some(text => text.includes('Docker')))
  })

  const web = await docker.docker('run', '-d', '--name', 'web', '--network', 'none', 'box', ...WAITER)
  const cidr = await h1.daemon.ipv4('attach', 'web')
  const { mac } = await attached(web)
  const same = async (withinMs = SOON_MS) => {
    // What it had before a gap may be there until the gap was looked over.
    await waitFor('the container has its MAC and its address', withinMs, async () => {
      const text = await inside('web')
      return text.includes(mac) && text.includes(cidr) && (await veths()).length === 1
    })
    t.match(await attached(web, withinMs), { mac, cidrs: [cidr] })
  }

  await t.test('docker restart: its program misses it for less than a second', async t => {
    for (let round = 0; round < 3; round++) {
      await docker.docker('restart', '-t', '0', 'web')
      await same()
    }
    const waits = await waitFor('what the program printed', SOON_MS, async () => {
      const found = [...(await docker.docker('logs', 'web')).matchAll(/waited (\d+)/g)].map(match => Number(match[1]))
      return found.length >= 4 && found
    })
    t.comment(`waited (ms): ${waits.slice(1).map(hundredths => hundredths * 10)}`)
    for (const hundredths of waits.slice(1)) t.ok(hundredths * 10 < MISSED_MS_MAX, `${hundredths * 10} ms`)
  })

  await t.test('docker stop keeps the address for docker start, and takes the interface away at once', async t => {
    await docker.docker('stop', '-t', '0', 'web')
    await waitFor('no interface', SOON_MS, async () => (await veths()).length === 0)
    t.match(await h1.daemon.say('ps', web), /\(stopped: exited with status \d+; its addresses are kept/)
    t.match(await dockerState(), { containers: 1, stopped: 1 })
    const other = await docker.sleeper('other')
    t.not(await h1.daemon.ipv4('attach', 'other'), cidr, 'nobody else gets it')
    await docker.docker('rm', '-f', other)
    await docker.docker('start', 'web')
    await same()
  })

  await t.test('a program that crashes again and again under --restart=always', async t => {
    const script = `until ${BUSYBOX} ip route show dev ethwe 2>/dev/null | ${BUSYBOX} grep -q 224; do
      ${BUSYBOX} usleep 20000; done; ${BUSYBOX} usleep 300000; exit 3`
    const words = [
      'run',
      '-d',
      '--name',
      'crash',
      '--restart',
      'always',
      '--network',
      'none',
      'box',
      BUSYBOX,
      'sh',
      '-c',
    ]
    const crash = await docker.docker(...words, script)
    const given = await h1.daemon.ipv4('attach', 'crash')
    const restarts = async () => Number(await docker.docker('inspect', '-f', '{{.RestartCount}}', 'crash'))
    await waitFor('four restarts', BACK_MS, async () => (await restarts()) >= 4)
    t.match(await one(crash), { cidrs: [given] })
    await docker.docker('rm', '-f', 'crash')
    await waitFor('the address is free', SOON_MS, async () => (await one(crash)) === undefined)
    t.match(await h1.daemon.say('status'), `Vanished: container crash (${crash.slice(0, 12)}) ${given}`)
    t.equal((await veths()).length, 1)
  })

  await t.test('kill -9 of our daemon, while one restarts and one is removed', async t => {
    const gone = await docker.sleeper('gone')
    await h1.daemon.ipv4('attach', 'gone')
    await h1.daemon.kill()
    await docker.docker('rm', '-f', 'gone')
    await docker.docker('restart', '-t', '0', 'web')
    await launch()
    await same()
    await waitFor('what was removed is freed', SOON_MS, async () => (await one(gone)) === undefined)
    t.equal((await h1.daemon.status()).ipam.activeAddresses, 1)
  })

  await t.test('kill -9 of dockerd, of both, in either order', async t => {
    await docker.docker('update', '--restart', 'always', 'web')
    await docker.kill()
    await waitFor('it is missed', SOON_MS, async () => (await dockerState()).state !== 'following')
    t.match(await one(web), { cidrs: [cidr] }, 'nothing is given up meanwhile')
    t.match((await h1.daemon.doctor()).of('docker'), [{ verdict: 'problem', found: /does not answer/ }])
    await docker.start()
    await same(BACK_MS)
    for (const first of ['ours', 'docker']) {
      await docker.kill()
      await h1.daemon.kill()
      if (first === 'ours') await launch()
      await docker.start()
      if (first === 'docker') await launch()
      await same(BACK_MS)
    }
  })

  await t.test(`${MANY} containers at once leave nothing`, async t => {
    const names = Array.from({ length: MANY }, (_, i) => `many${i}`)
    await Promise.all(names.map(name => docker.sleeper(name)))
    // Twenty commands at once would need more of a small machine than what they ask for.
    await Promise.all(names.map(target => h1.daemon.api.call('attach', { target })))
    t.equal((await h1.daemon.status()).ipam.activeAddresses, MANY + 1)
    await Promise.all(names.map(name => docker.docker('rm', '-f', name)))
    await waitFor('all are free', BACK_MS, async () => (await h1.daemon.status()).ipam.activeAddresses === 1)
    await waitFor('all interfaces are gone', BACK_MS, async () => (await veths()).length === 1)
    t.equal((await h1.daemon.ps()).length, 1)
  })

  await t.test('with --no-docker a container that stops is gone for good, as soon as that is noticed', async t => {
    await h1.daemon.say('stop')
    await docker.docker('update', '--restart', 'no', 'web')
    await docker.docker('stop', '-t', '0', 'web')
    await waitFor('the kernel took the interface', BACK_MS, async () => (await veths()).length === 0)
    await h1.daemon.launch([], { passwordFile, env: docker.env, args: ['--no-docker'] })
    t.strictSame(await h1.daemon.ps(), [])
    t.match(await h1.daemon.say('status'), 'Engine: Docker is not followed (--no-docker)')
  })
})
