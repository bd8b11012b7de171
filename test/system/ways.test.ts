/**
 * A line of three hosts: a and c have no route to each other, and reach each other through b.
 *
 *     (a) ══ u2 ════ (b) ══ u100 ════ (c)
 *                                      │
 *                                     [cc]
 */
import t from 'tap'
import { PingAnswer, RoutesAnswer } from '../../lib/api/mod.ts'
import { waitFor } from '../support/testbed-command.ts'
import { launchedLine } from '../support/testbed-line.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(120_000)
const PATH_MS = 30_000
const PACE = ['--interval', '0.1']

t.test('status, ping and trace show by whom a peer is reached, and why', { skip: skipSystem }, async t => {
  const bed = new Testbed(t)
  const [a, b, c] = await launchedLine(bed)
  const peers = await Promise.all([a, b, c].map(async host => (await host.daemon.status()).peer))
  const [, mid, far] = peers as [(typeof peers)[0], (typeof peers)[0], (typeof peers)[0]]
  const routesOf = async (host: Host) =>
    RoutesAnswer.parse({ routes: await host.daemon.json('status', 'routes') }).routes
  await waitFor('a reaches c through b', PATH_MS, async () =>
    (await routesOf(a)).some(({ peer, kind }) => peer.id === far.id && kind === 'relayed'),
  )

  const [far1] = (await routesOf(a)).filter(({ peer }) => peer.id === far.id)
  t.match(far1, { via: { nickname: 'b' }, way: [{ peer: { id: mid.id } }, { peer: { id: far.id } }] })
  t.match(
    await a.daemon.say('status', 'routes'),
    /\(c\) +relayed +\w{8}\(b\) .*\(b\) > \w{8}\(c\) +not direct: no answer to UDP/,
  )

  t.match(
    await a.daemon.say('status', 'connections'),
    / relayed +encrypted, relayed by \w{8}\(b\) \S+ \w{8}\(c\): no answer to UDP probes .*; no link: /,
  )
  const pinged = (await a.daemon.json('ping', 'c', '-c', '3', ...PACE)) as { answered: number; answers: unknown[] }
  t.equal(pinged.answered, 3)
  t.match(PingAnswer.parse(pinged.answers[0]), { path: { kind: 'relayed', via: { id: mid.id } } })
  t.match(
    await a.daemon.say('ping', 'b', '-c', '1'),
    /^1: answer from \w{8}\(b\) via direct 192\.0\.2\.2:6783 in [\d.]+ ms\n---/,
  )
  const container = await bed.container('cc')
  const [address] = await c.daemon.attach(container)
  t.match(await a.daemon.say('ping', address!.split('/')[0]!, '-c', '1'), /\(c\) via relay \w{8}\(b\) in /)
  t.match(
    await c.daemon.say('trace', peers[0]!.id.slice(0, 6)),
    / 1 {2}\w{8}\(b\).*\n.*direct.*\n 2 {2}\w{8}\(a\).*\n.*relay/,
  )
  t.equal((await a.daemon.cli('ping', 'nobody')).status, 4)
  t.equal((await a.daemon.cli('ping', '10.32.200.200')).status, 4)
  t.equal((await a.daemon.cli('ping', 'a')).status, 2)

  await t.test('a peer that is gone does not answer', async t => {
    await c.daemon.kill()
    const result = await a.daemon.cli('ping', 'c', '-c', '2', ...PACE, '--timeout', '0.3')
    t.equal(result.status, 1)
    t.match(result.stdout, /1: no answer from \w{8}\(c\) via .*: \w.*2 sent, 0 answered, 100 % lost/s)
  })
})
