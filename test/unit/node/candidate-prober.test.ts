import t from 'tap'
import { parseEndpoint, type Endpoint } from '../../../lib/address/mod.ts'
import { CandidateProber } from '../../../lib/node/candidate-prober.ts'
import {
  CANDIDATES_MAX,
  PROBE_FIRST_MS,
  PROBE_INTERVAL_MS,
  PROBE_LAST_MS,
  RENDEZVOUS_ANSWER_MS,
} from '../../../lib/node/constants.ts'
import type { Detour } from '../../../lib/node/path-way.ts'

const at = (text: string) => parseEndpoint(text)!
const ONE = at('192.0.2.1:6783')
const TWO = at('192.0.2.2:6783')
const GUESS = at('203.0.113.9:40001')

/** A prober whose waits are not spread. */
function world() {
  const sent: Endpoint[] = []
  const given = {
    awaited: [] as Endpoint[],
    way: { detour: undefined as Detour | undefined },
    rendezvous: { endpoints: [] as Endpoint[], isExpected: () => isExpected },
  }
  let isExpected = false
  const prober = new CandidateProber({
    sender: {
      send: by => void sent.push(by as Endpoint),
      sendAll: endpoints => void sent.push(...endpoints),
      isAwaited: endpoint => given.awaited.includes(endpoint),
    },
    way: given.way,
    rendezvous: given.rendezvous,
    mappings: { mayProbe: endpoint => !endpoint.startsWith('127.') },
    chance: () => 0.5,
  })
  return {
    ...given,
    prober,
    take: () => sent.splice(0),
    expect: (is: boolean) => {
      isExpected = is
    },
  }
}

t.test('what the peer tells comes first, what may not be probed is left out, and there is a bound', t => {
  const { prober, rendezvous } = world()
  rendezvous.endpoints = [TWO, at('127.0.0.1:1')]
  t.equal(prober.add([ONE], [GUESS]), true)
  t.same(prober.all, [TWO, ONE, GUESS])
  t.equal(prober.add([ONE, TWO], [GUESS]), false, 'nothing new')
  const many = Array.from({ length: 2 * CANDIDATES_MAX }, (_, i) => at(`198.51.100.${i}:1`))
  t.equal(prober.add(many, many), true)
  t.equal(prober.all.length, CANDIDATES_MAX)
  t.end()
})

t.test('asks less and less often, but not as seldom while frames take a detour', t => {
  for (const [detour, lastMs] of [
    [undefined, PROBE_LAST_MS],
    ['relay', PROBE_INTERVAL_MS],
  ] as const) {
    const { prober, way, take } = world()
    way.detour = detour
    prober.add([ONE], [])
    prober.begin(0)
    const gaps: number[] = []
    for (let now = 0, i = 0; i < 12; i++) {
      const next = prober.probe(now)
      t.same(take(), [ONE])
      t.equal(prober.probe(next - 1), next, 'not before')
      t.same(take(), [])
      gaps.push(next - now)
      now = next
    }
    t.equal(gaps[0], PROBE_FIRST_MS)
    t.equal(gaps[1], Math.min(2 * PROBE_FIRST_MS, lastMs))
    t.equal(gaps.at(-1), lastMs)
    prober.begin(1_000_000)
    t.equal(prober.probe(1_000_000), 1_000_000 + PROBE_FIRST_MS, 'anew')
  }
  t.end()
})

t.test('a guess is probed after a while without any way, and beside a detour unless a rendezvous is to come', t => {
  const w = world()
  w.prober.add([ONE], [GUESS])
  const asked = (now: number) => {
    w.prober.begin(now)
    w.prober.probe(now)
    return w.take()
  }
  t.same(asked(0), [ONE])
  t.same(asked(RENDEZVOUS_ANSWER_MS - 1), [ONE])
  t.same(asked(RENDEZVOUS_ANSWER_MS), [ONE, GUESS])
  w.prober.endAlone()
  t.same(asked(RENDEZVOUS_ANSWER_MS + 1), [ONE], 'the wait begins anew')
  w.way.detour = 'relay'
  w.expect(true)
  t.same(asked(10 * RENDEZVOUS_ANSWER_MS), [ONE])
  w.expect(false)
  t.same(asked(11 * RENDEZVOUS_ANSWER_MS), [ONE, GUESS])
  w.prober.probeAll(0)
  t.same(w.take(), [ONE, GUESS])
  t.end()
})

t.test('where the peer is heard from is probed at once, unless it is asked already', t => {
  const w = world()
  w.prober.handleHeard(TWO, 0)
  t.same(w.take(), [TWO])
  t.same(w.prober.all, [TWO])
  w.awaited.push(ONE)
  w.prober.handleHeard(ONE, 1)
  t.same(w.take(), [])
  t.same(w.prober.all, [ONE, TWO], 'the newest first')
  t.same([w.prober.isHeardFrom(ONE), w.prober.isHeardFrom(TWO)], [true, false])
  t.end()
})
