import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { answerTimeout, pingOptions, pingPeer, pingSummary, renderSummary } from './ping.ts'
import { clientOf, print, settingsOf, withSettings } from './settings.ts'
import { isTraced, renderTrace, tracePeer } from './trace.ts'

const PEER = 'nickname, id or how it begins, or an address of a container behind it'
/** Nothing was answered. */
const EXIT_NO_ANSWER = 1

/** Of the ways that data takes: `ping`, `trace`; `status routes` is with the other parts of `status`. */
export function addWayCommands(program: Command): void {
  withSettings(
    program
      .command('ping')
      .description('ask another peer for answers over the data path that frames take, direct or through relays')
      .argument('<peer>', PEER),
  )
    .option('-c, --count <n>', 'how often; 0: until it is interrupted', '4')
    .option('-i, --interval <seconds>', 'from one to the next', '1')
    .option('--timeout <seconds>', 'how long each answer is waited for', '1')
    .action(async (peer: string, given: { count: string; interval: string; timeout: string }, command: Command) => {
      const settings = settingsOf(command)
      const abort = new AbortController()
      process.once('SIGINT', () => abort.abort())
      const answers = await pingPeer(clientOf(settings), peer, pingOptions(given), {
        onLine: line => settings.isJson || console.log(line),
        signal: abort.signal,
        wait: ms => delay(ms, undefined, { signal: abort.signal }).catch(() => undefined),
      })
      const summary = pingSummary(answers)
      if (summary !== undefined) print(settings, summary, renderSummary(summary))
      if ((summary?.answered ?? 0) === 0) process.exitCode = EXIT_NO_ANSWER
    })
  withSettings(
    program
      .command('trace')
      .description('show the way to another peer: the peers between, and how long each takes to answer')
      .argument('<peer>', PEER),
  )
    .option('--timeout <seconds>', 'how long each answer is waited for', '1')
    .action(async (peer: string, { timeout }: { timeout: string }, command: Command) => {
      const settings = settingsOf(command)
      const trace = await tracePeer(clientOf(settings), peer, answerTimeout(timeout))
      print(settings, trace, renderTrace(trace))
      if (!isTraced(trace)) process.exitCode = EXIT_NO_ANSWER
    })
}
