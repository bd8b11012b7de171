import { WARNINGS_SHOWN_MAX } from './constants.ts'

/** The first of them, and `rest` to tell of how many more there are. */
export function few<T>(all: readonly T[], rest: (more: number) => T): T[] {
  const more = all.length - WARNINGS_SHOWN_MAX
  return more > 0 ? [...all.slice(0, WARNINGS_SHOWN_MAX), rest(more)] : [...all]
}
