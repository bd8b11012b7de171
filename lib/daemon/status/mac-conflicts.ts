import type { MacConflict, NodeReport } from '../../node/mod.ts'
import type { Advice } from '../../base/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** Which MAC addresses are in use on two hosts, whose frames are dropped, and what to do; for people. */
export function macConflictAdvice({ parts }: Pick<NodeReport, 'parts'>, names: Names): Advice[] {
  const all = (parts['macConflicts'] as readonly MacConflict[] | undefined) ?? []
  const lines = all.map(({ mac, keptAt, droppedAt }) => {
    const [first, second] = [names.host(keptAt), names.host(droppedAt)]
    return {
      what: `MAC address ${mac} is in use on ${first} and on ${second}: ${first} keeps it, frames with it of ${second} are dropped`,
      remedy: 'give one of the two containers another one (docker run --mac-address, ip link set dev … address …)',
    }
  })
  return few<Advice>(lines, more => ({ what: `${more} more MAC addresses are in use twice` }))
}
