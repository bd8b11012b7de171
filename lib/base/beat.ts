import type { Millis } from './ports.ts'

/** What need not be punctual is done on the beat, all of it together: waking up costs a process more than the work. */
export const BEAT_MS = 1_000

/** The first beat that is not before this time. */
export function onBeat(at: Millis): Millis {
  return Math.ceil(at / BEAT_MS) * BEAT_MS
}
