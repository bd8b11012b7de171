/**
 * Hosts that one unit file starts: all by the same command, in the same second.
 *
 *     [ca]  [cb]  [cc]  …
 *      │     │     │
 *     (a)   (b)   (c)  …
 *      └─────┼─────┘
 *        switch u2
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem } from '../support/testbed.ts'

t.setTimeout(240_000)
const options = { skip: skipSystem, timeout: 150_000 }
const MESH_MS = 30_000

t.test('hosts that all name each other say that nobody has founded; one command founds', options, async t => {
  const bed = new Testbed(t)
  const hosts = await bed.hosts('a', 'b')
  await bed.lan(hosts, '192.0.2')
  const [a, b] = hosts as [(typeof hosts)[0], (typeof hosts)[0]]
  const { passwordFile } = bed
  const peers = hosts.map(host => host.address)
  const launched = await Promise.all(hosts.map(host => host.daemon.tryLaunch(peers, { passwordFile })))
  t.strictSame(
    launched.map(({ status }) => status),
    [0, 0],
  )
  const said = launched.map(({ stderr }) => stderr).join('')
  t.match(said, /waiting: nobody has founded a mesh: .*run `weave-ts found` on one of these hosts/)
  const founding = async () =>
    (await Promise.all(hosts.map(host => host.daemon.status()))).map(one => one.mesh.founding)
  await waitFor('both know it', MESH_MS, async () => (await founding()).every(state => state === 'nobody'))
  const early = await a.daemon.cli('prime', '--timeout', '2.5')
  t.equal(early.status, 75)
  t.match(early.stderr, /prime waits: nobody has founded[^]*after 2\.5 s: nobody has founded[^]*\[IPAM_WAITING\]/)

  const primed = b.daemon.say('prime', '--timeout', '60')
  const founded = await a.daemon.say('found')
  t.match(founded, /^founded the mesh [0-9a-f]{32}$/)
  const mesh = founded.split(' ').at(-1)!
  await primed
  await meshed(hosts, MESH_MS)
  t.equal((await b.daemon.status()).mesh.id, mesh)
  const again = await b.daemon.cli('found')
  t.equal(again.status, 1)
  t.match(again.stderr, new RegExp(`of the mesh ${mesh} already[^]*MESH_FOUNDED`))
  const [container] = await bed.containers('cb')
  t.match(await b.daemon.attach(container!), [/^10\./])
})

t.test('five daemons that one command starts in the same second are one mesh', options, async t => {
  const bed = new Testbed(t)
  const hosts = await bed.hosts('a', 'b', 'c', 'd', 'e')
  await bed.lan(hosts, '192.0.2')
  const { passwordFile } = bed
  const peers = hosts.map(host => host.address)
  const args = ['--ipalloc-init', 'consensus=5']
  await Promise.all(hosts.map(host => host.daemon.launch(peers, { passwordFile, args })))
  await Promise.all(hosts.map(host => host.daemon.say('prime', '--timeout', '60')))
  const ids = await Promise.all(hosts.map(async host => (await host.daemon.status()).mesh.id))
  t.equal(new Set(ids).size, 1)
  t.type(ids[0], 'string')
  const [container] = await bed.containers('ce')
  t.match(await hosts.at(-1)!.daemon.attach(container!), [/^10\./])
})
