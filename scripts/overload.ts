/**
 * Floods a daemon with datagrams, from a container and from outside: what it drops and how that is told, whether its memory
 * grows, how long its API takes, and what a ping of others loses meanwhile. See docs/decisions/0061.
 *
 *     [c1]              [c2]
 *      │                 │
 *     (h1) ═══ u2 ═════ (h2)
 *
 * FLOODS: which (default all); `nothing` comes first in any case, as what to compare with. SECONDS: how long each (default 10).
 * ROUNDS: how often each (default 2).
 * Needs root. Removes all that it made. Exit status 1 when a bound is broken, 77 when it cannot run.
 */
import { writeFileSync } from 'node:fs'
import { exposedSamples } from '../test/support/exposition.ts'
import { mostResidentKibibytesOf } from '../test/support/process-facts.ts'
import { launchedPair } from '../test/support/testbed-line.ts'
import { waitFor } from '../test/support/testbed-command.ts'
import { Testbed, type Host, type Namespace } from '../test/support/testbed.ts'
import { answerTimes } from './answer-times.ts'
import { compiled } from './bench/compiler.ts'
import { dropsBetween, dropsText, type DropCounts, type Drops } from './drop-counts.ts'
import { memorySplit } from './memory-split.ts'
import { needRoot } from './need-root.ts'
import { table } from './scale-table.ts'
import { numberFromEnvironment } from './number-from-environment.ts'
import { wordsFromEnvironment } from './words-from-environment.ts'

const PORT = '6783'
const DEVICE = 'u2'
/** By name: the reasons of drops of which at least one must be told. */
const FLOODS: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  container: ['tap-queue', 'udp-full', 'udp-queue', 'tap-full'],
  nonsense: ['no-session'],
  replayed: ['replay'],
  forged: ['auth'],
}
/**
 * What floods may leave, of memory that is in no file: as much as the heap of JavaScript goes up and down while nothing is the
 * matter. Millions of datagrams that left a few bytes each would be above it.
 */
const GROWTH_MEBIBYTES = 12
/** After a flood, before memory is looked at. */
const SETTLE_MS = 3_000
const SLACK_MS = 60_000
const PING_EVERY_S = 0.02
const REASONS_SHOWN = 3

interface Round {
  readonly flood: string
  readonly sentPerSecond: number
  /** Of the daemon that is flooded, by reason, the most first. */
  readonly drops: Drops
  readonly worstAnswerMs: number
  readonly lostShare: number
  readonly ownKibibytes: number
  readonly mostKibibytes: number
}

interface Stage {
  readonly hosts: readonly [Host, Host]
  readonly containers: readonly [Namespace, Namespace]
  readonly ips: readonly [string, string]
  readonly program: string
  readonly seconds: number
}

async function main(): Promise<void> {
  needRoot('overload')
  const asked = [...new Set(['nothing', ...wordsFromEnvironment('overload', 'FLOODS', Object.keys(FLOODS))])]
  const seconds = numberFromEnvironment('overload', 'SECONDS', 10)
  const times = numberFromEnvironment('overload', 'ROUNDS', 2)
  const program = await compiled('scripts/bench/flood.cpp')
  const rounds: Round[] = []
  const broken: string[] = []
  const bed = new Testbed()
  try {
    const pair = await launchedPair(bed)
    await waitFor('a ping between the containers', SLACK_MS, () => pair.containers[0].canPing(pair.ips[1]))
    for (const flood of asked)
      for (let round = 1; round <= times; round++) {
        console.error(`${flood}: ${seconds} s, round ${round}`)
        rounds.push(await flooded({ ...pair, program, seconds }, flood))
      }
    await waitFor('a ping after all floods', SLACK_MS, () => pair.containers[0].canPing(pair.ips[1]))
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error))
  } finally {
    await bed.close()
  }
  console.log(told(rounds).join('\n'))
  broken.push(...asked.flatMap(flood => faultsOf(flood, rounds)))
  for (const text of broken) console.log(`FAIL ${text}`)
  if (broken.length === 0) console.log('every bound holds')
  process.exitCode = broken.length === 0 ? 0 : 1
}

async function flooded(stage: Stage, flood: string): Promise<Round> {
  const { hosts, containers, ips, seconds } = stage
  const [h1, h2] = hosts
  const { pid } = await h1.daemon.status()
  const before = await dropsOf(h1)
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  const pings = Math.round(seconds / PING_EVERY_S)
  const [sent, answers, ping] = await Promise.all([
    sentBy(stage, flood),
    answerTimes(h1.daemon.socketPath, seconds),
    containers[1].run(['ping', '-n', '-q', '-i', String(PING_EVERY_S), '-c', String(pings), ips[0]], {
      limitMs: seconds * 1000 + SLACK_MS,
    }),
  ])
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
  await waitFor('the link between both', SLACK_MS, async () =>
    (await h2.daemon.status()).connections.some(({ state }) => state === 'established'),
  )
  const drops = dropsBetween(before, await dropsOf(h1))
  const received = Number(/(\d+) received/.exec(ping.stdout)?.[1] ?? 0)
  return {
    flood,
    sentPerSecond: sent / seconds,
    drops,
    worstAnswerMs: Math.max(...answers),
    lostShare: 1 - received / pings,
    ownKibibytes: memorySplit(pid).privateDirty,
    mostKibibytes: mostResidentKibibytesOf(pid),
  }
}

/** Datagrams that left. */
async function sentBy({ hosts, containers, ips, program, seconds }: Stage, flood: string): Promise<number> {
  if (flood === 'nothing') return 0
  const options = { limitMs: seconds * 1000 + SLACK_MS }
  const { status, stdout, stderr } =
    flood === 'container'
      ? await containers[0].run([program, 'nonsense', ips[1], PORT, String(seconds)], options)
      : await hosts[1].run([program, flood, hosts[0].address, PORT, String(seconds), DEVICE], options)
  if (status !== 0) throw new Error(`flood ${flood}: status ${status}: ${stderr.trim()}`)
  return Number(stdout)
}

/** What the engine dropped since its start, as an operator reads it. */
async function dropsOf(host: Host): Promise<DropCounts> {
  const samples = exposedSamples(await host.daemon.say('metrics'))
  const drops = samples.filter(({ name, labels }) => name === 'weave_ts_drops_total' && labels['where'] === 'engine')
  return new Map(drops.map(({ labels, value }) => [labels['reason'] ?? '', value]))
}

function told(rounds: readonly Round[]): string[] {
  return table(
    [
      'flood',
      'sent, k/s',
      'dropped, by reason',
      'longest answer, ms',
      'others’ ping lost, %',
      'most, MiB',
      'own after, MiB',
    ],
    rounds.map(round => [
      round.flood,
      (round.sentPerSecond / 1000).toFixed(0),
      dropsText(round.drops.slice(0, REASONS_SHOWN)),
      round.worstAnswerMs.toFixed(0),
      (100 * round.lostShare).toFixed(0),
      (round.mostKibibytes / 1024).toFixed(1),
      (round.ownKibibytes / 1024).toFixed(1),
    ]),
  )
}

function faultsOf(flood: string, rounds: readonly Round[]): string[] {
  const own = rounds.filter(round => round.flood === flood)
  const wanted = FLOODS[flood]!
  const grown = Math.max(...own.map(({ ownKibibytes }) => ownKibibytes - rounds[0]!.ownKibibytes)) / 1024
  return [
    ...(grown >= GROWTH_MEBIBYTES ? [`${flood}: ${grown.toFixed(1)} MiB more than before all floods`] : []),
    ...own
      .filter(({ drops }) => wanted.length > 0 && !drops.some(([reason]) => wanted.includes(reason)))
      .map(() => `${flood}: nothing is told of ${wanted.join(', ')}`),
  ]
}

await main()
