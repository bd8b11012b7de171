/**
 * A real dockerd on the first host; its containers have no network but the overlay. The second host has a namespace.
 *
 *     [web] [db] (docker)        [far]
 *        └──┬──┘                   │
 *         (h1) ═════ u2 ═════ (h2)       192.0.2.0/24
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { must, run, waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(180_000)
const BUSYBOX = '/bin/busybox'
const DOCKER_START_MS = 60_000
const FREED_MS = 45_000
const FILE_BYTES = 20_000_000

async function skipReason(): Promise<string | false> {
  if (skipSystem !== false) return skipSystem
  for (const program of ['dockerd', 'docker'])
    if ((await run([program, '--version'])).status !== 0)
      return `${program} is not installed (Debian package docker.io)`
  return existsSync(BUSYBOX) ? false : 'busybox is not installed (Debian package busybox-static)'
}

/** A dockerd of this test alone: its own data, state and socket, in the namespace of a host. */
class Docker {
  readonly socket: string
  readonly #directory: string
  readonly #child: ChildProcess
  #log = ''

  private constructor(bed: Testbed, host: Host) {
    this.#directory = join(bed.directory, 'docker')
    this.socket = join(this.#directory, 'docker.sock')
    mkdirSync(this.#directory)
    const config = join(this.#directory, 'daemon.json')
    writeFileSync(config, '{}')
    const argv = host.argv(
      ...['dockerd', '--config-file', config, '--host', `unix://${this.socket}`, '--storage-driver', 'vfs'],
      ...['--data-root', join(this.#directory, 'data'), '--exec-root', join(this.#directory, 'exec')],
      ...['--pidfile', join(this.#directory, 'docker.pid')],
    )
    this.#child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log = (this.#log + text).slice(-4_000)))
    bed.onRemove(() => this.#remove())
    bed.onClose(() => this.#stop())
  }

  static async start(bed: Testbed, host: Host): Promise<Docker> {
    const docker = new Docker(bed, host)
    await waitFor('start of dockerd', DOCKER_START_MS, async () => {
      if (docker.#child.exitCode !== null) throw new Error(docker.#log)
      return (await run(docker.argv('version'))).status === 0
    })
    const root = join(bed.directory, 'root')
    mkdirSync(join(root, 'bin'), { recursive: true })
    copyFileSync(BUSYBOX, join(root, 'bin/busybox'))
    chmodSync(join(root, 'bin/busybox'), 0o755)
    await must(['tar', '-C', root, '-cf', join(bed.directory, 'box.tar'), '.'])
    await docker.docker('import', join(bed.directory, 'box.tar'), 'box')
    return docker
  }

  argv(...words: readonly string[]): string[] {
    return ['docker', '--host', `unix://${this.socket}`, ...words]
  }

  async docker(...words: readonly string[]): Promise<string> {
    return (await must(this.argv(...words))).trim()
  }

  /** Starts a container without a network; its id. */
  start(name: string): Promise<string> {
    return this.docker('run', '-d', '--name', name, '--network', 'none', 'box', BUSYBOX, 'sleep', '600')
  }

  /** What runs in a container is in a namespace that the testbed does not know. */
  #remove(): void {
    const docker = (...words: readonly string[]) =>
      spawnSync('docker', this.argv(...words).slice(1), { encoding: 'utf8' })
    const ids = docker('ps', '-aq')
      .stdout.split('\n')
      .filter(id => id !== '')
    if (ids.length > 0) docker('rm', '-f', ...ids)
  }

  async #stop(): Promise<void> {
    this.#remove()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

t.test(
  'containers of a real Docker join by name and by id',
  { skip: await skipReason(), timeout: 160_000 },
  async t => {
    const bed = new Testbed(t)
    const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
    await bed.link(h1, h2, '192.0.2')
    const docker = await Docker.start(bed, h1)
    const { passwordFile } = bed
    await h1.daemon.launch([], { passwordFile, env: { DOCKER_HOST: `unix://${docker.socket}` } })
    await h2.daemon.launch([h1.address], { passwordFile })
    const webId = await docker.start('web')
    const dbId = await docker.start('db')
    const far = await bed.container('far')
    const farAddress = (await h2.daemon.attach(far))[0]!.split('/')[0]!
    await meshed([h1, h2])

    const web = await h1.daemon.say('attach', 'web')
    t.match(web, /^10\.\d+\.\d+\.\d+\/12$/, 'by name')
    const db = await h1.daemon.say('attach', dbId.slice(0, 12))
    t.not(db, web, 'by a short id')
    t.equal(await h1.daemon.say('attach', webId), web, 'the whole id means the same container')
    t.match(await h1.daemon.say('ps'), `${webId.slice(0, 12)} `)
    const webAddress = web.split('/')[0]!
    const exec = (name: string, ...words: readonly string[]) => run(docker.argv('exec', name, BUSYBOX, ...words))

    await t.test('they ping each other and the other host', async t => {
      for (const address of [db.split('/')[0]!, farAddress])
        for (const bytes of ['56', '60000'])
          t.equal(
            (await exec('web', 'ping', '-c', '1', '-W', '2', '-s', bytes, address)).status,
            0,
            `${address} ${bytes}`,
          )
      t.ok(await far.canPing(webAddress))
    })

    await t.test('a file downloads whole from a container to the other host', async t => {
      await exec('web', 'mkdir', '-p', '/www')
      await exec('web', 'dd', 'if=/dev/urandom', 'of=/www/file', 'bs=1000000', `count=${FILE_BYTES / 1_000_000}`)
      await run(docker.argv('exec', '-d', 'web', BUSYBOX, 'httpd', '-f', '-p', '8080', '-h', '/www'))
      const sum = (await exec('web', 'sha256sum', '/www/file')).stdout.split(' ')[0]!
      t.match(sum, /^[0-9a-f]{64}$/)
      const file = join(bed.directory, 'downloaded')
      await waitFor('the download', 20_000, async () => {
        const url = `http://${webAddress}:8080/file`
        return (await far.run([BUSYBOX, 'wget', '-q', '-O', file, url])).status === 0
      })
      t.equal((await must(['sha256sum', file])).split(' ')[0], sum)
    })

    await t.test('a container that stopped gives its address back', async t => {
      await docker.docker('kill', 'db')
      await waitFor('the address is free', FREED_MS, async () => (await h1.daemon.ps()).length === 1)
      t.equal((await h1.daemon.status()).ipam.activeAddresses, 1)
      t.match(await h1.daemon.cli('attach', 'db'), { status: 4, stderr: /TARGET_NOT_FOUND/ })
      t.match(await h1.daemon.cli('attach', 'nobody'), { status: 4, stderr: /nobody[^]*TARGET_NOT_FOUND/ })
    })

    await t.test('detach by name takes the interface away', async t => {
      t.equal(await h1.daemon.say('detach', 'web'), web)
      t.notMatch((await exec('web', 'ip', 'link')).stdout, /ethwe/)
      t.strictSame(await h1.daemon.ps(), [])
    })
  },
)
