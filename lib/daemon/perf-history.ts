import type { PerfAnswer } from '../api/mod.ts'
import type { StateStore } from '../io/mod.ts'
import { PERF_HISTORY_MAX, PERF_PREFIX } from './constants.ts'

const NUMBER_DIGITS = 10

/** What was measured from here, in the state store: the newest PERF_HISTORY_MAX. */
export class PerfHistory {
  readonly #store: Pick<StateStore, 'range' | 'write'>

  constructor(store: Pick<StateStore, 'range' | 'write'>) {
    this.#store = store
  }

  /** The oldest first. What another version wrote, and this one cannot read, is left out. */
  all(): PerfAnswer[] {
    return [...this.#store.range(PERF_PREFIX)].flatMap(([, value]) => readOf(value) ?? [])
  }

  add(answer: PerfAnswer): void {
    const keys = [...this.#store.range(PERF_PREFIX)].map(([key]) => key)
    const last = Number(keys.at(-1)?.slice(PERF_PREFIX.length) ?? 0)
    const key = `${PERF_PREFIX}${String(last + 1).padStart(NUMBER_DIGITS, '0')}`
    const surplus = keys.slice(0, Math.max(0, keys.length + 1 - PERF_HISTORY_MAX))
    this.#store.write([[key, new TextEncoder().encode(JSON.stringify(answer))]], surplus)
  }
}

function readOf(value: Uint8Array): PerfAnswer | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(value)) as PerfAnswer
  } catch {
    return undefined
  }
}
