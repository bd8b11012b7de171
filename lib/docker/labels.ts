import { WeaveError } from '../base/mod.ts'
import { LABEL_CHARACTERS_MAX, LABEL_WORDS_MAX } from './limits.ts'

/** A container that bears it is attached when it starts: its value says with which addresses. */
export const ATTACH_LABEL = 'weave-ts.attach'

/**
 * The addresses that the label asks for, as `attach` takes them: several are separated by spaces or commas; none is one
 * of the default subnet. Undefined: no label. Fails with BAD_ADDRESS.
 */
export function addressesOfLabel(labels: Readonly<Record<string, string>>): string[] | undefined {
  if (!Object.hasOwn(labels, ATTACH_LABEL)) return undefined
  const value = labels[ATTACH_LABEL]!
  const words = value
    .slice(0, LABEL_CHARACTERS_MAX + 1)
    .split(/[\s,]+/)
    .filter(word => word !== '')
  if (value.length <= LABEL_CHARACTERS_MAX && words.length <= LABEL_WORDS_MAX) return words
  throw new WeaveError(
    'BAD_ADDRESS',
    `the label has ${value.length} characters; the limit is ${LABEL_CHARACTERS_MAX}, and ${LABEL_WORDS_MAX} addresses`,
    'name fewer addresses',
  )
}
