/**
 * What `make deb` and `make image` make: installed, run and removed as an operator does it, without a network.
 *
 *     [c1] ─ (h1): the package        [c2] ─ (h1) ═══ u2 ═══ (h2): the image, in its dockerd
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../scripts/check-docs.ts'
import { Dockerd, skipDockerd } from '../support/dockerd.ts'
import { must, run, waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(300_000)
const MAKE_MS = 120_000
const WAIT_MS = 30_000

const hasDpkg = (await run(['dpkg-deb', '--version'])).status === 0
const script = (name: string) => join(projectRoot(), 'scripts', name)

/**
 * $1: directory, $2: package, $3: container. On this machine's files, under a layer that takes all changes and goes with
 * the mount namespace.
 */
const OPERATOR = `set -e
mount -t tmpfs none "$1"; mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
for directory in dev proc run sys; do mount --rbind /$directory "$1/root/$directory"; done
cp "$2" "$1/root/weave-ts.deb"
here=$1; target=$3; on() { chroot "$here/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
list() { (cd "$here/upper" && find . -path ./var -prune -o -path ./tmp -prune -o -name 'weave-ts*' -print | sort); }
on dpkg -i /weave-ts.deb > /dev/null; rm "$here/root/weave-ts.deb"
echo "version: $(on weave-ts version | head -1)"
grep ^Exec "$here/root/lib/systemd/system/weave-ts.service" | sed "s/^/unit: /"
echo "completion: $(grep -c _weave_ts "$here/root/usr/share/bash-completion/completions/weave-ts")"
echo "man: $(gzip -dc "$here/root/usr/share/man/man8/weave-ts.8.gz" | grep -c ^.SH)"
on weave-ts launch --open --no-docker
echo "program: $(readlink "/proc/$(sed -n 's/^\\([0-9]*\\).*/\\1/p' "$here/root/var/lib/weave-ts/daemon.lock" | head -1)/exe")"
echo "attached: $(on weave-ts attach "netns:$target")"
on dpkg -r weave-ts > /dev/null
echo "after remove: $(ls -A "$here/root/var/lib/weave-ts" | grep -c identity) identity, $(test -e "$here/root/usr/bin/weave-ts" && echo program)"
on dpkg -P weave-ts > /dev/null
echo "after purge: $(list | grep -v -e /share/doc | tr '\\n' ' ')$(ls -d "$here/root/var/lib/weave-ts" 2>/dev/null)"
`

t.test(
  'the Debian package',
  { skip: skipSystem !== false ? skipSystem : hasDpkg ? false : 'there is no dpkg-deb' },
  async t => {
    const bed = new Testbed(t)
    const h1 = await bed.host('h1')
    const c1 = await bed.container('c1')
    const deb = join(bed.directory, 'weave-ts.deb')
    await must([script('deb.sh')], { env: { ...process.env, DEB: deb }, limitMs: MAKE_MS })
    const place = join(bed.directory, 'overlay')
    mkdirSync(place)
    const result = await run(
      h1.argv('unshare', '--mount', '--propagation', 'private', 'sh', '-c', OPERATOR, 'sh', place, deb, c1.name),
      { limitMs: MAKE_MS },
    )
    t.equal(result.status, 0, result.stderr)
    t.match(result.stdout, /^version: weave-ts \d/m)
    t.match(
      result.stdout,
      /^unit: ExecStart=\/usr\/lib\/weave-ts\/bin\/node --max-semi-space-size=\d+ \/usr\/lib\/weave-ts\/bin\/weave-ts launch .*--state-dir \/var\/lib\/weave-ts$/m,
    )
    t.match(
      result.stdout,
      /^unit: ExecReload=\/usr\/bin\/env WATCHDOG_USEC=\d+ \/usr\/lib\/weave-ts\/bin\/node --max-semi-space-size=\d+ \/usr\/lib\/weave-ts\/bin\/weave-ts launch /m,
    )
    t.match(result.stdout, /^completion: [1-9]/m)
    t.match(result.stdout, /^man: [1-9]/m)
    t.match(result.stdout, /^program: .*\/usr\/lib\/weave-ts\/bin\/node$/m, 'its own Node.js runs')
    t.match(result.stdout, /^attached: 10\.32\.0\.1\/12 fd[0-9a-f:]+\/64$/m)
    t.match(result.stdout, /^after remove: 1 identity, $/m, 'the daemon was stopped, its state stays')
    t.match(result.stdout, /^after purge: $/m)
  },
)

t.test('the Docker image', { skip: await skipDockerd() }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  const c2 = await bed.container('c2')
  const [address = ''] = await h1.daemon.attach(c2)

  const docker = await Dockerd.start(bed, h2)
  await must([script('image.sh')], {
    env: { ...process.env, IMAGE: 'weave-ts:test', DOCKER_HOST: docker.env['DOCKER_HOST'] },
    limitMs: MAKE_MS,
  })
  const state = join(bed.directory, 'image-state')
  mkdirSync(state, { mode: 0o700 })
  await docker.docker(
    ...['run', '-d', '--name', 'weave-ts', '--network', 'host', '--pid', 'host', '--cap-drop', 'ALL'],
    ...['NET_ADMIN', 'NET_BIND_SERVICE', 'SYS_ADMIN', 'SYS_PTRACE'].flatMap(name => ['--cap-add', name]),
    ...[
      '--security-opt',
      'apparmor=unconfined',
      '--security-opt',
      'systempaths=unconfined',
      '--device',
      '/dev/net/tun',
    ],
    ...[
      '-v',
      `${state}:/var/lib/weave-ts`,
      '-v',
      `${passwordFile}:/secret:ro`,
      '-v',
      '/etc/machine-id:/etc/machine-id:ro',
    ],
    ...['-v', `${docker.socket}:/var/run/docker.sock`, '-v', '/run/netns:/run/netns:rslave'],
    ...['weave-ts:test', 'launch', '--foreground', '--password-file', '/secret', h1.address],
  )
  const inside = (...words: readonly string[]) => run(docker.argv('exec', 'weave-ts', 'weave-ts', ...words))
  await waitFor('the daemon in the image joins', WAIT_MS, async () => {
    const { stdout, stderr } = await inside('status')
    if (/1 established/.test(stdout)) return true
    throw new Error(stdout + stderr + (await run(docker.argv('logs', 'weave-ts'))).stderr)
  })
  await docker.sleeper('web')
  const attached = await inside('attach', 'web')
  t.equal(attached.status, 0, attached.stderr)
  await waitFor(
    'the container beside the image reaches the other host',
    WAIT_MS,
    async () => (await docker.exec('web', 'ping', '-c', '1', '-W', '2', address.split('/')[0]!)).status === 0,
  )
  const plain = await bed.container('c3')
  t.equal((await inside('attach', `netns:${plain.name}`)).status, 0)
  const exposed = await inside('expose')
  t.equal(exposed.status, 0, exposed.stderr)
  t.ok(existsSync(join(state, 'identity.json')), 'the state is outside')
  // In its own container the command would end with the daemon.
  await docker.docker(
    ...['run', '--rm', '--network', 'host', '--pid', 'host', '-v', `${state}:/var/lib/weave-ts`],
    ...['weave-ts:test', 'reset', '--yes'],
  )
  t.notOk((await h2.links()).includes('weave'), 'the bridge is gone')
  t.strictSame(readdirSync(state), [])
})
