import { WeaveError } from '../base/mod.ts'
import { LABEL_CHARACTERS_MAX, LABEL_NAMES_MAX, LABEL_WORDS_MAX } from './limits.ts'

/** A container that bears it is attached when it starts: its value says with which addresses. */
export const ATTACH_LABEL = 'weave-ts.attach'
/** Names that a container is to have when it is attached. */
const NAMES_LABEL = 'weave-ts.name'
/** Its host name on the overlay, in the place of the one that the engine knows. */
const HOSTNAME_LABEL = 'weave-ts.hostname'

/**
 * The addresses that the label asks for, as `attach` takes them: several are separated by spaces or commas; none is one
 * of the default subnet. Undefined: no label. Fails with BAD_ADDRESS.
 */
export function addressesOfLabel(labels: Readonly<Record<string, string>>): string[] | undefined {
  if (!Object.hasOwn(labels, ATTACH_LABEL)) return undefined
  const value = labels[ATTACH_LABEL]!
  const words = wordsOf(value)
  if (value.length <= LABEL_CHARACTERS_MAX && words.length <= LABEL_WORDS_MAX) return words
  throw new WeaveError(
    'BAD_ADDRESS',
    `the label has ${value.length} characters; the limit is ${LABEL_CHARACTERS_MAX}, and ${LABEL_WORDS_MAX} addresses`,
    'name fewer addresses',
  )
}

/** What labels say of the names of a container; whatever cannot be a name is for the zone to refuse. */
export function namesOfLabels(labels: Readonly<Record<string, string>>): {
  readonly names: readonly string[]
  /** Undefined: no label. */
  readonly hostname: string | undefined
} {
  const names = Object.hasOwn(labels, NAMES_LABEL) ? wordsOf(labels[NAMES_LABEL]!) : []
  const hostname = Object.hasOwn(labels, HOSTNAME_LABEL) ? labels[HOSTNAME_LABEL]!.trim() : ''
  return { names: names.slice(0, LABEL_NAMES_MAX), hostname: hostname === '' ? undefined : hostname }
}

function wordsOf(value: string): string[] {
  return value
    .slice(0, LABEL_CHARACTERS_MAX + 1)
    .split(/[\s,]+/)
    .filter(word => word !== '')
}
