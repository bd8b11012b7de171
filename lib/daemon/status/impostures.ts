import type { Imposture, NodeReport } from '../../node/mod.ts'
import type { Advice } from '../../base/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** Whose frames are dropped, because their source address is another's; for people. */
export function impostureAdvice({ parts }: Pick<NodeReport, 'parts'>, names: Names): Advice[] {
  const all = (parts['impostures'] as readonly Imposture[] | undefined) ?? []
  const lines = all.map(({ peer, address, owner }) => {
    const whose = owner === undefined ? 'which is not its' : `which is of ${names.short(owner)}`
    return {
      what: `frames from ${address} by ${names.short(peer)} are dropped, ${whose}`,
      remedy: 'see `weave-ts status ipam` there for what is disputed',
    }
  })
  return few<Advice>(lines, more => ({ what: `frames from ${more} more addresses are dropped` }))
}
