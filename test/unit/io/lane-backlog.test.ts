import t from 'tap'
import { REPORT_BACKLOG_BYTES_MAX, REPORT_OVERHEAD_BYTES, ReportBacklog } from '../../../lib/io/lane-backlog.ts'

t.test('admits up to the limit and not a byte more, and again what was released', async t => {
  const lane = new ReportBacklog()
  const main = new ReportBacklog(lane.buffer)
  t.equal(lane.admit(REPORT_BACKLOG_BYTES_MAX - REPORT_OVERHEAD_BYTES + 1), false, 'more than the limit at once')
  t.equal(lane.admit(REPORT_BACKLOG_BYTES_MAX - 2 * REPORT_OVERHEAD_BYTES), true)
  t.equal(lane.admit(1), false)
  t.equal(lane.admit(0), true, 'exactly the limit')
  t.equal(lane.admit(0), false)
  main.release(0)
  t.equal(lane.admit(0), true)
})

t.test('reports without a body are bounded too', async t => {
  const backlog = new ReportBacklog()
  let admitted = 0
  while (backlog.admit(0)) admitted++
  t.equal(admitted, REPORT_BACKLOG_BYTES_MAX / REPORT_OVERHEAD_BYTES)
})
