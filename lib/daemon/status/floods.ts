import type { Flood, NodeReport } from '../../node/mod.ts'
import type { Advice } from '../../base/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** Whose broadcasts are dropped for their number, for people. */
export function floodAdvice({ parts }: Pick<NodeReport, 'parts'>, names: Names): Advice[] {
  const all = (parts['floods'] as readonly Flood[] | undefined) ?? []
  const lines = all.map(({ peer, by, mac }) => {
    const passed = by === peer ? '' : ` (as ${names.short(by)} passes them on)`
    return {
      what: `too many broadcasts and multicasts of ${names.host(peer)}${passed}, some are dropped`,
      remedy: `look for a loop or a storm at MAC address ${mac} there, or launch with a larger --flood-limit`,
    }
  })
  return few<Advice>(lines, more => ({
    what: `too many broadcasts and multicasts of ${more} more hosts, some are dropped`,
  }))
}
