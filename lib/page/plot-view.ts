import uPlot from 'uplot'
import { drawing, element, placed, setText } from './elements.ts'
import { LINES_MAX, type Plot } from './history-lines.ts'

const HEIGHT = 180
const HOUR_SECONDS = 3_600
const POINTS_FEW = 4
const AXIS_WIDTH = 68
const LINE_WIDTH = 1.6

/** One plot over the last hour, with its lines and figures in words below it. */
export class PlotView {
  readonly #frame: HTMLElement
  readonly #names: HTMLElement
  readonly #note: HTMLElement
  readonly #textOf: (value: number) => string
  readonly #topLeast: number
  #plot: uPlot | undefined
  #shape = ''
  #last: Plot | undefined

  /** `topLeast`: what the scale reaches to at least. */
  constructor(id: string, textOf: (value: number) => string, topLeast: number) {
    const at = placed(id, HTMLElement)
    this.#textOf = textOf
    this.#topLeast = topLeast
    this.#frame = element('div', { class: 'frame', attributes: { 'aria-hidden': 'true' } })
    this.#names = element('ul', { class: 'names', attributes: { 'aria-label': 'Lines of the plot: now, and at most' } })
    this.#note = element('p', { class: 'faint note' })
    at.append(this.#frame, element('figcaption', {}, this.#names, this.#note))
    new ResizeObserver(() => this.#fit()).observe(this.#frame)
    // Colours of a canvas do not follow by themselves.
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#renew())
  }

  show(plot: Plot): void {
    this.#last = plot
    this.#name(plot)
    const shape = JSON.stringify(plot.lines.map(({ name }) => name))
    if (shape !== this.#shape || this.#plot === undefined) {
      this.#shape = shape
      this.#renew()
    } else this.#plot.setData(dataOf(plot))
  }

  #renew(): void {
    const plot = this.#last
    if (plot === undefined) return
    this.#plot?.destroy()
    this.#plot = new uPlot(this.#options(plot), dataOf(plot), this.#frame)
  }

  /** The figures in words, also for who does not see the plot. */
  #name({ lines, note }: Plot): void {
    setText(this.#note, note)
    this.#names.replaceChildren(
      ...lines.map(({ name, figures }, i) =>
        element('li', {}, lineSample(i), element('b', { text: name }), document.createTextNode(` ${figures}`)),
      ),
    )
  }

  #options({ lines }: Plot): uPlot.Options {
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const axis = {
      stroke: colour('--faint'),
      font: `12px ${style.fontFamily}`,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    }
    return {
      width: Math.max(120, this.#frame.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: () => [this.#last!.end - HOUR_SECONDS, this.#last!.end] },
        y: { range: (_plot, _least, most) => [0, Math.max(this.#topLeast, (most || 0) * 1.1)] },
      },
      axes: [
        { ...axis, values: '{HH}:{mm}', space: 70, size: 34, gap: 8 },
        { ...axis, size: AXIS_WIDTH, values: (_plot, values) => values.map(value => this.#textOf(value)) },
      ],
      series: [
        {},
        ...lines.map(({ values }, i) => ({
          stroke: colour(`--series-${(i % LINES_MAX) + 1}`),
          width: LINE_WIDTH,
          dash: dashOf(i),
          // What was measured once or twice is no line yet.
          points: { show: () => values.filter(value => value !== null).length < POINTS_FEW, size: 4 },
        })),
      ],
    }
  }

  #fit(): void {
    const width = this.#frame.clientWidth
    if (this.#plot !== undefined && width > 0 && width !== this.#plot.width)
      this.#plot.setSize({ width, height: HEIGHT })
  }
}

function dataOf({ seconds, lines }: Plot): uPlot.AlignedData {
  return [[...seconds], ...lines.map(({ values }) => [...values])]
}

/** Not by colour alone. */
function dashOf(line: number): number[] {
  return [[], [6, 4], [2, 3], [10, 3], [8, 3, 2, 3]][line % LINES_MAX]!
}

function lineSample(line: number): SVGSVGElement {
  return drawing(
    'svg',
    { class: 'sample', attributes: { viewBox: '0 0 24 8', 'aria-hidden': 'true' } },
    drawing('path', {
      class: `series-${(line % LINES_MAX) + 1}`,
      attributes: { d: 'M0 4H24', 'stroke-dasharray': dashOf(line).join(' ') },
    }),
  )
}
