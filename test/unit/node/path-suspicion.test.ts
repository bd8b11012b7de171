import t from 'tap'
import {
  PROBE_ANSWER_MAX_MS,
  PROBE_ANSWER_MIN_MS,
  PROBE_IDLE_MS,
  PROBE_INTERVAL_MS,
  SUSPECT_ALONE_MS,
  SUSPECT_HEARD_MS,
  SUSPECT_LASTING_MS,
  SUSPECT_RELAYED_MS,
} from '../../../lib/node/constants.ts'
import { PathSuspicion } from '../../../lib/node/path-suspicion.ts'

const NEVER = -Infinity

/** Suspected since 1,000 + PROBE_ANSWER_MIN_MS. */
function suspected() {
  const suspicion = new PathSuspicion(() => 1)
  suspicion.ask(0, 1_000)
  const since = 1_000 + PROBE_ANSWER_MIN_MS
  suspicion.takeMiss(since)
  return { suspicion, since }
}

t.test('an answer is awaited for four round trips, within bounds, and as much longer as patience says', t => {
  for (const [rttMs, patience, waitMs] of [
    [0, 1, PROBE_ANSWER_MIN_MS],
    [150, 1, 600],
    [9_000, 1, PROBE_ANSWER_MAX_MS],
    [150, 3, 1_800],
  ] as const) {
    const suspicion = new PathSuspicion(() => patience)
    suspicion.ask(rttMs, 1_000)
    t.equal(suspicion.awaitedUntil, 1_000 + waitMs)
  }
  t.end()
})

t.test('a probe more does not put off the answer that is awaited already', t => {
  const suspicion = new PathSuspicion(() => 1)
  suspicion.ask(0, 1_000)
  suspicion.ask(0, 1_200)
  t.equal(suspicion.awaitedUntil, 1_000 + PROBE_ANSWER_MIN_MS)
  t.end()
})

t.test('one answer that is missing makes a path suspect, and any answer ends that', t => {
  const suspicion = new PathSuspicion(() => 1)
  suspicion.ask(0, 1_000)
  t.equal(suspicion.takeMiss(1_000 + PROBE_ANSWER_MIN_MS - 1), false)
  t.equal(suspicion.isSuspect, false)
  t.equal(suspicion.takeMiss(1_000 + PROBE_ANSWER_MIN_MS), true)
  t.equal(suspicion.takeMiss(1_000 + PROBE_ANSWER_MIN_MS), false, 'it is said once')
  t.equal(suspicion.isSuspect, true)
  suspicion.prove(2_000)
  t.equal(suspicion.isSuspect, false)
  t.equal(suspicion.provedAgoMs(2_500), 500)
  t.end()
})

t.test('a suspicion is lasting after SUSPECT_LASTING_MS, which is said once', t => {
  const { suspicion, since } = suspected()
  t.equal(suspicion.takeLasting(since + SUSPECT_LASTING_MS - 1), false)
  t.equal(suspicion.isLasting, false)
  t.equal(suspicion.takeLasting(since + SUSPECT_LASTING_MS), true)
  t.equal(suspicion.isLasting, true)
  t.equal(suspicion.takeLasting(since + SUSPECT_LASTING_MS), false)
  suspicion.clear()
  t.equal(suspicion.isLasting, false)
  t.end()
})

t.test('is over soon beside another way, later alone, and last while the peer is heard', t => {
  const { suspicion, since } = suspected()
  for (const [hasOther, isHeard, limitMs] of [
    [true, false, SUSPECT_RELAYED_MS],
    [true, true, SUSPECT_RELAYED_MS],
    [false, false, SUSPECT_ALONE_MS],
    [false, true, SUSPECT_HEARD_MS],
  ] as const) {
    const at = since + limitMs
    t.equal(suspicion.isOver(hasOther, isHeard ? at - 1 : NEVER, at - 1), false)
    t.equal(suspicion.isOver(hasOther, isHeard ? at : NEVER, at), true)
  }
  suspicion.clear()
  t.equal(suspicion.isOver(true, NEVER, 1e6), false, 'what is not suspected is not over')
  t.end()
})

t.test('time that this process was not there does not count', t => {
  const { suspicion, since } = suspected()
  suspicion.forgive(10_000)
  t.equal(suspicion.isOver(false, NEVER, since + SUSPECT_ALONE_MS + 9_999), false)
  t.equal(suspicion.isOver(false, NEVER, since + SUSPECT_ALONE_MS + 10_000), true)
  const asked = new PathSuspicion(() => 1)
  asked.ask(0, 1_000)
  asked.forgive(10_000)
  t.equal(asked.awaitedUntil, 11_000 + PROBE_ANSWER_MIN_MS)
  t.end()
})

t.test('a path without frames rests until neither side proved it lately, or this one not for twice as long', t => {
  const suspicion = new PathSuspicion(() => 1)
  suspicion.prove(10_000)
  t.equal(suspicion.mayRest(10_000, 10_000 + PROBE_INTERVAL_MS - 1), false, 'it was used a moment ago')
  t.equal(suspicion.mayRest(10_000, 10_000 + PROBE_IDLE_MS - 1), true)
  t.equal(suspicion.mayRest(10_000, 10_000 + PROBE_IDLE_MS), false)
  suspicion.probed(10_000 + PROBE_IDLE_MS)
  t.equal(suspicion.mayRest(10_000, 10_000 + 2 * PROBE_IDLE_MS - 1), true)
  suspicion.probed(10_000 + 2 * PROBE_IDLE_MS)
  t.equal(suspicion.mayRest(10_000, 10_000 + 2 * PROBE_IDLE_MS), false)
  t.equal(suspected().suspicion.mayRest(0, 1e6), false, 'what is suspect does not')
  t.end()
})
