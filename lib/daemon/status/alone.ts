import type { Millis } from '../../base/mod.ts'
import type { NodeReport } from '../../node/mod.ts'

/** Links may take so long after the start. */
const ALONE_WARNING_MS = 10_000

/** Nobody of the mesh is reached, by links or by data: all traffic to other hosts is lost. `upMs`: since the start. */
export function aloneWarnings(
  { mesh, peers, paths }: Pick<NodeReport, 'mesh' | 'peers' | 'paths'>,
  upMs: Millis,
): string[] {
  const others = peers.filter(({ info }) => info !== undefined)
  if (mesh.id === undefined || others.length === 0 || upMs < ALONE_WARNING_MS) return []
  if (others.some(({ isReachable }) => isReachable) || paths.some(({ state }) => state.kind !== 'none')) return []
  const who = others.length === 1 ? 'the other member' : `any of the ${others.length} other members`
  return [
    `this host does not reach ${who} of its mesh, so nothing gets through to containers of others: see what its links fail of with \`weave-ts status connections\`, and remove with \`weave-ts rmpeer\` who is gone for good`,
  ]
}
