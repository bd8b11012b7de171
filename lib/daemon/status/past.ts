import type { Advice } from '../../base/mod.ts'
import type { NodeReport, PastReport } from '../../node/mod.ts'

/** What is in doubt of what this peer owns, for people. */
export function pastAdvice({ parts }: Pick<NodeReport, 'parts'>): Advice[] {
  const past = parts['past'] as PastReport | undefined
  if (past === undefined) return []
  const { double } = past
  return [...(double === undefined ? [] : [{ what: double.text, remedy: double.remedy }]), ...pastDoubts(past)]
}

/** The same, but for another process with the identity. */
export function pastDoubts({ isUnproved, reunion, recovered }: PastReport): Advice[] {
  return [
    ...(isUnproved ? [{ what: UNPROVED }] : []),
    ...(reunion === undefined ? [] : [{ what: `no address is given: this host ${reunion}` }]),
    ...(recovered === undefined ? [] : [recoveredAdvice(recovered)]),
  ]
}

const UNPROVED =
  'started on stored state, and no other member could be asked what became of it: if that was an old backup, addresses ' +
  'may be given twice; this goes when a peer is reached'

function recoveredAdvice({ blocks, strays }: NonNullable<PastReport['recovered']>): Advice {
  const have = `${blocks} address ${blocks === 1 ? 'block is' : 'blocks are'} kept back: the store does not know what was given of them`
  if (strays === undefined || strays.length === 0) return { what: `${have}; that ends in half a minute` }
  const shown = strays.slice(0, STRAYS_SHOWN_MAX).join(', ') + (strays.length > STRAYS_SHOWN_MAX ? ' and more' : '')
  return { what: `${have}, and not which addresses these have: ${shown}`, remedy: 'restart or remove them' }
}

const STRAYS_SHOWN_MAX = 5
