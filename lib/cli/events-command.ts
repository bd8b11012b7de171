import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { EventView } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { renderEvent } from './render-events.ts'
import { clientOf, print, settingsOf, shown, withSettings, type Settings } from './settings.ts'
import { sinceOf } from './since.ts'

const LIMIT_DEFAULT = 100
/** Who follows wants to see what comes. */
const LIMIT_FOLLOWED = 10
const LIMIT_MAX = 4_096
const AGAIN_MS = 1_000

interface Given {
  readonly follow?: boolean
  readonly since?: string
  readonly limit?: string
}

export function addEventsCommand(program: Command): void {
  withSettings(
    program.command('events').description('print what happened on this host, the newest last; over restarts'),
  )
    .option('--follow', 'go on with what happens, until interrupted, over restarts too')
    .option('--since <time>', 'not what was before: as in 90s, 10m, 2h, 3d, or 2026-01-31T12:00:00Z')
    .option(
      '--limit <count>',
      `so many of the newest at most, up to ${LIMIT_MAX} (default ${LIMIT_DEFAULT}; with --follow ${LIMIT_FOLLOWED}; with --since all)`,
    )
    .action(async (given: Given, command: Command) => {
      const settings = settingsOf(command)
      const since = given.since === undefined ? undefined : sinceOf(given.since, Date.now())
      const preset = given.follow === true ? LIMIT_FOLLOWED : LIMIT_DEFAULT
      const limit = limitOf(given.limit, since === undefined ? preset : LIMIT_MAX)
      const { events } = await clientOf(settings).call('events', { limit, ...(since !== undefined && { since }) })
      if (given.follow !== true) return print(settings, events, events.map(renderEvent).join('\n'))
      for (const event of events) printOne(settings, event)
      await followed(settings, events.at(-1)?.seq ?? 0)
    })
}

/** As JSON it is a line for each. */
function printOne(settings: Settings, event: EventView): void {
  console.log(settings.isJson ? JSON.stringify(event) : shown(renderEvent(event)))
}

/** The daemon may end and come back meanwhile. */
async function followed(settings: Settings, last: number): Promise<never> {
  let after = last
  let isSaid = false
  for (;;) {
    try {
      await clientOf(settings).follow({ after }, event => {
        after = event.seq
        isSaid = false
        printOne(settings, event)
      })
    } catch (thrown) {
      // The latter for whoever may only look: that socket is gone with the daemon.
      if (!(thrown instanceof WeaveError) || !['DAEMON_DOWN', 'NO_PERMISSION'].includes(thrown.code)) throw thrown
      if (!isSaid) console.error(`weave-ts: ${thrown.message}; waiting for it`)
      isSaid = true
      await delay(AGAIN_MS)
    }
  }
}

function limitOf(text: string | undefined, preset: number): number {
  if (text === undefined) return preset
  const count = Number(text)
  if (/^\d{1,4}$/.test(text) && count >= 1 && count <= LIMIT_MAX) return count
  throw new WeaveError(
    'USAGE',
    `--limit ${JSON.stringify(text.slice(0, 40))} is no count: it must be a whole number from 1 to ${LIMIT_MAX}`,
    'write it as in --limit 20',
  )
}
