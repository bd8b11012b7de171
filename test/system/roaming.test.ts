/**
 * Two hosts on one cable, both of which change their address, one soon after the other.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import t from 'tap'
import { boundMs, loadText } from '../support/load.ts'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { iperf } from '../support/testbed-iperf.ts'
import { launchedPair } from '../support/testbed-line.ts'
import { Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(240_000)
const APART_MS = 5_000
/** 2 s on a machine that is calm, and half a second of what measures. */
const OUTAGE_MS = [2_500, 15_000] as const
/** Towards the client, which sees what arrives; enough that each tenth of a second has some. */
const STEADY = ['-R', '-b', '20M']

t.test('two hosts that both move go on talking, and link anew', { skip: skipSystem, timeout: 200_000 }, async t => {
  const bed = new Testbed(t)
  const { hosts, containers, ips } = await launchedPair(bed)
  const ip = ips[1]
  const [c1, c2] = containers
  t.ok(await c1.canPing(ip))

  const end = pinging(c1, ip)
  const tcp = iperf(c1, c2, ip, (3 * APART_MS) / 1000, STEADY)
  for (const [i, host] of hosts.entries()) {
    await new Promise(done => setTimeout(done, APART_MS))
    // In this order: with the first address of a subnet go all others of it.
    await host.ip(`addr del ${host.address}/24 dev u2`)
    await host.ip(`addr add 192.0.2.${i + 101}/24 dev u2`)
  }
  await new Promise(done => setTimeout(done, APART_MS))
  const outageMs = await end()
  const { bytes, stallMs } = await tcp
  t.comment(
    `both moved: ${outageMs} ms without an answer, TCP stalled for ${stallMs} ms (${bytes} bytes); ${loadText()}`,
  )
  t.ok(outageMs <= boundMs(...OUTAGE_MS), `an outage of ${outageMs} ms`)
  t.ok(stallMs <= boundMs(...OUTAGE_MS), `a stall of ${stallMs} ms`)
  const begun = performance.now()
  const isLinked = (connection: { readonly state: string; readonly address: string }) =>
    connection.state === 'established' && connection.address.startsWith('192.0.2.10')
  await waitFor('a link between the new addresses', 90_000, async () => {
    const both = await Promise.all(hosts.map(host => host.daemon.status()))
    return both.every(({ connections }) => connections.some(isLinked))
  })
  t.comment(`linked anew ${Math.round(performance.now() - begun)} ms later`)
  t.ok(await c1.canPing(ip))
})
