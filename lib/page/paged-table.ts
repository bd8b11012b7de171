import { element } from './elements.ts'
import { countOf } from './words.ts'

const ROWS_AT_FIRST = 20

/** What stands in a cell: words, or elements. */
type Cell = string | readonly Node[]

export interface Column<Row> {
  readonly head: string
  cell(row: Row): Cell
  /** Numbers stand at the right. */
  readonly isNumber?: boolean
  /** It gets no more room than it needs. */
  readonly isNarrow?: boolean
  /** It says what the row is about. */
  readonly isHead?: boolean
}

interface Shape<Row> {
  readonly caption: string
  /** As in `host`, `hosts`. */
  readonly noun: string
  readonly columns: readonly Column<Row>[]
  /** Said where there is no row. */
  readonly empty: string
}

/** A table with a caption that shows the first rows, and all when it is asked to. */
export class PagedTable<Row> {
  readonly #shape: Shape<Row>
  readonly #body = element('tbody')
  readonly #more = element('button', { class: 'more', attributes: { type: 'button' } })
  readonly #table: HTMLTableElement
  #rows: readonly Row[] = []
  #shown = ''
  #isWhole = false

  constructor(at: HTMLElement, shape: Shape<Row>) {
    this.#shape = shape
    const heads = shape.columns.map(column =>
      element('th', { text: column.head, class: classOf(column), attributes: { scope: 'col' } }),
    )
    this.#table = element(
      'table',
      {},
      element('caption', { class: 'unseen', text: shape.caption }),
      element('thead', {}, element('tr', {}, ...heads)),
      this.#body,
    )
    this.#more.addEventListener('click', () => {
      this.#isWhole = !this.#isWhole
      this.#draw()
    })
    // What is wider than the page is moved inside of this, also by the keyboard.
    const attributes = { tabindex: '0', role: 'group', 'aria-label': `${shape.caption}, table` }
    at.append(element('div', { class: 'wide', attributes }, this.#table), this.#more)
  }

  show(rows: readonly Row[]): void {
    const shown = JSON.stringify(rows)
    if (shown === this.#shown && rows.length > 0) return
    this.#shown = shown
    this.#rows = rows
    this.#draw()
  }

  #draw(): void {
    const { columns, empty, noun } = this.#shape
    const rows = this.#isWhole ? this.#rows : this.#rows.slice(0, ROWS_AT_FIRST)
    if (rows.length === 0) {
      const cell = element('td', { class: 'empty', text: empty, attributes: { colspan: String(columns.length) } })
      this.#body.replaceChildren(element('tr', {}, cell))
    } else this.#body.replaceChildren(...rows.map(row => this.#row(row)))
    this.#more.hidden = this.#rows.length <= ROWS_AT_FIRST
    this.#more.textContent = this.#isWhole ? `Show ${ROWS_AT_FIRST}` : `Show all ${countOf(this.#rows.length, noun)}`
  }

  #row(row: Row): HTMLTableRowElement {
    return element(
      'tr',
      {},
      ...this.#shape.columns.map(column => {
        const given = { class: classOf(column) }
        const made =
          column.isHead === true ? element('th', { ...given, attributes: { scope: 'row' } }) : element('td', given)
        const content = column.cell(row)
        if (typeof content === 'string') made.textContent = content
        else made.append(...content)
        return made
      }),
    )
  }
}

function classOf({ isNarrow, isNumber }: Pick<Column<never>, 'isNarrow' | 'isNumber'>): string {
  return [isNumber === true ? 'number' : '', isNarrow === true ? 'narrow' : ''].join(' ').trim()
}
