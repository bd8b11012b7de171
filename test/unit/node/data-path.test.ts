import t from 'tap'
import { endpointParts } from '../../../lib/address/mod.ts'
import { encodeProbeReply } from '../../../lib/wire/mod.ts'
import { ONE, RELAY, SESSION, TWO, directPath, pathWorld } from './data-path-world.ts'

t.test('says that it waits for the session before there is one, and probes nothing', t => {
  const w = pathWorld()
  w.path.setCandidates([ONE], [], 0)
  w.path.handleTimeout(0)
  t.same(w.probesOf(w.drain()), [])
  t.same(w.path.state, { kind: 'none', why: 'waiting for the session handshake' })
  t.end()
})

t.test('probes every candidate, and takes the one that answers', t => {
  const w = pathWorld()
  w.path.setCandidates([ONE, TWO], [], 0)
  const probes = w.establish(0)
  t.same(
    probes.map(({ to }) => to),
    [ONE, TWO],
  )
  t.match(w.path.state, { kind: 'none', why: /no answer to UDP probes of 192.0.2.1:6783, 192.0.2.2:6783/ })
  const outputs = w.answer(probes[1]!.token, 25)
  t.same(w.path.state, { kind: 'direct', endpoint: TWO, rttMs: 25 })
  t.same(
    outputs.flatMap(output => (output.type === 'engine' ? [output.op.op] : [output.type])),
    ['seen', 'set-path-bytes', 'set-endpoint', 'set-via', 'changed'],
  )
  t.equal(w.path.report(25).seenAs, '192.0.2.100:6783')
  t.end()
})

t.test('follows a peer that roams, once the new address has answered, and not before', t => {
  const w = directPath()
  w.path.handleMoved(endpointParts(TWO), 100)
  const [probe] = w.probesOf(w.drain())
  t.match(w.path.state, { endpoint: ONE })
  w.path.handleMoved(endpointParts(TWO), 110)
  t.same(w.probesOf(w.drain()), [], 'one probe at a time for an address')
  const outputs = w.answer(probe!.token, 120)
  t.match(w.path.state, { kind: 'direct', endpoint: TWO, rttMs: 20 })
  t.equal(outputs.filter(({ type }) => type === 'roamed').length, 1, 'and says so')
  t.end()
})

t.test('says that this peer has moved when the remote sees it at another address, whatever the port', t => {
  const w = directPath()
  const seen = (endpoint: string) => {
    const { at, probes } = w.next()
    w.path.handleControl(SESSION, encodeProbeReply(probes[0]!.token, endpoint), endpointParts(ONE), at)
    return w.drain().filter(({ type }) => type === 'roamed').length
  }
  t.same(['192.0.2.100:6783', '192.0.2.100:7000', '192.0.2.101:6783', '192.0.2.101:6783'].map(seen), [0, 0, 1, 0])
  t.end()
})

t.test('goes through a relay once a probe made that round trip, and says why it is not direct', t => {
  const w = pathWorld()
  w.path.setCandidates([ONE], [], 0)
  w.path.setVia(RELAY, 5, 0)
  const probes = w.establish(0)
  t.equal(w.path.isUsable, false)
  w.answer(probes.find(({ to }) => to === undefined)!.token, 40)
  t.match(w.path.state, { kind: 'relayed', via: RELAY, rttMs: 40, why: /no answer to UDP probes of 192.0.2.1:6783/ })
  let later = w.next()
  while (!later.probes.some(({ to }) => to === ONE)) later = w.next()
  w.answer(later.probes.find(({ to }) => to === ONE)!.token, later.at + 3)
  t.match(w.path.state, { kind: 'direct', rttMs: 3 }, 'and leaves it for a direct path')
  t.end()
})

t.test('ends with its session', t => {
  const w = directPath()
  w.path.stop(50)
  w.drain()
  t.equal(w.path.state.kind, 'none')
  t.equal(w.path.pollTimeout(), undefined)
  t.end()
})

t.test('a size that was lost with all else while nobody answered is searched again with the first answer', t => {
  const w = directPath()
  w.answerSizes(false)
  w.path.handleLarge(600)
  let due = w.next()
  const isLost = () => w.path.report(due.at).size?.phase === 'error' && !w.path.isSound
  while (!isLost() && due.at < 4_000) due = w.next()
  t.ok(isLost())
  t.equal(w.path.isSound, false)
  w.answerSizes(true)
  while (due.probes.length === 0) due = w.next()
  w.answer(due.probes[0]!.token, due.at + 5)
  t.equal(w.path.isSound, true)
  t.equal(w.path.report(due.at).size?.phase, 'complete')
  t.end()
})
