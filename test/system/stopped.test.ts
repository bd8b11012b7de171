/**
 * Two ways round: a and c reach each other through b or d only. Whichever of them is the relay is stopped (SIGSTOP) and
 * continued. STOPPED_SECONDS=60 stops it for that long.
 *
 *     [ca]        [cx]         [cc]
 *      │           │            │
 *     (a) ═ u2 ═ (b) ═ u3 ═══ (c)        no host forwards; cx is on the one that is stopped
 *      ╚═══ u4 ═ (d) ═ u5 ═════╝
 */
import t from 'tap'
import { boundMs, loadText } from '../support/load.ts'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

/** Long enough for every suspicion, and for a link to be given up. */
const STOPPED_MS = Number(process.env['STOPPED_SECONDS'] ?? 12) * 1_000
t.setTimeout(240_000 + STOPPED_MS)
const SOON_MS = 30_000
/** 3 s on a machine that is calm, and half a second of what measures. */
const OUTAGE_MS = [3_500, 15_000] as const
/** A second or two, and the same. */
const BACK_MS = [3_000, 15_000] as const

const pause = (ms: number) => new Promise(done => setTimeout(done, ms))

t.test('a daemon that is stopped and continued', { skip: skipSystem, timeout: 220_000 + STOPPED_MS }, async t => {
  const bed = new Testbed(t)
  const hosts = (await bed.hosts('a', 'b', 'c', 'd')) as [Host, Host, Host, Host]
  const [a, b, c, d] = hosts
  for (const [i, [from, to]] of (
    [
      [a, b],
      [b, c],
      [a, d],
      [d, c],
    ] as const
  ).entries())
    await bed.link(from, to, `192.0.${i + 2}`)
  const { passwordFile } = bed
  await a.daemon.launch([], { passwordFile })
  await Promise.all([
    b.daemon.launch(['192.0.2.1', '192.0.3.2'], { passwordFile }),
    c.daemon.launch(['192.0.3.1', '192.0.5.1'], { passwordFile }),
    d.daemon.launch(['192.0.4.1', '192.0.5.2'], { passwordFile }),
  ])
  const ids = new Map<string, string>()
  for (const host of hosts) ids.set(host.label, (await host.daemon.status()).peer.id)
  const pathTo = async (from: Host, to: string) =>
    (await from.daemon.status()).peers.find(({ id }) => id === ids.get(to))?.path
  /** Each has a way to each, and reaches all. */
  const isAgreed = async (among: readonly Host[]) => {
    for (const host of among) {
      const { peers } = await host.daemon.status()
      const reached = peers.filter(({ isReachable }) => isReachable)
      if (reached.length !== hosts.length) return false
      if (reached.some(({ isSelf, path }) => !isSelf && !['direct', 'relayed'].includes(path?.kind ?? ''))) return false
    }
    return true
  }
  await waitFor('ways from each to each', SOON_MS, () => isAgreed(hosts))
  const relay = await waitFor('a relay', SOON_MS, async () => (await pathTo(a, 'c'))?.via?.nickname)
  const [stopped, other] = relay === 'b' ? [b, d] : [d, b]
  const [ca, cx, cc] = (await bed.containers('ca', 'cx', 'cc')) as [Namespace, Namespace, Namespace]
  const ip = async (host: Host, container: Namespace) => (await host.daemon.attach(container))[0]!.split('/')[0]!
  await ip(a, ca)
  const ipx = await ip(stopped, cx)
  const ipc = await ip(c, cc)
  await waitFor('answers', SOON_MS, async () => (await ca.canPing(ipc)) && (await ca.canPing(ipx)))
  const { pid } = await stopped.daemon.status()
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGCONT')
    } catch {
      // It has ended.
    }
  })

  const end = pinging(ca, ipc)
  await pause(2_000)
  process.kill(pid, 'SIGSTOP')
  const stoppedAt = performance.now()
  await waitFor(`the way by ${other.label}`, SOON_MS, async () => (await pathTo(a, 'c'))?.via?.nickname === other.label)
  await pause(1_000)
  const outageMs = await end()
  t.comment(`stopped: ${outageMs} ms without an answer from those behind it; ${loadText()}`)
  t.ok(outageMs <= boundMs(...OUTAGE_MS), `an outage of ${outageMs} ms`)

  const others = hosts.filter(host => host !== stopped)
  await pause(STOPPED_MS - (performance.now() - stoppedAt))
  process.kill(pid, 'SIGCONT')
  const continuedAt = performance.now()
  const sinceMs = () => Math.round(performance.now() - continuedAt)
  await waitFor('an answer of what is attached there', SOON_MS, () => ca.canPing(ipx))
  const answeredMs = sinceMs()
  await waitFor('all to reach all', SOON_MS, () => isAgreed([...others, stopped]))
  const agreedMs = sinceMs()
  t.comment(
    `continued after ${Math.round((continuedAt - stoppedAt) / 1000)} s: an answer after ${answeredMs} ms, all agree after ${agreedMs} ms`,
  )
  t.ok(answeredMs <= boundMs(...BACK_MS) && agreedMs <= boundMs(...BACK_MS))

  // Probes of a path's size that fell into the stop count as lost for a while: decision 44.
  const isExpected = (text: string) => text.includes('ip_forward') || text.includes('datagrams of the least size')
  await t.test('nothing is doubled, given up or counted twice afterwards', async t => {
    for (const host of hosts) {
      const status = await host.daemon.status()
      t.equal(status.peer.id, ids.get(host.label))
      t.equal(status.peers.length, hosts.length, `${host.label} knows each once`)
      t.equal(status.ipam.state, 'ready')
      const linked = status.connections.filter(({ state }) => state === 'established').map(({ peer }) => peer?.id)
      t.equal(new Set(linked).size, linked.length, 'one link to each')
      t.same(
        status.warnings.filter(text => !isExpected(text)),
        [],
      )
      t.notMatch(host.daemon.log(), /identity-doubled|"level":50/)
    }
    t.same(
      (await stopped.daemon.ps()).map(({ id, isPresent }) => [id, isPresent]),
      [[`netns:${cx.name}`, true]],
    )
    const pings = await ca.run(['ping', '-n', '-q', '-i', '0.02', '-c', '100', ipx])
    t.match(pings.stdout, /100 packets transmitted, 100 received, 0% packet loss/)
    t.notMatch(pings.stdout, /duplicates/)
  })
})
