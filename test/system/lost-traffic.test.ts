/**
 * Two hosts on a cable, and all that can be taken from under them: `status` never says that all is well meanwhile.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import t from 'tap'
import { waitFor } from '../support/testbed-command.ts'
import { launchedPair } from '../support/testbed-line.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(240_000)
/** A path may be down for 10 s before it is warned of; the rest is a busy machine's. */
const WARNED_MS = 40_000
const BACK_MS = 40_000

t.test('status warns whenever all traffic is lost', { skip: skipSystem, timeout: 220_000 }, async t => {
  const bed = new Testbed(t)
  const { hosts, containers, ips } = await launchedPair(bed)
  const ip = ips[1]
  const [h1, h2] = hosts
  const [c1] = containers
  const { passwordFile } = bed
  await waitFor('an answer', BACK_MS, () => c1.canPing(ip))

  /** On both: a warning that says so, until it is mended; and none afterwards. */
  const warns = async (
    what: string,
    by: readonly Host[],
    pattern: RegExp,
    fail: () => Promise<unknown>,
    mend: () => Promise<unknown>,
  ) => {
    const begun = performance.now()
    await fail()
    await waitFor(`${what}: no answer`, BACK_MS, async () => !(await c1.canPing(ip)))
    for (const host of by) {
      const found = await waitFor(`${what}: a warning of ${host.label}`, WARNED_MS, async () =>
        (await host.daemon.status()).warnings.find(text => pattern.test(text)),
      )
      t.comment(`${host.label}: ${found}`)
      const shown = await host.daemon.cli('status')
      t.equal(shown.status, 0, shown.stderr)
      t.ok(shown.stdout.includes(found.slice(0, 40)), `in words: ${shown.stdout}`)
    }
    t.comment(`${what}: warned of after ${Math.round(performance.now() - begun)} ms`)
    await mend()
    await waitFor(`${what}: an answer again`, BACK_MS, () => c1.canPing(ip))
    for (const host of by)
      await waitFor(`${what}: no warning of ${host.label}`, BACK_MS, async () =>
        (await host.daemon.status()).warnings.every(text => !pattern.test(text)),
      )
  }

  await warns(
    'the cable is pulled',
    hosts,
    /does not reach the other member|no data gets through/,
    () => h1.ip('link set u2 down'),
    () => h1.ip('link set u2 up'),
  )
  await warns(
    'the other daemon is killed',
    [h1],
    /does not reach the other member/,
    () => h2.daemon.kill(),
    () => h2.daemon.launch([h1.address], { passwordFile }),
  )
})
