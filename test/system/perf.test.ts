/**
 * Who talks over two hosts.
 *
 *     [c1]                 [c2]
 *      │                    │
 *     (h1) ═════ u2 ═════ (h2)      192.0.2.0/24
 */
import t from 'tap'
import { TopAnswer } from '../../lib/api/mod.ts'
import { launchedPair } from '../support/testbed-line.ts'
import { Testbed, skipSystem } from '../support/testbed.ts'

t.setTimeout(120_000)
const PING_BYTES = 1_000
/** With the headers of ICMP, IPv4 and Ethernet. */
const FRAME_BYTES = PING_BYTES + 8 + 20 + 14

t.test('what passes between two hosts is measured', { skip: skipSystem, timeout: 100_000 }, async t => {
  const bed = new Testbed(t)
  const { hosts, containers, ips } = await launchedPair(bed)
  const [h1, h2] = hosts
  const [c1] = containers
  await c1.canPing(ips[1])

  await t.test('top names who talks, and how much', async t => {
    const asked = Promise.all(hosts.map(host => host.daemon.json('top', '--seconds', '1.5')))
    const pinging = c1.run(['ping', '-n', '-q', '-i', '0.005', '-w', '3', '-s', String(PING_BYTES), ips[1]])
    const [there, here] = (await asked).map(answer => TopAnswer.parse(answer)) as [TopAnswer, TopAnswer]
    for (const [answer, direction] of [
      [there, 'out'],
      [here, 'in'],
    ] as const) {
      const found = answer.talks.find(
        ({ source, destination }) => source.address === ips[0] && destination.address === ips[1],
      )
      t.match(found, { direction, source: { container: `netns:${c1.name}`, peer: { nickname: 'h1' } } })
      t.match(found?.destination.peer, { nickname: 'h2' })
      t.equal(Math.round(found!.bytesPerSecond / found!.framesPerSecond), FRAME_BYTES)
      t.ok(found!.framesPerSecond > 20 && found!.framesPerSecond < 210, `${found!.framesPerSecond} frames a second`)
    }
    t.match(
      await h2.daemon.say('top', '--seconds', '0.5', '-n', '1'),
      /^ *BYTES\/S .*\n.* \d+\.\d+\.0\.1 netns:\S+@h[12] +\d+\.\d+\.0\.1 netns:\S+@h[12]\nand \d+ more pairs?: .*\nreckoned from \d+ frames in 0\.5 s$/,
    )
    await pinging
    t.equal((await h1.daemon.cli('top', '--seconds', '0')).status, 2)
  })
})
