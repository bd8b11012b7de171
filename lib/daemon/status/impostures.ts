import type { Imposture, NodeReport } from '../../node/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** Whose frames are dropped, because their source address is another's; for people. */
export function impostureWarnings({ parts }: Pick<NodeReport, 'parts'>, names: Names): string[] {
  const all = (parts['impostures'] as readonly Imposture[] | undefined) ?? []
  const lines = all.map(({ peer, address, owner }) => {
    const whose = owner === undefined ? 'which is not its' : `which is of ${names.short(owner)}`
    return `frames from ${address} by ${names.short(peer)} are dropped, ${whose}: see \`weave-ts status ipam\` there for what is disputed`
  })
  return few(lines, more => `frames from ${more} more addresses are dropped`)
}
