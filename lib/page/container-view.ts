import type { Whereabouts } from './answers.ts'
import { containerRows, foundRows, type ContainerRow } from './container-search.ts'
import { element, placed, setText } from './elements.ts'
import { PagedTable } from './paged-table.ts'
import { countOf, NO_VALUE } from './words.ts'

/** The containers of the whole mesh, and the field that looks for some. */
export class ContainerPanel {
  readonly #search = placed('container-search', HTMLInputElement)
  readonly #count = placed('container-count', HTMLElement)
  readonly #table = new PagedTable<ContainerRow>(placed('containers', HTMLElement), {
    caption: 'Containers of the whole mesh',
    noun: 'container',
    empty: 'There is none.',
    columns: [
      { head: 'Name', isHead: true, cell: ({ names }) => lines(names) },
      { head: 'Host', cell: ({ host }) => host },
      { head: 'Addresses', cell: ({ addresses }) => lines(addresses) },
      {
        head: 'Container',
        cell: ({ container, label }) => [
          element('span', { class: 'id', text: label, attributes: { title: container } }),
        ],
      },
      {
        head: 'State',
        isNarrow: true,
        cell: ({ state }) => [element('span', { class: state === 'attached' ? 'faint' : 'tag warning', text: state })],
      },
    ],
  })
  #rows: readonly ContainerRow[] = []

  constructor() {
    this.#search.addEventListener('input', () => this.#draw())
  }

  show(containers: readonly Whereabouts[]): void {
    this.#rows = containerRows(containers)
    this.#draw()
  }

  #draw(): void {
    const found = foundRows(this.#rows, this.#search.value)
    const all = countOf(this.#rows.length, 'container')
    setText(this.#count, found.length === this.#rows.length ? all : `${found.length} of ${all}`)
    this.#table.show(found)
  }
}

function lines(texts: readonly string[]): Node[] {
  return texts.length === 0
    ? [element('span', { class: 'faint', text: NO_VALUE })]
    : texts.map(text => element('span', { class: 'line', text }))
}
