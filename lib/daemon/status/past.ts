import type { NodeReport, PastReport } from '../../node/mod.ts'

/** What is in doubt of what this peer owns, for people. */
export function pastWarnings({ parts }: Pick<NodeReport, 'parts'>): string[] {
  const past = parts['past'] as PastReport | undefined
  if (past === undefined) return []
  const { double, isUnproved, reunion, recovered } = past
  return [
    ...(double === undefined ? [] : [`${double.text}; ${double.remedy}`]),
    ...(isUnproved ? [UNPROVED] : []),
    ...(reunion === undefined ? [] : [`no address is given: this host ${reunion}`]),
    ...(recovered === undefined ? [] : [recoveredText(recovered)]),
  ]
}

const UNPROVED =
  'started on stored state, and no other member could be asked what became of it: if that was an old backup, addresses ' +
  'may be given twice; this goes when a peer is reached'

function recoveredText({ blocks, strays }: NonNullable<PastReport['recovered']>): string {
  const have = `${blocks} address ${blocks === 1 ? 'block is' : 'blocks are'} kept back: the store does not know what was given of them`
  if (strays === undefined || strays.length === 0) return `${have}; that ends in half a minute`
  const shown = strays.slice(0, STRAYS_SHOWN_MAX).join(', ') + (strays.length > STRAYS_SHOWN_MAX ? ' and more' : '')
  return `${have}, and not which addresses these have: ${shown}; restart or remove them`
}

const STRAYS_SHOWN_MAX = 5
