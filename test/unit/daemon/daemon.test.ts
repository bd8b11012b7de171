import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { Daemon } from '../../../lib/daemon/daemon.ts'
import { EventBook } from '../../../lib/daemon/event-book.ts'
import { machine } from './assembly-fixture.ts'

function life(m: ReturnType<typeof machine>) {
  let end: (status: number) => void = () => undefined
  const ended = new Promise<number>(resolve => (end = resolve))
  return {
    daemon: new Daemon(m.config, { log: m.log, events: new EventBook() }, { onEnd: status => end(status) }, m.seams),
    ended,
  }
}

t.test('comes up with the steps of its start, and ends once', async t => {
  const m = machine(t)
  const { daemon, ended } = life(m)
  const steps: string[] = []
  t.strictSame(await daemon.start(step => steps.push(step)), ['new', 'mended'])
  t.strictSame(steps, [
    'looking at the host',
    'verifying the state store',
    'setting up the bridge',
    'looking at what is attached',
  ])
  await Promise.all([daemon.shutdown(0), daemon.shutdown(7)])
  t.equal(await ended, 0)
  t.equal(m.events.filter(event => event === '-lock').length, 1)
  t.notOk(m.events.includes('-host'))
  t.strictSame(
    m.logged.filter(line => line.event === 'ready' || line.event === 'stopped').map(line => line.event),
    ['ready', 'stopped'],
  )
})

t.test('a start that fails has taken back what it did', async t => {
  const m = machine(t)
  m.hooks.failing = 'serve'
  const { daemon, ended } = life(m)
  await t.rejects(
    daemon.start(() => undefined),
    { code: 'LAUNCH_FAILED' },
  )
  t.equal(m.events.at(-1), '-lock')
  await daemon.shutdown(3)
  t.equal(await ended, 3)
})

t.test('a signal while it starts ends it once the start is through', async t => {
  const m = machine(t)
  const { daemon, ended } = life(m)
  let isSignalled = false
  const starting = daemon.start(step => {
    if (step === 'setting up the bridge') {
      isSignalled = true
      void daemon.shutdown(0)
    }
  })
  await starting
  t.equal(isSignalled, true)
  t.equal(await ended, 0)
  t.strictSame(m.events.slice(-7), ['-serve', '-data plane', '-cache', '-store', '-listen', '-engine', '-lock'])
})

t.test('reset over the API ends it with all that it made on the host', async t => {
  const m = machine(t)
  const { daemon, ended } = life(m)
  await daemon.start(() => undefined)
  const context: CallContext = { signal: new AbortController().signal, afterAnswer: run => run(true) }
  await m.handlers.current?.reset({}, context)
  t.equal(await ended, 0)
  t.ok(m.events.includes('-host'))
})

t.test('a data plane that ends by itself ends it, with the reason in the log', async t => {
  const m = machine(t)
  const { daemon, ended } = life(m)
  await daemon.start(() => undefined)
  m.planes[0]?.onFailure('the device is gone')
  t.equal(await ended, 70)
  t.match(
    m.logged.find(line => line.event === 'fatal'),
    { level: 60, error: /a packet lane ended: the device is gone/ },
  )
  t.equal(m.events.at(-1), '-lock')
})
