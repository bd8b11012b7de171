import { AddressPanel } from './address-view.ts'
import type { Question } from './asking-plan.ts'
import { ContainerPanel } from './container-view.ts'
import { DaemonFeed, type AnswerOf } from './daemon-feed.ts'
import { placed, setText } from './elements.ts'
import { EventTable } from './event-view.ts'
import { faultText, isRefused, type Fault } from './faults.ts'
import { GraphView } from './graph-view.ts'
import { headlineOf } from './headline.ts'
import { HistoryView } from './history-view.ts'
import { hostTable } from './host-table.ts'
import { hostRows, pictureOf } from './mesh-graph.ts'
import { ProblemsView } from './problems-view.ts'
import { complaintsOf } from './problems.ts'
import { clockText } from './words.ts'

/** The page: what the daemon answers, put where it belongs. */
class Page {
  readonly #fault = placed('fault', HTMLElement)
  readonly #host = placed('host', HTMLElement)
  readonly #state = placed('state', HTMLElement)
  readonly #details = placed('details', HTMLElement)
  readonly #containers = new ContainerPanel()
  readonly #graph = new GraphView()
  readonly #hosts = hostTable()
  readonly #addresses = new AddressPanel()
  readonly #history = new HistoryView()
  readonly #events = new EventTable()
  readonly #problems: ProblemsView
  readonly #feed: DaemonFeed
  #status: AnswerOf['status'] | undefined
  #doctor: AnswerOf['doctor'] | null = null
  #doctorNote = 'The host is being looked at.'
  #answeredAt: Date | undefined

  constructor() {
    this.#feed = new DaemonFeed({
      answer: (name, answer) => this.#answer({ [name]: answer }),
      fault: (name, fault) => this.#refused(name, fault),
      events: events => this.#events.add(events),
    })
    this.#problems = new ProblemsView(() => {
      this.#doctorNote = 'The host is being looked at again.'
      this.#showProblems()
      this.#feed.want('doctor')
    })
  }

  start(): void {
    this.#feed.start()
  }

  #answer({ status, graph, containers, ipam, history, doctor }: Partial<AnswerOf>): void {
    if (status !== undefined) this.#showStatus(status)
    if (graph !== undefined) {
      this.#graph.show(pictureOf(graph))
      this.#hosts.show(hostRows(graph))
    }
    if (containers !== undefined) this.#containers.show(containers.containers)
    if (ipam !== undefined) this.#addresses.show(ipam)
    if (history !== undefined) this.#history.show(history)
    if (doctor !== undefined) {
      const now = new Date()
      this.#doctor = doctor
      this.#doctorNote = `The host was looked at last at ${clockText(now, now)}.`
      this.#showProblems()
    }
  }

  #refused(name: Question, fault: Fault): void {
    if (name === 'status') {
      const since = this.#answeredAt === undefined ? '' : clockText(this.#answeredAt, new Date())
      setText(this.#fault, faultText(fault, since).replaceAll('`', ''))
      this.#fault.hidden = false
    } else if (name === 'doctor') {
      this.#doctor = null
      this.#doctorNote = isRefused(fault)
        ? 'What doctor finds on the host itself is for root: this is what the status tells.'
        : `The host could not be looked at: ${fault.message}.`
      this.#showProblems()
    }
  }

  #showStatus(status: AnswerOf['status']): void {
    this.#status = status
    this.#answeredAt = new Date()
    this.#fault.hidden = true
    setText(this.#fault, '')
    const { details, host, isReady, state } = headlineOf(status)
    setText(this.#host, host)
    setText(this.#state, state)
    this.#state.className = isReady ? 'state ready' : 'state waiting'
    setText(this.#details, details.join(' · '))
    this.#showProblems()
  }

  #showProblems(): void {
    if (this.#status === undefined) return
    const complaints = complaintsOf(this.#status, this.#doctor)
    this.#problems.show(complaints, this.#doctorNote)
    const problems = complaints.filter(({ severity }) => severity === 'problem').length
    const title = `${problems === 0 ? '' : `(${problems}) `}${this.#host.textContent ?? ''} · weave-ts`
    if (document.title !== title) document.title = title
  }
}

new Page().start()
