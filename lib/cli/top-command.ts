import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { numberOf } from './number-option.ts'
import { renderTop } from './render-top.ts'
import { clientOf, isScreen, print, settingsOf, withSettings } from './settings.ts'
import { watching } from './watch.ts'

const SECONDS_MIN = 0.1
const SECONDS_MAX = 60
const PAIRS_SHOWN_MAX = 1_000
/** Of a terminal so many lines are not for pairs: headings, what is not shown, the prompt. */
const OTHER_LINES = 4
/** Between two looks. */
const PAUSE_MS = 100

export function addTopCommand(program: Command): void {
  withSettings(
    program
      .command('top')
      .description(
        'show which containers talk most over this host, by a sample of frames; again and again on a terminal, once otherwise',
      ),
  )
    .option('--seconds <n>', 'how long frames are looked at for each table', '2')
    .option('-n, --count <n>', `pairs that are shown, the busiest first (default: what fits a terminal, or 20)`)
    .action(async (given: { seconds: string; count?: string }, command: Command) => {
      const settings = settingsOf(command)
      const seconds = numberOf('--seconds', given.seconds, SECONDS_MIN, SECONDS_MAX)
      const limit = given.count === undefined ? fitting() : numberOf('--count', given.count, 1, PAIRS_SHOWN_MAX, true)
      const isLive = isScreen(settings)
      await watching(
        isLive ? '1' : undefined,
        async () => {
          const answer = await clientOf(settings).call('top', { seconds, limit })
          return () => print(settings, answer, renderTop(answer))
        },
        { isClearing: isLive, wait: () => delay(PAUSE_MS) },
      )
    })
}

function fitting(): number {
  return process.stdout.isTTY ? Math.max(1, process.stdout.rows - OTHER_LINES) : 20
}
