/** As pino numbers it. */
export const INFO = 30

/** The level of a line of the log, which begins with it; NaN of anything else. */
export function levelOf(line: string): number {
  return Number(/^\{"level":(\d+)/.exec(line)?.[1])
}
