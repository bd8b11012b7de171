import { addressPicture, MAP_WIDTH, type OwnerRow } from './address-map.ts'
import type { IpamMap } from './answers.ts'
import { drawing, element, placed, setText } from './elements.ts'
import { PagedTable } from './paged-table.ts'

const MAP_HEIGHT = 28
/** What is thinner is not seen. */
const PIECE_MIN = 0.4

/** The address range in order, drawn by owner, and the owners as a table. */
export class AddressPanel {
  readonly #range = placed('address-range', HTMLElement)
  readonly #ends = placed('address-ends', HTMLElement)
  readonly #map = drawing('svg', {
    class: 'map',
    // The table says the same.
    attributes: { viewBox: `0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
  })
  readonly #table = new PagedTable<OwnerRow>(placed('owners', HTMLElement), {
    caption: 'Owners of addresses',
    noun: 'owner',
    empty: 'Nobody owns addresses yet.',
    columns: [
      {
        head: 'Owner',
        isHead: true,
        cell: ({ className, isReachable, isSelf, name }) => [
          swatch(className),
          document.createTextNode(name),
          ...(isSelf ? [element('span', { class: 'faint', text: ' this host' })] : []),
          ...(isReachable || className === 'nobody'
            ? []
            : [element('span', { class: 'tag problem', text: 'not reached' })]),
        ],
      },
      { head: 'Addresses', isNumber: true, cell: ({ addresses }) => addresses.toLocaleString('en') },
      { head: 'Share', isNumber: true, cell: ({ share }) => share },
      { head: 'In use', isNumber: true, cell: ({ inUse }) => inUse.toLocaleString('en') },
      { head: 'Where', cell: ({ where }) => [element('span', { class: 'id', text: where })] },
    ],
  })
  #shown = ''

  constructor() {
    placed('address-map', HTMLElement).append(this.#map)
  }

  show(map: IpamMap): void {
    const picture = addressPicture(map)
    const shown = JSON.stringify(picture)
    if (shown === this.#shown) return
    this.#shown = shown
    setText(this.#range, picture.range)
    this.#ends.replaceChildren(
      element('span', { text: picture.first }),
      element('span', { text: picture.last === picture.first ? '' : picture.last }),
    )
    this.#map.replaceChildren(
      ...picture.classes.map(({ name, pieces }) => {
        const d = pieces
          .map(
            ({ from, to }) =>
              `M${digits(from)} 0H${digits(Math.max(to, from + PIECE_MIN))}V${MAP_HEIGHT}H${digits(from)}z`,
          )
          .join('')
        return drawing('path', { class: `owner ${name}`, attributes: { d } })
      }),
    )
    this.#table.show(picture.owners)
  }
}

function digits(value: number): string {
  return value.toFixed(2)
}

function swatch(className: string): SVGSVGElement {
  return drawing(
    'svg',
    { class: 'swatch', attributes: { viewBox: '0 0 10 10', 'aria-hidden': 'true' } },
    drawing('rect', { class: `owner ${className}`, attributes: { width: '10', height: '10', rx: '2' } }),
  )
}
