import { element, placed, setText } from './elements.ts'
import { complaintSummary, type Complaint } from './problems.ts'

const SEVERITY_WORDS: Readonly<Record<Complaint['severity'], string>> = {
  problem: 'Problem',
  warning: 'Warning',
  unknown: 'Not known',
}

/** What is wrong, and what to do: read out when it changes. */
export class ProblemsView {
  readonly #summary = placed('problems-summary', HTMLElement)
  readonly #list = placed('problems-list', HTMLUListElement)
  readonly #note = placed('problems-note', HTMLElement)
  readonly #again = placed('problems-again', HTMLButtonElement)
  #shown = ''

  constructor(onAgain: () => void) {
    this.#again.addEventListener('click', onAgain)
  }

  show(complaints: readonly Complaint[], note: string): void {
    setText(this.#note, note)
    const shown = JSON.stringify(complaints)
    if (shown === this.#shown) return
    this.#shown = shown
    setText(this.#summary, `${complaintSummary(complaints)}.`)
    this.#summary.className = `summary ${complaints[0]?.severity ?? 'well'}`
    this.#list.replaceChildren(...complaints.map(complaintItem))
  }
}

function complaintItem({ severity, what, remedy }: Complaint): HTMLLIElement {
  const said = [
    element('span', { class: `tag ${severity}`, text: SEVERITY_WORDS[severity] }),
    element('p', { class: 'what', text: what }),
  ]
  if (remedy !== null) said.push(element('p', { class: 'remedy' }, ...withCommands(remedy)))
  return element('li', { class: severity }, ...said)
}

/** What stands between backticks is a command. */
function withCommands(text: string): Node[] {
  return text
    .split('`')
    .map((piece, i) => (i % 2 === 1 ? element('code', { text: piece }) : document.createTextNode(piece)))
}
