const SVG = 'http://www.w3.org/2000/svg'

interface Given {
  readonly class?: string
  /** Whatever the mesh says comes in here, and is never read as markup. */
  readonly text?: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** An element of HTML with what is in it. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  given: Given = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  fill(made, given, children)
  return made
}

/** One of SVG. */
export function drawing<K extends keyof SVGElementTagNameMap>(
  tag: K,
  given: Given = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag)
  fill(made, given, children)
  return made
}

/** An element of index.html. */
export function placed<T extends HTMLElement>(id: string, type: { new (): T }): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`the page has no element ${id}`)
  return found
}

/** Sets a text only where it is another one: what is read out is not read out again. */
export function setText(at: Element, text: string): void {
  if (at.textContent !== text) at.textContent = text
}

function fill(made: Element, given: Given, children: readonly Node[]): void {
  if (given.class !== undefined) made.setAttribute('class', given.class)
  for (const [name, value] of Object.entries(given.attributes ?? {})) made.setAttribute(name, value)
  if (given.text !== undefined) made.textContent = given.text
  made.append(...children)
}
