import { setTimeout as delay } from 'node:timers/promises'
import { WeaveError } from '../base/mod.ts'
import { numberOf } from './number-option.ts'

const WATCH_SECONDS_MIN = 0.1
const WATCH_SECONDS_MAX = 86_400
/** Clears the screen, and begins at its top. */
const CLEAR = '\u001B[H\u001B[2J'

export const WATCH = 'show it again every so many seconds (2 when none are given), until interrupted'

/** The time of `--watch`, in milliseconds. @throws WeaveError USAGE */
export function watchMs(text: string): number {
  return 1_000 * numberOf('--watch', text, WATCH_SECONDS_MIN, WATCH_SECONDS_MAX)
}

/** What is to be printed, once it is known. */
export type Showing = () => Promise<() => void>

/**
 * Shows something once, or again and again until the process ends. A daemon that is down for a while, as in a restart,
 * is said to be, and watched on. `seconds`: of `--watch`, undefined without it. `isClearing`: each on a screen of its own.
 */
export async function watching(
  seconds: string | undefined,
  show: Showing,
  { isClearing, wait = delay }: { readonly isClearing: boolean; readonly wait?: (ms: number) => Promise<unknown> },
): Promise<void> {
  if (seconds === undefined) return (await show())()
  const ms = watchMs(seconds)
  let isSeen = false
  for (;;) {
    const print = await show().then(
      shown => {
        isSeen = true
        return shown
      },
      (thrown: unknown) => {
        if (!isAway(thrown, isSeen)) throw thrown
        return () => console.error(`weave-ts: ${thrown.message}`)
      },
    )
    // Not before it is known: the screen would be empty as long as the daemon is asked.
    if (isClearing) process.stdout.write(CLEAR)
    print()
    await wait(ms)
  }
}

/**
 * Whether that means that the daemon is away, and may come back. `isSeen`: it has answered; whoever may only look is then
 * told NO_PERMISSION where it is down, for that socket is gone with it.
 */
function isAway(thrown: unknown, isSeen: boolean): thrown is WeaveError {
  if (!(thrown instanceof WeaveError)) return false
  return ['DAEMON_DOWN', 'DAEMON_BUSY', ...(isSeen ? ['NO_PERMISSION'] : [])].includes(thrown.code)
}
