import { setTimeout as delay } from 'node:timers/promises'
import { WeaveError } from '../base/mod.ts'

const WATCH_SECONDS_MAX = 86_400
/** Clears the screen, and what has scrolled off it, and begins at the top. */
const CLEAR = '\u001B[H\u001B[2J\u001B[3J'

export const WATCH = 'show it again every so many seconds (2 when none are given), until interrupted'

/** The time of `--watch`, in milliseconds. @throws WeaveError USAGE */
export function watchMs(text: string): number {
  const seconds = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && seconds >= 0.1 && seconds <= WATCH_SECONDS_MAX) return seconds * 1_000
  throw new WeaveError(
    'USAGE',
    `--watch ${JSON.stringify(text.slice(0, 40))} is no time: it must be seconds, from 0.1 to ${WATCH_SECONDS_MAX}`,
    'write it as in --watch=5',
  )
}

/**
 * Shows something once, or again and again until the process ends. A daemon that is down for a while, as in a restart,
 * is said to be, and watched on. `seconds`: of `--watch`, undefined without it.
 */
export async function watching(
  seconds: string | undefined,
  show: () => Promise<void>,
  { isTerminal, wait = delay }: { readonly isTerminal: boolean; readonly wait?: (ms: number) => Promise<unknown> },
): Promise<void> {
  if (seconds === undefined) return show()
  const ms = watchMs(seconds)
  for (;;) {
    if (isTerminal) process.stdout.write(CLEAR)
    try {
      await show()
    } catch (thrown) {
      if (!(thrown instanceof WeaveError) || !['DAEMON_DOWN', 'DAEMON_BUSY'].includes(thrown.code)) throw thrown
      console.error(`weave-ts: ${thrown.message}`)
    }
    await wait(ms)
  }
}
