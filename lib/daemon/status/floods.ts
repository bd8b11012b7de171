import type { Flood, NodeReport } from '../../node/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** Whose broadcasts are dropped for their number, for people. */
export function floodWarnings({ parts }: Pick<NodeReport, 'parts'>, names: Names): string[] {
  const all = (parts['floods'] as readonly Flood[] | undefined) ?? []
  const lines = all.map(({ peer, by, mac }) => {
    const passed = by === peer ? '' : ` (as ${names.short(by)} passes them on)`
    return (
      `too many broadcasts and multicasts of ${names.host(peer)}${passed}, some are dropped: look for a loop or a storm at MAC address ${mac} ` +
      'there, or launch with a larger --flood-limit'
    )
  })
  return few(lines, more => `too many broadcasts and multicasts of ${more} more hosts, some are dropped`)
}
