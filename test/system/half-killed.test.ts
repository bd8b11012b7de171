/**
 * Eight hosts on one switch, half of which are killed in the same moment, among them the one that all were launched towards.
 *
 *     (h1) … (h8)      192.0.2.0/24
 *       └──┬───┘
 *      switch u2
 */
import t from 'tap'
import { boundMs, loadText } from '../support/load.ts'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(240_000)
const COUNT = 8
const AT_ONCE = 3
const MESHED_MS = 60_000
const AGREED_MS = [10_000, 45_000] as const

t.test('half of a mesh is killed at once', { skip: skipSystem, timeout: 220_000 }, async t => {
  const bed = new Testbed(t)
  const hosts = await bed.hosts(...Array.from({ length: COUNT }, (_, i) => `h${i + 1}`))
  await bed.lan(hosts, '192.0.2')
  const { passwordFile } = bed
  const [first, ...rest] = hosts as [Host, ...Host[]]
  await first.daemon.launch([], { passwordFile })
  for (let i = 0; i < rest.length; i += AT_ONCE)
    await Promise.all(rest.slice(i, i + AT_ONCE).map(host => host.daemon.launch([first.address], { passwordFile })))
  await meshed(hosts, MESHED_MS)
  const dying = hosts.filter((_, i) => i % 2 === 0)
  const living = hosts.filter((_, i) => i % 2 === 1)
  const [c2, c4] = (await bed.containers('c2', 'c4')) as [Namespace, Namespace]
  await living[0]!.daemon.attach(c2)
  const ip = (await living[1]!.daemon.attach(c4))[0]!.split('/')[0]!
  await waitFor('an answer', MESHED_MS, () => c2.canPing(ip))
  const ids: string[] = []
  for (const host of living) ids.push((await host.daemon.status()).peer.id)
  const pids = await Promise.all(dying.map(async host => (await host.daemon.status()).pid))

  const end = pinging(c2, ip)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  const killedAt = performance.now()
  await waitFor('the others to see exactly each other', AGREED_MS[1] * 2, async () => {
    for (const host of living) {
      const reached = (await host.daemon.status()).peers.filter(({ isReachable }) => isReachable).map(({ id }) => id)
      if (reached.length !== ids.length || !ids.every(id => reached.includes(id))) return false
    }
    return true
  })
  const agreedMs = Math.round(performance.now() - killedAt)
  const outageMs = await end()
  t.comment(`half of ${COUNT} killed: agreed after ${agreedMs} ms, ${outageMs} ms without an answer; ${loadText()}`)
  t.ok(agreedMs <= boundMs(...AGREED_MS), `agreed after ${agreedMs} ms`)
  t.ok(outageMs <= boundMs(1_500, 10_000), `those that live lose nothing by it: ${outageMs} ms`)
  for (const host of living) {
    const { ipam, mesh } = await host.daemon.status()
    t.equal(ipam.state, 'ready')
    t.equal(mesh.id, (await living[0]!.daemon.status()).mesh.id)
  }
})
