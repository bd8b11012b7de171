import type { Target } from '../host/mod.ts'
import type { Domain } from '../names/mod.ts'
import { NAMES_MAX } from '../wire/mod.ts'

/** Characters of a name that was refused, as it is shown. */
const SHOWN_CHARACTERS_MAX = 80

export interface AttachmentNames {
  /** Relative to the zone, each once. */
  readonly names: string[]
  /** Of those that the labels of the target ask for, what it cannot be called. */
  readonly refused: string[]
}

/**
 * What an attachment is called: `kept` and `given` (both relative to the zone) whatever comes, then what its labels ask
 * for, then what it is called where it comes from, as far as there is room.
 * @throws WeaveError BAD_NAME when `kept` and `given` alone are too many
 */
export function attachmentNames(
  domain: Domain,
  names: { readonly kept: readonly string[]; readonly given: readonly string[] },
  target: Pick<Target, 'names' | 'askedNames'>,
): AttachmentNames {
  const all = new Set(domain.checkCount([...new Set([...names.kept, ...names.given])]))
  const isTaken = (text: string): boolean => {
    const name = domain.tryParse(text)
    if (name === undefined || (all.size >= NAMES_MAX && !all.has(name))) return false
    all.add(name)
    return true
  }
  const refused = (target.askedNames ?? []).filter(text => !isTaken(text))
  for (const text of target.names ?? []) isTaken(text)
  return { names: [...all], refused: refused.map(text => text.slice(0, SHOWN_CHARACTERS_MAX)) }
}
