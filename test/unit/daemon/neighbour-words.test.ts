import t from 'tap'
import { endpointOf } from '../../../lib/address/mod.ts'
import { CHECKS_KEPT_MS } from '../../../lib/daemon/constants.ts'
import { NeighbourWords } from '../../../lib/daemon/neighbour-words.ts'
import type { CheckResult } from '../../../lib/wire/mod.ts'
import { peerNumber } from '../../support/graphs.ts'

const ENDPOINT = endpointOf(Uint8Array.of(192, 0, 2, 7), 6783)

/** Three neighbours, the last of which dialled this host and does not answer. */
function setUp(wall: () => number) {
  const clock = { now: 0 }
  const asked: string[] = []
  const answers: (() => void)[] = []
  const node = {
    neighbours: { neighbours: [1, 2, 3].map(n => ({ peerId: peerNumber(n), isOutbound: n < 3 })) },
    view: { nicknameOf: (id: string) => `n-${id}` },
    check: (peer: string, subject: string, _waitMs: number, onEnd: (result: CheckResult | undefined) => void) => {
      const number = [1, 2, 3].find(n => peerNumber(n) === peer)!
      asked.push(`${subject} ${number}`)
      const result: CheckResult | undefined =
        number === 3
          ? undefined
          : subject === 'clock'
            ? { subject, timeMs: 1_000 * number }
            : { subject: 'dialBack', endpoint: ENDPOINT, why: number === 1 ? undefined : 'ECONNREFUSED' }
      answers.push(() => onEnd(result))
      return true
    },
  }
  const runner = { node, input: (give: (it: typeof node, now: number) => unknown) => give(node, clock.now) } as never
  const words = new NeighbourWords({ runner, now: () => clock.now, wallNow: wall })
  return { words, asked, answers, clock }
}

t.test('all are asked for their clocks, those that were dialled to dial back; who is silent is left out', async t => {
  const times = [500, 500, 500]
  const { words, asked, answers } = setUp(() => times.shift() ?? 520)
  const told = words.ask()
  const again = words.ask()
  for (const answer of answers) answer()
  t.strictSame(await told, await again)
  t.strictSame(asked.sort(), ['clock 1', 'clock 2', 'clock 3', 'dialBack 1', 'dialBack 2'])
  const { clocks, dialBacks } = await told
  t.match(clocks, [
    { aheadMs: 490, withinMs: 10 },
    { aheadMs: 1_490, withinMs: 10 },
  ])
  t.match(dialBacks, [
    { endpoint: ENDPOINT, why: null },
    { endpoint: ENDPOINT, why: 'ECONNREFUSED' },
  ])
})

t.test('what they said holds for a moment', async t => {
  const { words, asked, answers, clock } = setUp(() => 0)
  const ask = async () => {
    const told = words.ask()
    for (const answer of answers.splice(0)) answer()
    await told
  }
  await ask()
  clock.now = CHECKS_KEPT_MS - 1
  await ask()
  t.equal(asked.length, 5)
  clock.now = CHECKS_KEPT_MS
  await ask()
  t.equal(asked.length, 10)
})
