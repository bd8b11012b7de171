import t from 'tap'
import type { CallContext, Whereabouts } from '../../../lib/api/mod.ts'
import { TopService } from '../../../lib/daemon/top-service.ts'
import type { FrameTally } from '../../../lib/overlay/mod.ts'
import { nodeReport } from '../../support/node-reports.ts'

const WEB: Whereabouts = {
  ...{
    container: 'netns:a',
    addresses: ['10.32.0.1'],
    names: ['web.weave.local.'],
    isReachable: true,
    isPlugged: true,
  },
  peer: { id: 'p', nickname: 'n' },
}
const NOBODY = { container: null, names: [], peer: null }
const talk = (source: string, bytes: number, isInward = false) => ({
  ...{ source, destination: '224.0.0.251', isInward, bytes, frames: bytes / 100 },
})

/** A service on a data plane with one tally, whose clock moves as told while it waits. */
function service(tally: FrameTally | undefined, tookMs = 2_000) {
  let now = 0
  const waited: number[] = []
  const { calls, stop } = Object.assign(
    new TopService({
      runner: { report: () => nodeReport({}) },
      plane: { sample: () => (tally === undefined ? undefined : { end: () => Promise.resolve(tally) }) },
      whereabouts: { told: address => (address === '10.32.0.1' ? WEB : undefined) },
      exactNow: () => now,
      wait: async ms => {
        waited.push(ms)
        now += tookMs
      },
    }),
  )
  const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
  return { top: async (limit = 20) => calls.top({ seconds: 2, limit }, context), waited, stop }
}

t.test('pairs come with rates and names, the busiest first', async t => {
  const { top, waited } = service({
    talks: [talk('10.32.0.9', 1_000), talk('10.32.0.1', 4_000, true)],
    others: { frames: 0, bytes: 0 },
    seen: 7,
  })
  const answer = await top()
  t.strictSame(waited, [2_000])
  t.strictSame(answer, {
    ...{ seconds: 2, framesSeen: 7, others: { pairs: 0, bytesPerSecond: 0, framesPerSecond: 0 } },
    talks: [
      {
        source: { address: '10.32.0.1', container: 'netns:a', names: ['web.weave.local.'], peer: WEB.peer },
        destination: { address: '224.0.0.251', ...NOBODY },
        ...{ direction: 'in', bytesPerSecond: 2_000, framesPerSecond: 20 },
      },
      {
        source: { address: '10.32.0.9', ...NOBODY },
        destination: { address: '224.0.0.251', ...NOBODY },
        ...{ direction: 'out', bytesPerSecond: 500, framesPerSecond: 5 },
      },
    ],
  })
})

t.test('what is not told is summed up, and rates are of the time that it took', async t => {
  const { top } = service(
    { talks: [1, 2, 3].map(n => talk(`10.32.9.${n}`, n * 1_000)), others: { frames: 10, bytes: 500 }, seen: 1 },
    4_000,
  )
  const { talks, others, seconds } = await top(1)
  t.strictSame([seconds, talks.length, talks[0]!.bytesPerSecond], [4, 1, 750])
  t.strictSame(others, { pairs: 2, bytesPerSecond: 3_500 / 4, framesPerSecond: 10 })
})

t.test('when enough look already, it says so', async t => {
  await t.rejects(service(undefined).top(), { code: 'DAEMON_BUSY' })
})

t.test('a caller who has gone, and the end of the daemon, end the wait', async t => {
  for (const end of ['caller', 'daemon']) {
    const tally = { talks: [], others: { frames: 0, bytes: 0 }, seen: 0 }
    let ended = 0
    const one = new TopService({
      runner: { report: () => nodeReport({}) },
      plane: { sample: () => ({ end: async () => (ended++, tally) }) },
      whereabouts: { told: () => undefined },
    })
    const caller = new AbortController()
    const asked = one.calls.top({ seconds: 60, limit: 1 }, { signal: caller.signal, afterAnswer: () => undefined })
    if (end === 'caller') caller.abort()
    else await one.stop()
    t.ok((await asked).seconds < 30, end)
    t.equal(ended, 1, 'and the sample')
  }
})
