/**
 * What happened on a host, as commands tell it: who asked for what, over restarts, and as it comes.
 *
 *     [c1]
 *      │
 *     (h1) ═══ u2 ═══ (h2)      192.0.2.0/24
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { EventView } from '../../lib/api/mod.ts'
import { waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host, type Namespace } from '../support/testbed.ts'

t.setTimeout(120_000)
const BIN = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))
const SOON_MS = 20_000

t.test('events are told, followed, and kept over a restart', { skip: skipSystem, timeout: 110_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  await h1.daemon.launch([], { passwordFile })
  const events = async (...args: string[]) => (await h1.daemon.json('events', ...args)) as EventView[]

  const follower = spawn(process.execPath, [BIN, 'events', '--follow', '--json', '--state-dir', h1.daemon.stateDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.teardown(() => follower.kill('SIGKILL'))
  let text = ''
  follower.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const followed = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as EventView)
  const hears = (kind: string) => waitFor(kind, SOON_MS, () => followed().find(({ event }) => event === kind))
  await hears('ready')

  await h2.daemon.launch([h1.address], { passwordFile })
  await meshed([h1, h2])
  t.match(await hears('link-up'), { details: { nickname: 'h2' } })
  t.ok((await events()).some(({ event }) => event === 'mesh-founded'))

  await t.test('who asked for a change is told with it', async t => {
    const [c1] = (await bed.containers('c1')) as [Namespace]
    await h1.daemon.attach(c1)
    t.equal((await h1.daemon.cli('attach', '10.99.0.1/24', 'netns:none')).status, 4)
    const asked = (await events()).filter(({ event }) => event === 'asked')
    t.match(asked.at(-2), {
      text: 'attach: done',
      details: { call: 'attach', outcome: 'done', by: { uid: 0 }, request: { target: `netns:${c1.name}` } },
    })
    t.match(asked.at(-1), { text: 'attach: refused: TARGET_NOT_FOUND', details: { by: { uid: 0 } } })
    t.notOk(asked.some(({ details }) => ['status', 'ping', 'events'].includes(String(details['call']))))
    t.match(await h1.daemon.say('events', '--limit', '1'), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d asked .* by uid 0/)
  })

  await t.test('they go on over a restart, and so does who follows', async t => {
    const last = (await events()).at(-1)!.seq
    await h1.daemon.say('stop')
    await h1.daemon.launch([], { passwordFile })
    const all = await events()
    t.ok(all.some(({ seq, event }) => seq > last && event === 'stopped'))
    t.ok(all.some(({ seq, event }) => seq > last && event === 'ready'))
    const newest = all.at(-1)!.seq
    await waitFor('what came after the restart', SOON_MS, () => followed().some(({ seq }) => seq >= newest))
    t.strictSame(
      followed().map(({ seq }) => seq),
      (await events('--limit', '4096')).map(({ seq }) => seq),
      'each once, in order, none left out',
    )
    t.strictSame(await events('--since', '2999-01-01'), [])
  })
})
