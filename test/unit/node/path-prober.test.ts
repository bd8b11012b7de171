import t from 'tap'
import { endpointParts, parseEndpoint } from '../../../lib/address/mod.ts'
import { BEAT_MS } from '../../../lib/base/mod.ts'
import {
  CANDIDATES_MAX,
  FOLLOW_GAP_MS,
  PROBE_ANSWER_MIN_MS,
  PROBE_BUSY_MS,
  PROBE_IDLE_MS,
  PROBE_INTERVAL_MS,
  PROBE_LAST_MS,
  RENDEZVOUS_ANSWER_MS,
  RENDEZVOUS_PROBES,
  SUSPECT_ALONE_MS,
  SUSPECT_RELAYED_MS,
} from '../../../lib/node/constants.ts'
import type { DataPathOutput } from '../../../lib/node/path-state.ts'
import { VIA_LINK } from '../../../lib/overlay/mod.ts'
import { PORT_MAPPING, encodeProbe, encodeProbeReply, encodeRendezvous } from '../../../lib/wire/mod.ts'
import { ONE, RELAY, SESSION, TWO, directPath, pathWorld } from './data-path-world.ts'

t.test('an answer that nobody asked for, or a second one, changes nothing', t => {
  const w = pathWorld()
  w.path.setCandidates([ONE], [], 0)
  const [probe] = w.establish(0)
  t.same(w.answer((probe!.token + 1) >>> 0, 5), [])
  t.equal(w.path.state.kind, 'none')
  w.answer(probe!.token, 5)
  t.same(w.answer(probe!.token, 6), [])
  t.end()
})

t.test('asks less and less often while nobody answers', t => {
  const w = pathWorld()
  w.path.setCandidates([ONE], [], 0)
  w.establish(0)
  const gaps: number[] = []
  for (let last = 0, i = 0; i < 12; i++) {
    const due = w.next()
    gaps.push(due.at - last)
    last = due.at
  }
  t.ok(gaps[0]! <= 250 && gaps.at(-1)! >= PROBE_LAST_MS * 0.75 && gaps.at(-1)! <= PROBE_LAST_MS * 1.25, gaps.join())
  t.end()
})

t.test('keeps probing a proved path; single losses do not end it, enough in a row do', t => {
  const w = directPath()
  const { at, probes } = w.next()
  t.ok(at >= PROBE_BUSY_MS && at <= PROBE_BUSY_MS + BEAT_MS + 10)
  t.equal(probes.length, 1)
  const again = w.next()
  t.equal(again.at, at + PROBE_ANSWER_MIN_MS, 'a miss is asked about at once')
  w.answer(again.probes[0]!.token, again.at + 5)
  t.equal(w.path.state.kind, 'direct')
  let misses = 0
  let outputs: readonly DataPathOutput[] = []
  let begunAt: number | undefined
  for (let at = 0; w.path.state.kind === 'direct' && misses < 50; misses++) {
    const due = w.next()
    begunAt ??= due.at
    at = due.at
    outputs = due.outputs
    t.ok(at - begunAt <= SUSPECT_ALONE_MS + 2 * PROBE_ANSWER_MIN_MS)
  }
  t.equal(w.path.state.kind, 'none')
  t.match(outputs, [
    { op: { op: 'set-endpoint', endpoint: undefined } },
    { op: { op: 'set-via', viaIndex: -1 } },
    { type: 'changed' },
    { type: 'note', text: /192.0.2.1:6783 does not answer any more/ },
  ])
  t.end()
})

/** When a path that carries nothing is probed from here; `onLook` is told of each time that it was looked. */
function idleProbes(w: ReturnType<typeof directPath>, untilMs: number, onLook: (at: number) => void = () => undefined) {
  const sentAt: number[] = []
  for (let due = w.next(true); due.at < untilMs; due = w.next(true)) {
    for (const probe of due.probes) {
      // A new path counts as wanted at first.
      if (due.at > 2 * PROBE_INTERVAL_MS) sentAt.push(due.at)
      w.answer(probe.token, due.at + 5)
    }
    onLook(due.at)
  }
  return sentAt
}

const gapsOf = (times: readonly number[]) => times.slice(1).map((at, i) => at - times[i]!)

t.test('an answer from another address does not stand in for one over the path', t => {
  const w = directPath([ONE, TWO])
  let at = 0
  for (let steps = 0; steps < 200 && w.path.state.kind === 'direct' && w.path.state.endpoint === ONE; steps++) {
    const due = w.next()
    at = due.at
    // Whatever is asked of the other address is answered at once; the path itself is dead.
    w.path.handleMoved(endpointParts(TWO), at)
    for (const probe of w.probesOf(w.drain()).concat(due.probes))
      if (probe.to === TWO) {
        w.path.handleControl(SESSION, encodeProbeReply(probe.token, '192.0.2.100:6783'), endpointParts(TWO), at)
        w.drain()
      }
  }
  t.match(w.path.state, { kind: 'direct', endpoint: TWO })
  t.ok(at <= 3 * PROBE_BUSY_MS, `${at} ms`)
  t.end()
})

t.test('a path that works follows its peer to another address at once, and then not for a while', t => {
  const w = directPath([ONE, TWO])
  const changes: number[] = []
  for (let at = 2_000, before = ONE; at < 20_000; at += 10) {
    // The remote has two addresses, and sends from whichever is not the path here.
    w.path.handleTimeout(at)
    w.path.handleMoved(endpointParts(before === ONE ? TWO : ONE), at)
    for (const { token, to } of w.probesOf(w.drain()))
      w.path.handleControl(SESSION, encodeProbeReply(token, '192.0.2.100:6783'), endpointParts(parseEndpoint(to!)!), at)
    w.drain()
    const { state } = w.path
    if (state.kind !== 'direct' || state.endpoint === before) continue
    before = state.endpoint
    changes.push(at)
  }
  t.equal(changes[0], 2_000)
  for (const gap of gapsOf(changes)) t.ok(gap >= FOLLOW_GAP_MS, `${gap} ms`)
  t.ok(new Set(gapsOf(changes)).size > 1, 'each time for another while')
  t.end()
})

t.test('a path that carries no frames is proved seldom, and one that does at once often again', t => {
  const w = directPath()
  const times = idleProbes(w, 300_000)
  const longest = PROBE_IDLE_MS + 2 * PROBE_BUSY_MS
  for (const gap of gapsOf(times)) t.ok(gap >= PROBE_IDLE_MS && gap <= longest, `${gap} ms`)
  t.ok(times.length >= Math.floor((300_000 - 3 * PROBE_IDLE_MS) / longest))
  t.equal(w.next().probes.length, 1)
  t.end()
})

t.test('a path that carries frames is proved on each beat, however late each one is heard', t => {
  const w = directPath()
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    const due = w.next(false, i % 7)
    times.push(due.at)
    for (const probe of due.probes) w.answer(probe.token, due.at + 2)
  }
  for (const gap of gapsOf(times)) t.ok(gap < BEAT_MS + 7, `${gap} ms`)
  t.end()
})

t.test('the size of a path is checked while it carries frames, and not at rest', t => {
  const w = directPath()
  idleProbes(w, 60_000)
  const atRest = w.sizeProbesSent()
  idleProbes(w, 600_000)
  t.equal(w.sizeProbesSent(), atRest)
  for (let i = 0; i < 30; i++) {
    const due = w.next()
    for (const probe of due.probes) w.answer(probe.token, due.at + 5)
  }
  t.ok(w.sizeProbesSent() >= atRest + 3, `${w.sizeProbesSent() - atRest} probes in ${30 * PROBE_BUSY_MS} ms`)
  t.end()
})

t.test('probes of the far side spare an idle path half of the own ones, and no more', t => {
  const w = directPath()
  const times = idleProbes(w, 300_000, at => {
    w.path.handleControl(SESSION, encodeProbe(at), endpointParts(ONE), at + 1)
    w.drain()
  })
  const longest = 2 * PROBE_IDLE_MS + 2 * PROBE_BUSY_MS
  for (const gap of gapsOf(times)) t.ok(gap >= 2 * PROBE_IDLE_MS && gap <= longest, `${gap} ms`)
  t.ok(times.length >= Math.floor((300_000 - 3 * PROBE_IDLE_MS) / longest))
  t.end()
})

t.test('answers a probe to where it came from, and looks whether that address is a path', t => {
  const w = directPath()
  w.path.handleControl(SESSION, encodeProbe(123), endpointParts(TWO), 100)
  const outputs = w.drain()
  t.match(outputs[0], {
    type: 'engine',
    op: { op: 'send-control', receiverIndex: SESSION, endpoint: endpointParts(TWO) },
  })
  t.same(
    w.probesOf(outputs).map(({ to }) => to),
    [TWO],
  )
  t.end()
})

t.test('a late answer of another candidate does not move a working path', t => {
  const w = pathWorld()
  w.path.setCandidates([ONE, TWO], [], 0)
  const probes = w.establish(0)
  w.answer(probes[0]!.token, 10)
  w.answer(probes[1]!.token, 30)
  t.match(w.path.state, { endpoint: ONE })
  t.end()
})

/** A direct path with a relay beside it, of which a probe over the path was not answered. */
function suspect() {
  const w = directPath()
  w.path.setVia(RELAY, 5, 20)
  t.equal(w.path.isSound, true)
  const asked = w.next()
  const missed = w.next()
  t.equal(w.path.isSound, false)
  return { w, asked, missed }
}

const viasOf = (outputs: readonly DataPathOutput[]) =>
  outputs.flatMap(output => (output.type === 'engine' && output.op.op === 'set-via' ? [output.op.viaIndex] : []))

t.test('a path that does not answer is asked through a relay too, which takes over, and nothing is down', t => {
  const { w, asked, missed } = suspect()
  t.same(viasOf(missed.outputs), [5, -1], 'one probe takes the detour, frames stay')
  w.answer(missed.probes.find(({ to }) => to === undefined)!.token, missed.at + 9)
  t.equal(w.path.state.kind, 'direct', 'one miss is not enough')
  let last = missed
  while (w.path.state.kind === 'direct') last = w.next()
  t.match(w.path.state, { kind: 'relayed', via: RELAY, rttMs: 9 })
  t.ok(last.at - asked.at <= PROBE_ANSWER_MIN_MS + SUSPECT_RELAYED_MS + 400, `${last.at - asked.at} ms`)
  t.same(viasOf(last.outputs), [5])
  t.notOk(last.outputs.some(({ type }) => type === 'down'))
  t.end()
})

t.test('an answer over the path ends the suspicion, whatever the relay says', t => {
  const { w, missed } = suspect()
  w.answer(missed.probes.find(({ to }) => to === undefined)!.token, missed.at + 9)
  const again = w.next()
  w.answer(again.probes.find(({ to }) => to === ONE)!.token, again.at + 9)
  t.equal(w.path.isSound, true)
  for (let i = 0; i < 20; i++) {
    const due = w.next()
    for (const probe of due.probes) w.answer(probe.token, due.at + 5)
    t.same(viasOf(due.outputs), [], 'no detours any more')
  }
  t.match(w.path.state, { kind: 'direct', endpoint: ONE })
  t.end()
})

t.test('a probe that came through a relay is answered through one, and the path is proved anew', t => {
  const w = directPath()
  w.path.setVia(RELAY, 5, 20)
  w.path.handleControl(SESSION, encodeProbe(123), undefined, 600)
  const outputs = w.drain()
  t.same(viasOf(outputs), [5, -1])
  t.same(
    w.probesOf(outputs).map(({ to }) => to),
    [ONE],
  )
  t.end()
})

t.test('where the relay is none any more the link is tried at once', t => {
  const w = pathWorld()
  w.path.setVia(RELAY, 5, 0)
  w.path.setLink(true, 0)
  w.establish(0)
  w.path.setVia(undefined, -1, 100)
  w.path.handleTimeout(100)
  t.ok(viasOf(w.drain()).includes(VIA_LINK))
  t.end()
})

t.test('probes a bounded number of candidates', t => {
  const w = pathWorld()
  for (let i = 0; i < 5; i++)
    w.path.setCandidates(
      Array.from({ length: 40 }, (_, n) => parseEndpoint(`198.51.${i}.${n}:1`)!),
      [],
      0,
    )
  t.equal(w.establish(0).length, CANDIDATES_MAX)
  t.end()
})

t.test('probes where a peer says that it is seen, five times, and nothing that is no other host', t => {
  const w = pathWorld()
  w.path.setCandidates([ONE], [], 0)
  w.establish(0)
  const bad = ['127.0.0.1:1', '169.254.169.254:80', '10.32.0.1:6783', '[::1]:1', '224.0.0.1:1']
  const endpoints = ['203.0.113.9:40001', ...bad].map(text => parseEndpoint(text)!)
  const body = encodeRendezvous({ isGo: true, mapping: PORT_MAPPING.changed, endpoints })
  w.path.handleControl(SESSION, body, undefined, 0)
  const sent: (string | undefined)[] = []
  for (let due = w.next(); due.at < 2_000; due = w.next()) sent.push(...due.probes.map(({ to }) => to))
  t.equal(sent.filter(to => to === '203.0.113.9:40001').length, RENDEZVOUS_PROBES)
  t.same(
    sent.filter(to => bad.includes(String(to))),
    [],
  )
  w.path.handleControl(SESSION, body, undefined, 2_000)
  t.end()
})

t.test('what others guess of a peer is probed also where a relay is known that does not answer', t => {
  const w = pathWorld()
  w.path.setVia(RELAY, 4, 0)
  w.path.setCandidates([ONE], [TWO], 0)
  t.notOk(w.establish(0).some(({ to }) => to === TWO))
  const at: number[] = []
  for (let due = w.next(); due.at < 10_000; due = w.next())
    for (const { to } of due.probes) if (to === TWO) at.push(due.at)
  t.ok(at.length > 0 && at[0]! >= RENDEZVOUS_ANSWER_MS && at[0]! <= 3 * RENDEZVOUS_ANSWER_MS, at.join())
  t.end()
})

t.test('what others guess of a peer is left to a rendezvous while a relay may call one, and probed without', t => {
  const guess = '203.0.113.9:6783'
  for (const hasRelay of [true, false]) {
    const w = pathWorld()
    w.path.setVia(hasRelay ? RELAY : undefined, hasRelay ? 4 : -1, 0)
    w.path.setCandidates([ONE], [parseEndpoint(guess)!], 0)
    const sent = w.establish(0).map(({ to }) => to)
    t.notOk(sent.includes(guess), 'not at once')
    if (hasRelay) {
      const relayed = w.establish(0).find(({ to }) => to === undefined)
      w.path.handleControl(SESSION, encodeProbeReply(relayed!.token, ''), undefined, 20)
      w.path.handleControl(SESSION, encodeRendezvous({ isGo: false, mapping: 0, endpoints: [] }), undefined, 40)
    }
    const probes: { readonly at: number; readonly to: string | undefined }[] = []
    // Until the relay, which answers no more, is given up.
    for (let due = w.next(); due.at < 6_000; due = w.next())
      probes.push(...due.probes.map(({ to }) => ({ at: due.at, to })))
    const at = probes.filter(({ to }) => to === guess).map(one => one.at)
    t.ok(at.length > 0, 'in the end')
    if (hasRelay) t.equal(at.length, 2 * RENDEZVOUS_PROBES, 'in two rounds')
    else t.ok(at[0]! >= RENDEZVOUS_ANSWER_MS, `at ${at[0]}`)
  }
  t.end()
})
