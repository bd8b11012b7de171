import type { Attachment, Whereabouts } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'

/** `names`: in the domain of the mesh. */
type Nameable = Pick<Attachment, 'id' | 'description'> & Partial<Pick<Attachment, 'names'>>

const NOWHERE = 'name a container by its name, its id or how that begins, not a host; see all with `weave-ts ps --all`'

/**
 * Those that are meant: by target, id, description, the name that Docker knows, or one of the mesh with or without the
 * domain, else by the beginning of an id; all
 * when none is named. @throws WeaveError NOT_ATTACHED for what stands for none
 */
export function chosenAttachments<T extends Nameable>(
  all: readonly T[],
  texts: readonly string[],
  hint = 'see what is with `weave-ts ps`',
): T[] {
  if (texts.length === 0) return [...all]
  const chosen = new Set(texts.flatMap(text => named(all, text, hint)))
  return all.filter(one => chosen.has(one))
}

/** The same of what is on all hosts, by id or name. @throws WeaveError NOT_ATTACHED */
export function chosenContainers(all: readonly Whereabouts[], texts: readonly string[]): Whereabouts[] {
  const known = all.map(view => ({ view, id: view.container, description: '', names: view.names }))
  return chosenAttachments(known, texts, NOWHERE).map(({ view }) => view)
}

function named<T extends Nameable>(all: readonly T[], text: string, hint: string): readonly T[] {
  const exact = all.filter(
    ({ id, description, names = [] }) =>
      id === text ||
      description === text ||
      description === `container ${text}` ||
      description.startsWith(`container ${text} on the network `) ||
      names.some(name => name === text || name.startsWith(`${text}.`)),
  )
  const found = exact.length > 0 || text === '' ? exact : all.filter(({ id }) => id.startsWith(text))
  if (found.length > 0) return found
  throw new WeaveError('NOT_ATTACHED', `${text} is not attached`, hint)
}
