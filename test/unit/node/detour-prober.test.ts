import t from 'tap'
import { parseEndpoint, peerIdFromBytes } from '../../../lib/address/mod.ts'
import { BEAT_MS, Beat } from '../../../lib/base/mod.ts'
import {
  LINK_DETOUR_AFTER_MS,
  PROBE_ANSWER_MAX_MS,
  PROBE_BUSY_MS,
  PROBE_INTERVAL_MS,
  PROBE_SUSPECT_MS,
} from '../../../lib/node/constants.ts'
import { DetourProber } from '../../../lib/node/detour-prober.ts'
import { PathSuspicion } from '../../../lib/node/path-suspicion.ts'
import { PathWay } from '../../../lib/node/path-way.ts'

const RELAY = peerIdFromBytes(new Uint8Array(16).fill(9))
const ENDPOINT = parseEndpoint('192.0.2.1:6783')!

function world(has: { relay: boolean; link: boolean }) {
  const said: string[] = []
  const way = new PathWay(3, () => undefined)
  if (has.relay) way.setVia(RELAY, 5)
  way.setLink(has.link)
  const suspicion = new PathSuspicion(() => 1)
  let isInUse = false
  const prober = new DetourProber({
    sender: { send: by => void said.push(by), wayChanged: () => undefined },
    way,
    suspicion,
    rendezvous: { call: () => void said.push('call'), handleUse: () => void said.push('busy') },
    chance: () => 0.5,
    beat: new Beat(() => 0.5),
    isInUse: () => isInUse,
    onDetour: rttMs => void said.push(`take ${way.detour} ${rttMs}`),
  })
  prober.begin(0)
  return {
    way,
    suspicion,
    prober,
    take: () => said.splice(0),
    use: (is: boolean) => {
      isInUse = is
    },
  }
}

t.test('the relay is asked at once, the link after a while, or at once where a relay was lost', t => {
  const both = world({ relay: true, link: true })
  t.equal(both.prober.probe(0), LINK_DETOUR_AFTER_MS)
  t.same(both.take(), ['relay'])
  both.prober.begin(100)
  t.equal(both.prober.probe(100), LINK_DETOUR_AFTER_MS, 'the wait goes on')
  both.take()
  both.prober.probe(LINK_DETOUR_AFTER_MS)
  t.same(both.take(), ['relay', 'link'])
  const lost = world({ relay: false, link: true })
  lost.prober.hurry(10)
  lost.prober.probe(10)
  t.same(lost.take(), ['link'])
  t.equal(world({ relay: false, link: false }).prober.probe(0), Infinity)
  t.end()
})

t.test('what answers first is taken, and the rendezvous is called; a relay is taken rather than the link', t => {
  const w = world({ relay: true, link: true })
  w.prober.handleReply('link', 20, 100)
  t.same(w.take(), ['call', 'take link 20'])
  w.prober.handleReply('link', 21, 200)
  t.same(w.take(), [], 'no news')
  w.prober.handleReply('relay', 30, 300)
  t.same(w.take(), ['call', 'take relay 30'])
  w.prober.handleReply('link', 22, 400)
  t.same(w.take(), [])
  t.end()
})

t.test('beside an endpoint that works an answer changes nothing, and calls nobody', t => {
  const w = world({ relay: true, link: true })
  w.way.goDirect(ENDPOINT, 10)
  w.prober.handleReply('relay', 30, 100)
  t.same(w.take(), [])
  t.equal(w.way.viaRttMs, 30)
  w.way.forgetAnswers()
  w.suspicion.ask(10, 200)
  w.suspicion.takeMiss(200 + PROBE_ANSWER_MAX_MS)
  w.prober.handleReply('relay', 30, 300 + PROBE_ANSWER_MAX_MS)
  t.same(w.take(), ['call'], 'it may have to be left')
  t.equal(w.suspicion.isSuspect, true, 'nor does it prove the endpoint')
  t.end()
})

t.test(
  'what frames go by is proved often while they do, and seldom else; the link is not, while a relay answers',
  t => {
    for (const by of ['relay', 'link'] as const) {
      const w = world({ relay: by === 'relay', link: true })
      w.prober.handleReply(by, 20, 0)
      w.take()
      const next = w.prober.probe(1)
      t.ok(next >= PROBE_BUSY_MS && next <= 1 + PROBE_BUSY_MS + 2 * BEAT_MS, `${next}`)
      t.same(w.take(), [])
      w.prober.probe(PROBE_INTERVAL_MS)
      t.same(w.take(), [by])
      w.suspicion.prove(PROBE_INTERVAL_MS)
      w.use(true)
      w.prober.probe(PROBE_INTERVAL_MS + 1)
      t.same(w.take(), ['busy', by])
      t.ok(w.suspicion.awaitedUntil !== undefined, 'and the answer is awaited')
    }
    t.end()
  },
)

t.test('a relay that does not answer is asked often, as is the link, which takes over if it has answered', t => {
  const w = world({ relay: true, link: true })
  w.prober.handleReply('relay', 20, 0)
  w.take()
  t.equal(w.prober.leave(), false, 'there is no other yet')
  w.suspicion.ask(20, 100)
  w.suspicion.takeMiss(100 + PROBE_ANSWER_MAX_MS)
  t.equal(w.prober.probe(2_000), 2_000 + PROBE_SUSPECT_MS)
  t.same(w.take(), ['relay', 'link'])
  w.prober.handleReply('link', 30, 2_100)
  t.same(w.take(), [], 'frames go through the relay still')
  t.equal(w.prober.hasOther, true)
  t.equal(w.prober.leave(), true)
  t.equal(w.way.detour, 'link')
  t.equal(w.suspicion.isSuspect, false)
  t.end()
})
