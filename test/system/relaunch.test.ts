/**
 * Two hosts, each of which is killed and launched again: how soon after that its containers are answered, at rest and while
 * they are talked to. RUNS=10 measures so many times each.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import t from 'tap'
import { boundMs, loadText } from '../support/load.ts'
import { pinging } from '../support/outage.ts'
import { waitFor } from '../support/testbed-command.ts'
import { launchedPair } from '../support/testbed-line.ts'
import { Testbed, skipSystem } from '../support/testbed.ts'

const RUNS = Number(process.env['RUNS'] ?? 1)
t.setTimeout(240_000 + RUNS * 60_000)
const FIRST_ANSWER_MS = [1_500, 15_000] as const
const SOON_MS = 30_000
/** Without a path a first handshake of either side would be under way still. */
const QUIET_MS = 2_000

t.test(
  'a host that is launched again is answered soon',
  { skip: skipSystem, timeout: 220_000 + RUNS * 60_000 },
  async t => {
    const bed = new Testbed(t)
    const { hosts, containers, ips: addresses } = await launchedPair(bed)
    const { passwordFile } = bed
    await waitFor('an answer', SOON_MS, () => containers[0].canPing(addresses[1]!))

    /** From the end of the launch to the first answer, in milliseconds. */
    const relaunched = async (i: 0 | 1, isBusy: boolean) => {
      const end = isBusy ? pinging(containers[1 - i]!, addresses[i]!) : undefined
      await new Promise(done => setTimeout(done, QUIET_MS))
      await hosts[i].daemon.kill()
      await hosts[i].daemon.launch([], { passwordFile })
      const launchedAt = performance.now()
      const ping = ['ping', '-n', '-q', '-c', '1', '-w', '30', '-i', '0.05', addresses[1 - i]!]
      const { status, stdout } = await containers[i].run(ping, { limitMs: 40_000 })
      const ms = Math.round(performance.now() - launchedAt)
      t.equal(status, 0, stdout)
      const outageMs = await end?.()
      return { ms, outageMs }
    }
    for (const isBusy of [false, true]) {
      const all: number[] = []
      const outages: number[] = []
      for (let run = 0; run < RUNS; run++)
        for (const i of [0, 1] as const) {
          const { ms, outageMs } = await relaunched(i, isBusy)
          all.push(ms)
          if (outageMs !== undefined) outages.push(outageMs)
        }
      const figures = `${isBusy ? 'busy' : 'quiet'}: answered after ${all.join(' ')} ms`
      t.comment(`${figures}${isBusy ? `; without an answer in all for ${outages.join(' ')} ms` : ''}; ${loadText()}`)
      t.ok(Math.max(...all) <= boundMs(...FIRST_ANSWER_MS), figures)
    }
  },
)
