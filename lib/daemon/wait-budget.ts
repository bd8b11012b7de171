/**
 * How long each of several requests for addresses may wait, when all together may wait `waitMs`; for each undefined, which
 * leaves it to the node, when that is. `now`: milliseconds, monotonic.
 */
export function waitBudget(waitMs: number | undefined, now = () => performance.now()): () => number | undefined {
  if (waitMs === undefined) return () => undefined
  const until = now() + waitMs
  return () => Math.max(0, Math.round(until - now()))
}
