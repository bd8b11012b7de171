import { counted, type Millis } from '../../base/mod.ts'
import type { NodeReport, OwnRemoval } from '../../node/mod.ts'
import type { Names } from './names.ts'

/** Whoever looks later finds it among the events. */
const OWN_REMOVAL_SHOWN_MS = 60 * 60 * 1000

/** That this host was removed while nobody reached it, and by whom. */
export function ownRemovalWarnings({ parts }: Pick<NodeReport, 'parts'>, names: Names, now: Millis): string[] {
  return ((parts['addresses'] ?? []) as readonly OwnRemoval[])
    .filter(({ heardAt }) => now - heardAt < OWN_REMOVAL_SHOWN_MS)
    .map(({ author, blocks, heardAt }) => {
      const minutes = Math.floor((now - heardAt) / 60_000)
      const heard = minutes === 0 ? 'less than a minute ago' : `${counted(minutes, 'minute')} ago`
      const what = `${counted(blocks, 'address block')} of it ${blocks === 1 ? 'is' : 'are'} that one's`
      return (
        `this host was removed by ${names.short(author)} (rmpeer) while it was not reached, as it heard ${heard}: ${what} now; ` +
        'it is a member again, and an address that containers here had of them is borrowed, or disputed (`weave-ts status ipam`)'
      )
    })
}
