import type { PeerId } from '../../address/mod.ts'
import type { PathView } from '../../api/mod.ts'
import type { NodeReport, PathReport } from '../../node/mod.ts'
import type { Names } from './names.ts'

/** The data paths of a report by their far ends; null where there is none. */
export function pathViews({ paths }: NodeReport, names: Names): (peer: PeerId) => PathView | null {
  const views = new Map(paths.map(path => [path.peerId, pathView(path, names)]))
  return peer => views.get(peer) ?? null
}

function pathView({ state, cipher, epochAgeMs }: PathReport, names: Names): PathView {
  return {
    kind: state.kind,
    endpoint: state.kind === 'direct' ? state.endpoint : null,
    via: state.kind === 'relayed' ? names.ref(state.via) : null,
    rttMs: state.kind === 'none' ? null : state.rttMs,
    cipher: cipher ?? null,
    keyAgeSeconds: epochAgeMs === undefined ? null : Math.floor(epochAgeMs / 1000),
    why: state.kind === 'direct' ? null : state.why,
  }
}
