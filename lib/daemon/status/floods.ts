import type { Flood, NodeReport } from '../../node/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** Whose broadcasts are dropped for their number, for people. */
export function floodWarnings({ parts, self }: Pick<NodeReport, 'parts' | 'self'>, names: Names): string[] {
  const all = (parts['floods'] as readonly Flood[] | undefined) ?? []
  const lines = all.map(({ peer, by, mac }) => {
    const who = peer === self.peerId ? 'this host' : names.short(peer)
    const passed = by === peer ? '' : ` (so says ${names.short(by)}, which passes them on)`
    return (
      `too many broadcasts and multicasts of ${who}${passed}, some are dropped: look for a loop or a storm at MAC address ${mac} ` +
      'there, or launch with a larger --flood-limit'
    )
  })
  return few(lines, more => `too many broadcasts and multicasts of ${more} more hosts, some are dropped`)
}
