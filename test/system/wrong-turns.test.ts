/**
 * What an operator does wrong, or finds, one after the other on two hosts: `launch`, `status` and `doctor` say what it is
 * and what to do, and doing that mends it. More of them are in tests that have the fault at hand: UDP that is blocked later in
 * tcp-fallback, a copied state in accidents, a narrow path in path-mtu, Docker in docker-follow, a full disk in full-disk.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(120_000)
const SOON_MS = 20_000

t.test('launch, status and doctor name a wrong turn, and the remedy mends it', { skip: skipSystem }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  const otherSecret = bed.secretFile('other', 'correct horse battery staple 2210')
  /** `weave-ts launch` on h2 towards h1, and what it said. */
  const launch = async (...args: string[]) => {
    const { stdout, stderr, status } = await h2.daemon.tryLaunch([h1.address], { passwordFile, args })
    return { status, said: stdout + stderr }
  }
  const statusSays = (pattern: RegExp) =>
    waitFor(`status says ${pattern.source}`, SOON_MS, async () =>
      pattern.test((await h2.daemon.cli('status')).stdout.replaceAll('\n', ' ')),
    )
  const isWell = (check: string) =>
    waitFor(`doctor finds ${check} well`, SOON_MS, async () => (await h2.daemon.doctor()).of(check).length === 0)

  await t.test('a peer that is dead', async t => {
    const first = await h2.daemon.tryLaunch([h1.address], { passwordFile: otherSecret, args: ['--wait=1s'] })
    t.equal(first.status, 75, first.stderr)
    t.match(
      first.stderr,
      /192\.0\.2\.1: nothing listens there \(ECONNREFUSED\); see on that host whether weave-ts runs/,
    )
    await statusSays(/Waiting: no peer of a mesh is reached: 192\.0\.2\.1: nothing listens there .*see on that host/)
    t.match((await h2.daemon.doctor()).of('links'), [
      { verdict: 'problem', found: /192\.0\.2\.1:6783 is not reached: nothing/, remedy: /see on that host whether/ },
    ])
    await h1.daemon.launch([], { passwordFile })
  })

  await t.test('another mesh secret', async t => {
    await statusSays(
      /WARNING: 1 peer has another mesh secret than this host.*weave-ts launch --replace --password-file/,
    )
    const again = await h2.daemon.tryLaunch([h1.address], { passwordFile: otherSecret, args: ['--wait=1s'] })
    t.equal(again.status, 75, again.stderr)
    t.match(again.stderr, /different mesh secret.*give this host the secret of the mesh: weave-ts launch --replace/)
    const found = await h2.daemon.doctor()
    t.equal(found.status, 1)
    t.match(found.of('secret'), [
      { verdict: 'problem', found: /192\.0\.2\.1:6783$/, remedy: /--replace --password-file/ },
    ])
    t.match((await h1.daemon.doctor()).of('secret'), [{ verdict: 'warning', found: /192\.0\.2\.2:/ }], 'h1 sees it too')
  })

  await t.test('UDP that is blocked', async t => {
    for (const host of [h1, h2]) {
      await host.must('nft', 'add table inet block; add chain inet block out { type filter hook output priority 0; }')
      await host.must('nft', 'add rule inet block out udp dport 6783 drop')
    }
    const { status, said } = await launch('--replace', '--wait')
    t.equal(status, 0, said)
    t.match(said, /goes over TCP, which is slower: no answer to UDP probes .*let UDP port 6783 through the firewalls/)
    t.match(said, /is of the mesh|joined the mesh/, 'the secret is that of the mesh now')
    t.strictSame((await h1.daemon.doctor()).of('secret'), [], 'what was wrong before is over')
    await statusSays(/WARNING: data to \w+\(h1\) goes over TCP.*let UDP port 6783 through/)
    t.match((await h2.daemon.doctor()).of('udp'), [
      {
        verdict: 'warning',
        found: /over the control link \(TCP\).*no answer to UDP probes/,
        remedy: /let UDP port 6783/,
      },
    ])
    for (const host of [h1, h2]) await host.must('nft', 'delete table inet block')
    await isWell('udp')
  })

  await t.test('a network that is too narrow for the MTU of the overlay', async t => {
    for (const host of [h1, h2]) await host.ip('link set u2 mtu 1280')
    const { status, said } = await launch('--replace', '--mtu', '1400')
    t.equal(status, 0, said)
    t.match(
      said,
      /overlay's MTU is 1400, and no more than 1198 fit into the 1280 bytes .*launch all hosts with --mtu 1198/,
    )
    t.match((await h2.daemon.doctor()).of('mtu'), [{ verdict: 'warning', found: /1198 fit/, remedy: /--mtu 1198/ }])
    t.notMatch((await launch('--replace', '--mtu', '1198')).said, /MTU/)
    await isWell('mtu')
    for (const host of [h1, h2]) await host.ip('link set u2 mtu 1500')
  })

  await t.test('a bridge that somebody else made', async t => {
    // Meanwhile the daemon must not see that its own is gone: it would make it anew.
    const { pid } = await h2.daemon.api.call('status')
    process.kill(pid, 'SIGSTOP')
    await h2.ip('link del weave')
    await h2.ip('link add weave type bridge')
    process.kill(pid, 'SIGCONT')
    await statusSays(/WARNING: host is not in order: weave-ts did not make the bridge weave.*--adopt-bridge/)
    t.match((await h2.daemon.doctor()).of('bridge'), [{ verdict: 'problem', found: /did not make the bridge weave/ }])
    const { status, said } = await launch('--replace', '--forget-option', 'mtu')
    t.equal(status, 78)
    t.match(said, /did not make the bridge weave[^]*remove it[^]*\[BRIDGE_FOREIGN\]/)
    await h2.ip('link del weave')
    await isWell('status')
    t.match(await h2.links(), ['lo', 'u2', 'weave', 'weave-tap'])
  })

  await t.test('another mesh', async t => {
    const [c1, c2] = await bed.containers('c1', 'c2')
    await h1.daemon.attach(c1!)
    await h2.daemon.say('reset', '--yes')
    await h2.daemon.launch([], { passwordFile })
    await h2.daemon.attach(c2!)
    const { status, said } = await launch('--replace')
    t.equal(status, 0, said)
    t.match(
      said,
      /no link to 192\.0\.2\.1: two different meshes: \w+ \(1 peer\) and .*on each peer of the other run `weave-ts reset`/,
    )
    await statusSays(/WARNING: there is no link to 192\.0\.2\.1: two different meshes/)
    t.match((await h2.daemon.doctor()).of('links'), [
      { verdict: 'problem', found: /two different meshes/, remedy: /weave-ts reset/ },
    ])
    await h2.daemon.say('reset', '--yes')
    t.match((await launch('--wait')).said, /^joined the mesh \w+ through \w+\(h1\) in /m)
    await isWell('links')
  })

  await t.test('no permission', async t => {
    const { stateDir } = h2.daemon
    for (const words of ['launch', 'status', 'doctor']) {
      const argv = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, 'bin/weave-ts']
      const { status, stderr } = await h2.run([...argv, words, '--state-dir', stateDir])
      t.equal(status, 77, words)
      t.match(stderr, /this user may not use .*\(EACCES\)[^]*run the command as root[^]*\[NO_PERMISSION\]/)
    }
    t.equal((await h2.daemon.doctor()).status, 0, 'as root it works')
  })
})
