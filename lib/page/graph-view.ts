import { drawing, placed, setText } from './elements.ts'
import { GraphLayout, isSameShape, PICTURE_HEIGHT, PICTURE_WIDTH, type Spot } from './graph-layout.ts'
import { edgeClass, type Edge, type MeshPicture, type Vertex } from './mesh-graph.ts'
import { countOf } from './words.ts'

/** Beyond, names and round trips would lie on top of each other. */
const NAMED_VERTICES_MAX = 60
const MEASURED_EDGES_MAX = 24
/** Round trips between others are told where there is room for them. */
const MEASURED_LINKS_MAX = 6
/** Own ways meet at this host: what is said of them stands nearer to the far end. */
const LABEL_AT = 0.6
/** Work of a layout, in rounds × vertices: before it is drawn first, and then at a time. */
const FIRST_WORK = 12_000
const SLICE_WORK = 3_000
const RADIUS = 8
const SMALL_RADIUS = 4
const NAME_BELOW = 20

/** The mesh as a picture. Who does not see it has the table of hosts, which says the same. */
export class GraphView {
  readonly #picture: SVGSVGElement
  readonly #title = drawing('title', { attributes: { id: 'graph-title' } })
  readonly #leftOut = placed('graph-left-out', HTMLElement)
  readonly #edges = drawing('g')
  readonly #labels = drawing('g')
  readonly #vertices = drawing('g')
  #places: ReadonlyMap<string, Spot> = new Map()
  #last: MeshPicture = { vertices: [], edges: [], leftOut: '' }
  #timer: number | undefined
  #shown = ''

  constructor() {
    const attributes = {
      viewBox: `0 0 ${PICTURE_WIDTH} ${PICTURE_HEIGHT}`,
      role: 'img',
      'aria-labelledby': 'graph-title',
    }
    this.#picture = drawing(
      'svg',
      { class: 'graph', attributes },
      this.#title,
      this.#edges,
      this.#labels,
      this.#vertices,
    )
    placed('graph', HTMLElement).append(this.#picture)
  }

  show(picture: MeshPicture): void {
    const shown = JSON.stringify(picture)
    if (shown === this.#shown) return
    this.#shown = shown
    const isSame = isSameShape(picture, this.#last)
    this.#last = picture
    if (!isSame) this.#layOut(picture)
    this.#draw()
  }

  #layOut(picture: MeshPicture): void {
    window.clearTimeout(this.#timer)
    const layout = new GraphLayout(picture, this.#places)
    const isDone = layout.advance(FIRST_WORK)
    this.#places = layout.spots()
    if (isDone) return
    const goOn = () => {
      if (layout.advance(SLICE_WORK)) {
        this.#places = layout.spots()
        this.#draw()
      } else this.#timer = window.setTimeout(goOn)
    }
    this.#timer = window.setTimeout(goOn)
  }

  #draw(): void {
    const picture = this.#last
    setText(this.#leftOut, picture.leftOut)
    const gone = picture.vertices.filter(({ isReachable }) => !isReachable).length
    setText(
      this.#title,
      `${countOf(picture.vertices.length, 'host')}, ${gone === 0 ? 'all of them reached' : `${gone} not reached`}, and the ${countOf(picture.edges.length, 'way')} between them; the table of hosts says the same`,
    )
    this.#edges.replaceChildren(...this.#lines(picture.edges))
    const own = picture.edges.filter(({ kind }) => kind !== 'link')
    const measured = picture.edges.length <= MEASURED_LINKS_MAX ? picture.edges : own
    this.#labels.replaceChildren(
      ...(measured.length <= MEASURED_EDGES_MAX ? measured.map(edge => this.#label(edge)) : []),
    )
    const isNamed = picture.vertices.length <= NAMED_VERTICES_MAX
    this.#picture.classList.toggle('crowded', !isNamed)
    this.#vertices.replaceChildren(...picture.vertices.map(vertex => this.#vertex(vertex, isNamed)))
  }

  /** One line of many pieces for all edges of a class. */
  #lines(edges: readonly Edge[]): SVGPathElement[] {
    const pieces = new Map<string, string[]>()
    for (const edge of edges) {
      const name = edgeClass(edge)
      const [a, b] = [this.#places.get(edge.from)!, this.#places.get(edge.to)!]
      const piece = `M${a.x} ${a.y}L${b.x} ${b.y}`
      const all = pieces.get(name)
      if (all === undefined) pieces.set(name, [piece])
      else all.push(piece)
    }
    // Own paths lie above the links of others.
    return [...pieces]
      .sort(([a], [b]) => Number(b.includes('link')) - Number(a.includes('link')))
      .map(([name, all]) => drawing('path', { class: name, attributes: { d: all.join('') } }))
  }

  #label(edge: Edge): SVGTextElement {
    const [a, b] = [this.#places.get(edge.from)!, this.#places.get(edge.to)!]
    const along = edge.kind === 'link' ? 0.5 : LABEL_AT
    const attributes = { x: String(a.x + (b.x - a.x) * along), y: String(a.y + (b.y - a.y) * along), dy: '0.32em' }
    return drawing('text', { class: 'rtt', text: edge.rtt, attributes })
  }

  #vertex({ id, name, isSelf, isReachable }: Vertex, isNamed: boolean): SVGGElement {
    const { x, y } = this.#places.get(id)!
    const r = isNamed ? RADIUS : SMALL_RADIUS
    const group = drawing('g', {
      class: `vertex${isSelf ? ' self' : ''}${isReachable ? '' : ' gone'}`,
      attributes: { transform: `translate(${x} ${y})`, 'data-host': name },
    })
    const said = isSelf ? `${name}, this host` : isReachable ? name : `${name}, not reached`
    group.append(drawing('title', { text: said }))
    if (isSelf) group.append(drawing('circle', { class: 'ring', attributes: { r: String(r + 4) } }))
    group.append(drawing('circle', { class: 'dot', attributes: { r: String(r) } }))
    // Not by colour alone.
    if (!isReachable) group.append(drawing('path', { class: 'cross', attributes: { d: crossOf(r * 0.5) } }))
    if (isNamed || isSelf) {
      const text = isReachable || !isNamed ? name : `${name} (not reached)`
      group.append(drawing('text', { class: 'name', text, attributes: { y: String(NAME_BELOW + (isSelf ? 3 : 0)) } }))
    }
    return group
  }
}

function crossOf(half: number): string {
  return `M${-half} ${-half}L${half} ${half}M${-half} ${half}L${half} ${-half}`
}
