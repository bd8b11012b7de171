/**
 * What is asked for again and again while the page is seen, how often at least, and how long after the last time when there
 * are news. It goes by what an answer costs the daemon: milliseconds, a map of addresses some ten, and for `doctor` it runs
 * programs.
 */
export const QUESTIONS = {
  graph: { path: 'v1/graph', everyMs: 2_000, afterNewsMs: 250 },
  status: { path: 'v1/status', everyMs: 4_000, afterNewsMs: 250 },
  containers: { path: 'v1/containers', everyMs: 10_000, afterNewsMs: 1_000 },
  history: { path: 'v1/history', everyMs: 10_000, afterNewsMs: 10_000 },
  ipam: { path: 'v1/ipam', everyMs: 60_000, afterNewsMs: 10_000 },
  doctor: { path: 'v1/doctor', everyMs: 120_000, afterNewsMs: 30_000 },
} as const

export type Question = keyof typeof QUESTIONS

export const QUESTION_NAMES = Object.keys(QUESTIONS) as readonly Question[]

/** An answer that takes long is asked for more rarely: it takes one part in so many of the daemon's time. */
const REST_FACTOR = 50
const REST_MAX_MS = 30_000

interface Due {
  /** When it is asked next. */
  at: number
  askedAt: number
  isAsked: boolean
  /** News came while it was asked: what it answers may be of before. */
  isStale: boolean
}

/** Says what is to be asked when. Times are milliseconds of any clock. */
export class AskingPlan {
  readonly #due = new Map<Question, Due>(
    QUESTION_NAMES.map(name => [name, { at: -Infinity, askedAt: -Infinity, isAsked: false, isStale: false }]),
  )

  /** What is due now; from here on it counts as asked. */
  take(now: number): Question[] {
    const taken = [...this.#due].filter(([, due]) => !due.isAsked && due.at <= now)
    for (const [, due] of taken) {
      due.isAsked = true
      due.askedAt = now
      due.isStale = false
    }
    return taken.map(([name]) => name)
  }

  /** It was answered, or could not be. */
  done(name: Question, isAnswered: boolean, now: number): void {
    const due = this.#due.get(name)!
    // What doctor takes it waits for programs, and who cannot answer is not busy with it.
    const isWork = isAnswered && name !== 'doctor'
    const restMs = isWork ? Math.min(REST_MAX_MS, REST_FACTOR * (now - due.askedAt)) : 0
    due.isAsked = false
    due.at = due.isStale
      ? Math.max(now, due.askedAt + QUESTIONS[name].afterNewsMs)
      : Math.max(due.askedAt + QUESTIONS[name].everyMs, now + restMs)
  }

  /** Something has happened. */
  news(now: number): void {
    for (const name of QUESTION_NAMES)
      this.#hasten(name, Math.max(now, this.#due.get(name)!.askedAt + QUESTIONS[name].afterNewsMs))
  }

  /** The operator wants to know it now. */
  want(name: Question, now: number): void {
    this.#hasten(name, now)
  }

  /** When something is due next; undefined while all is asked. */
  next(): number | undefined {
    const times = [...this.#due.values()].filter(({ isAsked }) => !isAsked).map(({ at }) => at)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  #hasten(name: Question, at: number): void {
    const due = this.#due.get(name)!
    if (due.isAsked) due.isStale = name !== 'doctor'
    else due.at = Math.min(due.at, at)
  }
}
