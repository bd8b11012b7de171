import type { ContainersShown, DoctorAnswer, EventView, GraphShown, HistoryShown, IpamMap, Status } from './answers.ts'
import { AskingPlan, QUESTIONS, type Question } from './asking-plan.ts'
import { isNews } from './event-rows.ts'
import { faultOf, NO_ANSWER, type Fault } from './faults.ts'

/** What comes of each question. */
export interface AnswerOf {
  readonly status: Status
  readonly graph: GraphShown
  readonly containers: ContainersShown
  readonly ipam: IpamMap
  readonly history: HistoryShown
  readonly doctor: DoctorAnswer
}

/** Who is told what comes. */
export interface Told {
  answer<Q extends Question>(name: Q, answer: AnswerOf[Q]): void
  fault(name: Question, fault: Fault): void
  events(events: readonly EventView[]): void
}

const STREAM_PATH = 'v1/events/stream'
const ANSWER_MAX_MS = 8_000
const DOCTOR_MAX_MS = 35_000
/** Events that come together are shown together. */
const EVENTS_TOGETHER_MS = 50
const OLD_NEWS_MS = 700
const STREAM_AGAIN_MS = 2_000

/** Asks the daemon while the page is seen: again and again, and at once when an event says that something happened. */
export class DaemonFeed {
  readonly #told: Told
  readonly #plan = new AskingPlan()
  #timer: number | undefined
  #stream: EventSource | undefined
  #streamTimer: number | undefined
  #eventTimer: number | undefined
  #newsTimer: number | undefined
  #events: EventView[] = []
  #lastSeq = 0
  /** Nothing has come by this stream yet. */
  #isFirst = true

  constructor(told: Told) {
    this.#told = told
  }

  start(): void {
    document.addEventListener('visibilitychange', () => (document.hidden ? this.#pause() : this.#resume()))
    if (!document.hidden) this.#resume()
  }

  want(name: Question): void {
    this.#plan.want(name, performance.now())
    this.#ask()
  }

  /** A page that nobody sees costs the daemon nothing. */
  #pause(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#streamTimer)
    this.#stream?.close()
    this.#stream = undefined
  }

  #resume(): void {
    this.#hear()
    this.#listen()
  }

  #ask(): void {
    if (document.hidden) return
    clearTimeout(this.#timer)
    for (const name of this.#plan.take(performance.now())) void this.#put(name)
    const next = this.#plan.next()
    if (next !== undefined) this.#timer = window.setTimeout(() => this.#ask(), Math.max(0, next - performance.now()))
  }

  async #put<Q extends Question>(name: Q): Promise<void> {
    const given = await answerTo(QUESTIONS[name].path, name === 'doctor' ? DOCTOR_MAX_MS : ANSWER_MAX_MS)
    const isAnswered = 'answer' in given
    this.#plan.done(name, isAnswered, performance.now())
    this.#ask()
    if (isAnswered) this.#told.answer(name, given.answer as AnswerOf[Q])
    else this.#told.fault(name, given.fault)
  }

  #listen(): void {
    clearTimeout(this.#streamTimer)
    this.#stream?.close()
    this.#isFirst = true
    const stream = new EventSource(this.#lastSeq === 0 ? STREAM_PATH : `${STREAM_PATH}?after=${this.#lastSeq}`)
    this.#stream = stream
    stream.addEventListener('message', ({ data }: MessageEvent<string>) => this.#take(JSON.parse(data) as EventView))
    stream.addEventListener('error', () => {
      if (this.#stream !== stream) return
      // What was missed meanwhile is seen at the next answers; the browser goes on by itself unless it was refused.
      this.#hear()
      if (stream.readyState === EventSource.CLOSED)
        this.#streamTimer = window.setTimeout(() => this.#listen(), STREAM_AGAIN_MS)
    })
  }

  #hear(): void {
    this.#plan.news(performance.now())
    this.#ask()
  }

  #take(event: EventView): void {
    this.#events.push(event)
    this.#lastSeq = Math.max(this.#lastSeq, event.seq)
    this.#eventTimer ??= window.setTimeout(() => {
      const events = this.#events
      this.#events = []
      this.#eventTimer = undefined
      if (events.some(isNews)) {
        // The first are old ones, as a rule: what they tell is in the answers that are under way.
        window.clearTimeout(this.#newsTimer)
        if (this.#isFirst) this.#newsTimer = window.setTimeout(() => this.#hear(), OLD_NEWS_MS)
        else this.#hear()
      }
      this.#isFirst = false
      this.#told.events(events)
    }, EVENTS_TOGETHER_MS)
  }
}

async function answerTo(path: string, withinMs: number): Promise<{ answer: unknown } | { fault: Fault }> {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(withinMs), cache: 'no-store' })
    const body = await response.text()
    return response.ok ? { answer: JSON.parse(body) as unknown } : { fault: faultOf(response.status, body) }
  } catch {
    return { fault: NO_ANSWER }
  }
}
