import { NameBook } from '../../lib/daemon/name-book.ts'
import { Domain } from '../../lib/names/mod.ts'
import type { NameRecord } from '../../lib/wire/mod.ts'

/** A book of names whose node only notes what is published, by container. */
export function nameList() {
  const published = new Map<string, Pick<NameRecord, 'addresses' | 'names'>>()
  const node = {
    setNames: ({ container, addresses, names }: NameRecord) => {
      if (names.length === 0 || addresses.length === 0) published.delete(container)
      else published.set(container, { addresses, names })
      return true
    },
  }
  const runner = { input: (give: (it: typeof node, now: number) => unknown) => give(node, 0) }
  return { published, book: new NameBook(new Domain('weave.local'), runner as never) }
}
