import type { HistoryShown } from './answers.ts'
import { element, placed } from './elements.ts'
import { plotsOf } from './history-lines.ts'
import { PlotView } from './plot-view.ts'
import { calledBy, compareNames, rateText, rttText } from './words.ts'

/** Throughput and round trips of the last hour, of all peers or of one. */
export class HistoryView {
  readonly #choice = placed('history-of', HTMLSelectElement)
  readonly #rates = new PlotView('rates', rateText, 1_000)
  readonly #rtts = new PlotView('rtts', rttText, 1)
  #history: HistoryShown | undefined
  #offered = ''

  constructor() {
    this.#choice.addEventListener('change', () => this.#draw())
  }

  show(history: HistoryShown): void {
    this.#history = history
    this.#offer(history)
    this.#draw()
  }

  #offer({ peers }: HistoryShown): void {
    const offers = peers
      .map(peer => ({ id: peer.id, name: calledBy(peer) }))
      .sort((a, b) => compareNames(a.name, b.name) || (a.id < b.id ? -1 : 1))
    const offered = JSON.stringify(offers)
    if (offered === this.#offered) return
    this.#offered = offered
    const chosen = this.#choice.value
    this.#choice.replaceChildren(
      element('option', { text: 'all hosts', attributes: { value: '' } }),
      ...offers.map(({ id, name }) => element('option', { text: name, attributes: { value: id } })),
    )
    this.#choice.value = offers.some(({ id }) => id === chosen) ? chosen : ''
  }

  #draw(): void {
    if (this.#history === undefined) return
    const chosen = this.#choice.value
    const { rates, rtts } = plotsOf(this.#history, chosen === '' ? null : chosen)
    this.#rates.show(rates)
    this.#rtts.show(rtts)
  }
}
