/**
 * One host, on which `launch` cannot succeed for one reason after the other; a second one that shares a state directory.
 *
 *     (h1) ═══ u2 ═══ (h2)      192.0.2.0/24
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { weaveTs, type LaunchOptions } from '../support/daemon-process.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 180_000 }

interface Refusal {
  readonly what: string
  readonly peers?: readonly string[]
  readonly launch?: LaunchOptions
  /** Makes the obstacle; what it returns takes it away again. */
  readonly prepare?: (host: Host) => Promise<() => Promise<unknown>>
  readonly status: number
  readonly code: string
  readonly says: RegExp
}

const listener = (kind: 'tcp' | 'udp') => async (host: Host) => {
  const script =
    kind === 'tcp'
      ? `require('node:net').createServer().listen(6783, () => console.log('ready'))`
      : `require('node:dgram').createSocket('udp4').bind(6783, () => console.log('ready'))`
  const argv = host.argv(process.execPath, '-e', script)
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

const args = (...list: readonly string[]): { launch: LaunchOptions } => ({ launch: { args: list } })

const REFUSALS: readonly Refusal[] = [
  {
    what: 'no root',
    launch: { wrapper: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] },
    status: 77,
    code: 'NOT_ROOT',
    says: /root/,
  },
  {
    what: 'root without the right to change the network',
    launch: { wrapper: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'] },
    status: 77,
    code: 'NOT_ROOT',
    says: /CAP_NET_ADMIN|root/,
  },
  {
    what: 'no /dev/net/tun',
    launch: { wrapper: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'] },
    status: 69,
    code: 'NO_TUN',
    says: /\/dev\/net\/tun[^]*modprobe tun/,
  },
  { what: 'its TCP port in use', prepare: listener('tcp'), status: 69, code: 'PORT_IN_USE', says: /6783[^]*--port/ },
  { what: 'its UDP port in use', prepare: listener('udp'), status: 69, code: 'PORT_IN_USE', says: /6783[^]*--port/ },
  {
    what: 'a range that overlaps a route of the host',
    prepare: async host => {
      await host.ip('route add 10.40.0.0/16 via 192.0.2.2')
      return () => host.ip('route del 10.40.0.0/16')
    },
    status: 78,
    code: 'RANGE_OVERLAP',
    says: /10\.32\.0\.0\/12[^]*10\.40\.0\.0\/16[^]*--ipalloc-range/,
  },
  {
    what: 'a foreign interface of the name of the bridge',
    prepare: async host => {
      await host.ip('link add weave type veth peer name weave-peer')
      return () => host.ip('link del weave')
    },
    status: 78,
    code: 'BRIDGE_FOREIGN',
    says: /weave/,
  },
  {
    what: 'a range that is no CIDR',
    ...args('--ipalloc-range', '10.32.0.0/33'),
    status: 78,
    code: 'CONFIG_INVALID',
    says: /10\.32\.0\.0\/33/,
  },
  {
    what: 'a range with host bits',
    ...args('--ipalloc-range', '10.32.0.1/12'),
    status: 78,
    code: 'CONFIG_INVALID',
    says: /10\.32\.0\.1\/12[^]*10\.32\.0\.0\/12/,
  },
  { what: 'a port that is none', ...args('--port', '70000'), status: 78, code: 'CONFIG_INVALID', says: /--port/ },
  {
    what: 'a listen address that is none',
    ...args('--host', '192.0.2.300'),
    status: 78,
    code: 'CONFIG_INVALID',
    says: /192\.0\.2\.300/,
  },
  {
    what: 'a listen address of another host',
    ...args('--host', '192.0.2.77'),
    status: 78,
    code: 'CONFIG_INVALID',
    says: /192\.0\.2\.77|address/,
  },
  { what: 'a peer that is no name', peers: ['192.0.2.2:99999'], status: 2, code: 'BAD_PEER', says: /99999/ },
  {
    what: 'a password file that is not there',
    ...args('--password-file', '/nonexistent/secret'),
    status: 78,
    code: 'CONFIG_INVALID',
    says: /\/nonexistent\/secret/,
  },
  {
    what: 'a link in place of its log',
    prepare: async host => {
      const { stateDir } = host.daemon
      mkdirSync(stateDir, { mode: 0o700 })
      symlinkSync(join(stateDir, '..', 'elsewhere'), join(stateDir, 'daemon.log'))
      return async () => rmSync(stateDir, { recursive: true })
    },
    status: 78,
    code: 'STATE_UNSAFE',
    says: /daemon\.log is a symbolic link[^]*ls -l/,
  },
  {
    what: 'a state directory of somebody else',
    prepare: async host => {
      const { stateDir } = host.daemon
      mkdirSync(stateDir, { mode: 0o700 })
      chownSync(stateDir, 65_534, 65_534)
      return async () => rmSync(stateDir, { recursive: true })
    },
    status: 78,
    code: 'STATE_UNSAFE',
    says: /belongs to user 65534[^]*--state-dir/,
  },
  { what: 'an MTU that is too small', ...args('--mtu', '100'), status: 78, code: 'CONFIG_INVALID', says: /100/ },
]

t.test('launch refuses, says why and what to do, and leaves nothing behind', options, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  for (const { what, peers, launch, prepare, status, code, says } of REFUSALS)
    await t.test(what, async t => {
      const undo = await prepare?.(h1)
      const before = await h1.daemon.leftovers()
      const result = await h1.daemon.tryLaunch(peers ?? [], launch)
      t.equal(result.status, status, result.stderr)
      t.match(result.stderr, says)
      t.match(result.stderr, `[${code}]`)
      t.strictSame(await h1.daemon.leftovers(), before, 'nothing is left behind')
      await undo?.()
    })

  await t.test('and succeeds when nothing is in its way', async t => {
    mkdirSync(h1.daemon.stateDir)
    chmodSync(h1.daemon.stateDir, 0o777)
    const launched = await h1.daemon.tryLaunch([])
    t.equal(launched.status, 0, launched.stderr)
    t.match(launched.stderr, /could be written by other users \(mode 0777\)/, 'permissions that were open are mended')
    t.equal(statSync(h1.daemon.stateDir).mode & 0o777, 0o755)
    const { warnings } = await h1.daemon.status()
    t.match(warnings.join(), /any stranger/, 'without a secret it warns')
    const json = await h1.daemon.cli('attach', 'netns:nowhere', '--json')
    t.match(JSON.parse(json.stderr), { code: 'TARGET_NOT_FOUND', message: /nowhere/, remedy: /\S/ })
  })

  await t.test(
    'a second launch succeeds where it asks for what runs, else it is refused; the first goes on',
    async t => {
      const { pid } = await h1.daemon.status()
      const again = await h1.daemon.tryLaunch([], { args: ['--wait=5s', '--port', '6783'] })
      t.equal(again.status, 0, again.stderr)
      t.match(again.stdout, `runs already as asked (pid ${pid}), of the mesh `)
      for (const [args, peers, what] of [
        [['--port', '7000'], [], /it has no --port, and asked for was --port 7000/],
        [['--password', 'secret'], [], /it has no mesh secret, and one was given/],
        [[], ['192.0.2.77'], /192\.0\.2\.77 is none of its targets[^]*weave-ts connect 192\.0\.2\.77/],
      ] as const) {
        const result = await h1.daemon.tryLaunch(peers, { args })
        t.equal(result.status, 1, result.stderr)
        t.match(result.stderr, /LAUNCHED_OTHERWISE/)
        t.match(result.stderr, `pid ${pid}`)
        t.match(result.stderr, what)
      }
      t.equal((await h1.daemon.status()).pid, pid)
      t.ok((await h1.links()).includes('weave'), 'its bridge is there')
    },
  )
})

t.test('damaged state is not started from, and not destroyed', options, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  await h1.daemon.launch([])
  const { peer } = await h1.daemon.status()
  await h1.daemon.say('stop')
  await waitFor('the end of the daemon', 10_000, async () => !(await h1.links()).includes('weave-tap'))
  const store = join(h1.daemon.stateDir, 'state.mdb')
  const identity = join(h1.daemon.stateDir, 'identity.json')
  const good = { store: readFileSync(store), identity: readFileSync(identity) }
  const bridged = await h1.daemon.leftovers()

  for (const [what, path, code, damage] of [
    ['a truncated store', store, 'STATE_DAMAGED', () => truncateSync(store, 5_000)],
    [
      'a store of garbage',
      store,
      'STATE_DAMAGED',
      () => writeFileSync(store, Buffer.alloc(good.store.length, 'garbage ')),
    ],
    ['an empty store', store, 'STATE_DAMAGED', () => truncateSync(store, 0)],
    ['a truncated identity', identity, 'IDENTITY_DAMAGED', () => truncateSync(identity, 40)],
    ['an identity of garbage', identity, 'IDENTITY_DAMAGED', () => writeFileSync(identity, '{"seed": 5}')],
  ] as const)
    await t.test(what, async t => {
      damage()
      const damaged = readFileSync(path)
      const result = await h1.daemon.tryLaunch([])
      t.equal(result.status, 65, result.stderr)
      t.match(result.stderr, `[${code}]`)
      t.match(result.stderr, path, 'it names the file')
      t.ok(readFileSync(path).equals(damaged), 'the file is as it was')
      t.strictSame(await h1.daemon.leftovers(), bridged, 'nothing is left behind')
      writeFileSync(store, good.store)
      writeFileSync(identity, good.identity)
    })

  await t.test('the restored files start as before', async t => {
    await h1.daemon.launch([])
    t.equal((await h1.daemon.status()).peer.id, peer.id)
  })
})

t.test('commands without a daemon say so', async t => {
  const bed = new Testbed()
  t.teardown(() => bed.close())
  mkdirSync(join(bed.directory, 'none'))
  for (const argv of [['status'], ['ps'], ['stop'], ['connect', '192.0.2.1'], ['attach', 'netns:x'], ['reset']]) {
    const result = await weaveTs([...argv, '--state-dir', join(bed.directory, 'none')])
    t.equal(result.status, 7, argv.join(' '))
    t.match(result.stderr, /no daemon answers at[^]*weave-ts launch|launch it first/, argv.join(' '))
  }
  for (const argv of [['nonsense'], ['status', 'nonsense'], ['launch', '--nonsense'], ['attach']])
    t.equal((await weaveTs(argv)).status, 2, argv.join(' '))
})
