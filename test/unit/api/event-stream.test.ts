import { get, type IncomingMessage } from 'node:http'
import t from 'tap'
import type { EventView } from '../../../lib/api/mod.ts'
import { EVENT_STREAM_PATH } from '../../../lib/api/constants.ts'
import { deferred, served } from './server-fixture.ts'

const event = (seq: number): EventView => ({
  ...{
    seq,
    time: `2026-01-31T12:00:0${seq}.000Z`,
    level: 'info',
    event: 'link-up',
    text: 'a\nb',
    details: { peer: 'p' },
  },
})

/** A source whose events a test tells; counts who watches. */
function source(past: EventView[]) {
  const watchers = new Set<(event: EventView) => void>()
  return {
    watchers,
    tell: (one: EventView) => watchers.forEach(watcher => watcher(one)),
    list: ({ after = 0, since = '' }: { after?: number; since?: string }) =>
      past.filter(({ seq, time }) => seq > after && time >= since),
    watch: (watcher: (event: EventView) => void) => {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
  }
}

t.test('the past and then what comes, until the daemon ends', async t => {
  const events = source([event(1), event(2), event(3)])
  const { server, client } = await served(t, () => ({}), { events })
  const heard: EventView[] = []
  const four = deferred<undefined>()
  const over = client.follow({ after: 1 }, one => {
    heard.push(one)
    if (one.seq === 3) events.tell(event(4))
    if (one.seq === 4) four.resolve(undefined)
  })
  over.catch(() => undefined)
  await four.promise
  t.strictSame(heard, [event(2), event(3), event(4)])
  await Promise.all([server.close(), t.rejects(over, { code: 'DAEMON_DOWN' })])
  t.equal(events.watchers.size, 0)
})

t.test('who has gone is not watched for any more, and no more than some at once', async t => {
  const events = source([])
  const { socketPath } = await served(t, () => ({}), { events })
  const open = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ socketPath, path: EVENT_STREAM_PATH }, resolve).on('error', reject)
    })
  const answers = await Promise.all(Array.from({ length: 17 }, open))
  t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [...Array<number>(16).fill(200), 503])
  t.equal(events.watchers.size, 16)
  for (const answer of answers) answer.destroy()
  while (events.watchers.size > 0) await new Promise(done => setImmediate(done))
  const again = await open()
  t.equal(again.statusCode, 200)
  again.destroy()
})

t.test('all that is there is told, however much, to who reads; who does not is cut off', async t => {
  const text = 'x'.repeat(4_000)
  const past = Array.from({ length: 4_000 }, (_, at) => ({ ...event(1), seq: at + 1, text }))
  const events = source(past)
  const { socketPath, client } = await served(t, () => ({}), { events })
  const all = deferred<undefined>()
  let count = 0
  client.follow({}, () => ++count === past.length && all.resolve(undefined)).catch(() => undefined)
  await all.promise
  const answer = await new Promise<IncomingMessage>(resolve => get({ socketPath, path: EVENT_STREAM_PATH }, resolve))
  answer.on('error', () => undefined)
  answer.pause()
  t.equal(events.watchers.size, 2)
  for (let i = 0; i < 20_000 && events.watchers.size > 1; i++) {
    events.tell({ ...event(1), seq: 4_001 + i, text })
    if (i % 100 === 0) await new Promise(done => setImmediate(done))
  }
  t.equal(events.watchers.size, 1, 'who reads goes on')
})

t.test('a number and a time that cannot be are refused in words', async t => {
  const { client } = await served(t, () => ({}), { events: source([]) })
  for (const given of [{ after: -1 }, { after: 1.5 }, { since: 'yesterday' }, { since: '2026-99-99T00:00:00Z' }])
    await t.rejects(
      client.follow(given, () => undefined),
      { code: 'USAGE', message: /must be/ },
    )
})
