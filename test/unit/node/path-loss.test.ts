import t from 'tap'
import { LOSS_PROBES_MAX, LOSS_PROBES_MIN, LOSS_SPAN_MS, PROBE_ANSWER_MAX_MS } from '../../../lib/node/constants.ts'
import { PathLoss } from '../../../lib/node/path-loss.ts'

const GAP_MS = 1_000

/** Sends so many, of which each n-th is lost. */
function run(loss: PathLoss, probes: number, lostEvery: number, from = 0): number {
  for (let i = 0; i < probes; i++) loss.add(from + i * GAP_MS).isAnswered = (i + 1) % lostEvery !== 0
  return from + probes * GAP_MS
}

t.test('says which part of the last minute was lost, and nothing of too few', t => {
  const loss = new PathLoss()
  t.equal(loss.percent(0), undefined)
  const now = run(loss, LOSS_PROBES_MIN - 1, 5)
  t.equal(loss.percent(now + PROBE_ANSWER_MAX_MS), undefined)
  const later = run(loss, 20, 5, LOSS_SPAN_MS * 2)
  t.equal(loss.percent(later), 20)
  t.equal(loss.percent(later + LOSS_SPAN_MS), undefined, 'what is older says nothing')
  loss.clear()
  t.equal(loss.percent(later), undefined)
  t.end()
})

t.test('does not count what may be answered yet', t => {
  const loss = new PathLoss()
  const now = run(loss, 20, Infinity)
  loss.add(now)
  t.equal(loss.percent(now), 0)
  t.equal(loss.percent(now + PROBE_ANSWER_MAX_MS), 5)
  t.end()
})

t.test('remembers the newest ones only', t => {
  const loss = new PathLoss()
  for (let i = 0; i < 5 * LOSS_PROBES_MAX; i++) loss.add(0)
  for (let i = 0; i < LOSS_PROBES_MAX; i++) loss.add(1).isAnswered = true
  t.equal(loss.percent(2), 0)
  t.end()
})
