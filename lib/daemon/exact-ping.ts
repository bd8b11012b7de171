import type { PeerId } from '../address/mod.ts'
import { WeaveError, type Millis } from '../base/mod.ts'
import type { PingEnd } from '../node/mod.ts'
import { askNode } from './ask-node.ts'
import type { NodeRunner } from './node-runner.ts'

/**
 * One ping over the data path, with a time finer than the node's, whose clock has whole milliseconds. `exactNow`:
 * milliseconds with fractions.
 *
 * @throws WeaveError DAEMON_BUSY when there are too many
 */
export async function exactPing(
  runner: Pick<NodeRunner, 'input'>,
  peer: PeerId,
  waitMs: Millis,
  exactNow: () => number,
): Promise<{ readonly end: PingEnd; readonly rttMs: number | null }> {
  const begunAt = exactNow()
  const { end, endedAt } = await new Promise<{ end: PingEnd; endedAt: number }>((resolve, reject) => {
    const onEnd = (ended: PingEnd) => resolve({ end: ended, endedAt: exactNow() })
    try {
      const { isBegun } = askNode(runner, (node, now) => ({ isBegun: node.ping(peer, waitMs, onEnd, now) }))
      if (!isBegun) reject(tooManyPings())
    } catch (error) {
      reject(error as Error)
    }
  })
  const exactMs = endedAt - begunAt
  // One that had to wait for its path is known by the node's clock only.
  const rttMs = end.rttMs === undefined ? null : Math.abs(exactMs - end.rttMs) > 1.5 ? end.rttMs : exactMs
  return { end, rttMs }
}

/** Of all callers together: that are sent in a second, or wait for their answers. */
export function tooManyPings(): WeaveError {
  return new WeaveError('DAEMON_BUSY', 'too many pings are under way', 'try again in a moment, or ping less often')
}
