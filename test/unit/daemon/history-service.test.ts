import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { HISTORY_STEP_MS } from '../../../lib/daemon/constants.ts'
import { HistoryService } from '../../../lib/daemon/history-service.ts'
import type { SessionTotals } from '../../../lib/overlay/mod.ts'
import { peerNumber } from '../../support/graphs.ts'

const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const [NEAR, FAR] = [peerNumber(1), peerNumber(2)]
const WALL = Date.parse('2026-01-31T12:00:00Z')

function carried(sentBytes: number, receivedBytes: number): SessionTotals {
  return { sentBytes, receivedBytes, sentDatagrams: 1, receivedDatagrams: 1 }
}

function world() {
  let now = 0
  const traffic = new Map<number, SessionTotals>()
  const states = new Map<string, object>([
    [NEAR, { kind: 'direct', endpoint: '192.0.2.1:6783', rttMs: 2 }],
    [FAR, { kind: 'none', why: 'nobody relays' }],
  ])
  const node = {
    view: {
      peerAt: (index: number) => [undefined, NEAR, FAR][index],
      nicknameOf: (id: string) => (id === NEAR ? 'near' : 'far'),
    },
    paths: { path: (id: string) => ({ state: states.get(id) }) },
  }
  const service = new HistoryService({
    runner: { node } as never,
    traffic: () => traffic,
    now: () => now,
    wallNow: () => WALL + now,
  })
  const step = (later = HISTORY_STEP_MS) => {
    now += later
    service.step()
  }
  return { service, traffic, step, ask: async () => service.calls.history({}, context) }
}

t.test('before the first step is over there is nothing to tell', async t => {
  t.strictSame(await world().ask(), {
    stepSeconds: 10,
    end: '2026-01-31T12:00:00.000Z',
    total: { inBytesPerSecond: [], outBytesPerSecond: [] },
    peers: [],
  })
})

t.test('peers are told of by name, with the round trip of the path that they have', async t => {
  const { traffic, step, ask } = world()
  traffic.set(1, carried(100, 200)).set(2, carried(10, 0)).set(9, carried(1, 1))
  step()
  t.strictSame(await ask(), {
    stepSeconds: 10,
    end: '2026-01-31T12:00:10.000Z',
    total: { inBytesPerSecond: [20], outBytesPerSecond: [11] },
    peers: [
      { id: NEAR, nickname: 'near', inBytesPerSecond: [20], outBytesPerSecond: [10], rttMs: [2] },
      { id: FAR, nickname: 'far', inBytesPerSecond: [0], outBytesPerSecond: [1], rttMs: [null] },
    ],
  })
})

t.test('an answer is given again until the next step', async t => {
  const { step, ask } = world()
  const first = await ask()
  t.equal(await ask(), first)
  step()
  const second = await ask()
  t.not(second, first)
  t.equal(await ask(), second)
})

t.test('steps are taken from the first look on, until it is stopped', async t => {
  const timers: { run: () => void; ms: number }[] = []
  let cleared: unknown
  t.intercept(globalThis, 'setInterval', {
    value: (run: () => void, ms: number) => {
      const timer = { run, ms, unref: () => timer }
      timers.push(timer)
      return timer
    },
  })
  t.intercept(globalThis, 'clearInterval', { value: (timer: unknown) => (cleared = timer) })
  const { service, traffic, ask } = world()
  await service.reconcile()
  await service.reconcile()
  t.equal(timers.length, 1)
  t.equal(timers[0]?.ms, HISTORY_STEP_MS)
  const first = await ask()
  traffic.set(1, carried(1, 1))
  timers[0]!.run()
  t.not(await ask(), first)
  await service.stop()
  t.equal(cleared, timers[0])
})
