/**
 * What one greedy container leaves: to a TCP stream of another one beside it, to the operator's commands, and to a host that joins
 * meanwhile. See docs/decisions/0061.
 *
 *     [greedy] [modest]                [sink] [far]
 *            \ /                          \ /
 *     (n0) ═ (h1) ═════════ u2 ═════════ (h2)
 *
 * SECONDS: how long each stream is (default 8). Needs root. Removes all that it made. Exit status 1 when a bound is broken, 77 when
 * it cannot run.
 */
import { iperf } from '../test/support/testbed-iperf.ts'
import { launchedPair } from '../test/support/testbed-line.ts'
import { whileServed } from '../test/support/testbed-server.ts'
import { waitFor } from '../test/support/testbed-command.ts'
import { Testbed, meshed, type Host, type Namespace } from '../test/support/testbed.ts'
import { answerTimes } from './answer-times.ts'
import { dropsBetween, dropsText, type DropCounts, type Drops } from './drop-counts.ts'
import { needRoot } from './need-root.ts'
import { table } from './scale-table.ts'
import { numberFromEnvironment } from './number-from-environment.ts'

/** What the greedy one does; undefined: nothing. */
const GREEDY = {
  nothing: undefined,
  'a TCP stream': [],
  'datagrams as long as fit': ['-u', '-b', '0'],
  'datagrams of 64 bytes': ['-u', '-b', '0', '-l', '64'],
} as const
type Greedy = keyof typeof GREEDY
/** With what the others are compared. */
const EQUAL: Greedy = 'a TCP stream'

/** While the greedy one did what it does. */
interface Share {
  readonly greedy: Greedy
  /** Bits a second of the other container's TCP stream. */
  readonly streamBits: number
  /** The longest that the daemon took for its status. */
  readonly answerMs: number
  /** The same of `weave-ts status`, with the start of that program, which has its share of the processors as all have. */
  readonly statusMs: number
  /** By reason, what both daemons dropped while the other stream ran. */
  readonly drops: Drops
  /** From `weave-ts connect` of a host until it and the one that is flooded have a path. */
  readonly joinMs: number
}

/** What a stream beside a greedy flow of datagrams must have of what it has beside another stream. */
const SHARE_MIN = 0.25
/** What an operator waits for, at most. */
const STATUS_MS_MAX = 1_000
const JOIN_MS_MAX = 10_000
/** Where the machine is busy with other things: so many times what it took beside nothing. */
const LONGER_MAX = 3
const PORT = 5201
const SLACK_MS = 60_000
/** Before what is measured begins. */
const RAMP_MS = 1_000
/** Nobody is there: a daemon that is launched towards it waits, and founds nothing. */
const NOBODY = '198.51.100.99'

async function main(): Promise<void> {
  needRoot('fairness')
  const seconds = numberFromEnvironment('fairness', 'SECONDS', 8, 2)
  const bed = new Testbed()
  const broken: string[] = []
  try {
    const shares = await measureShares(bed, seconds, text => console.error(text))
    console.log(['', ...shareTable(shares), ''].join('\n'))
    broken.push(...faultsOf(shares))
  } catch (error) {
    broken.push(error instanceof Error ? error.message : String(error))
    for (const line of bed.logTails()) console.error(`   ${line}`)
  } finally {
    await bed.close()
  }
  for (const text of broken) console.log(`FAIL ${text}`)
  if (broken.length === 0) console.log('every bound holds')
  process.exitCode = broken.length === 0 ? 0 : 1
}

/** Of what a stream has beside another one. */
function shareOf({ streamBits }: Share, shares: readonly Share[]): number {
  return streamBits / shares.find(({ greedy }) => greedy === EQUAL)!.streamBits
}

function shareTable(shares: readonly Share[]): string[] {
  return table(
    [
      'beside',
      'TCP stream, Mb/s',
      `of that beside ${EQUAL}`,
      'dropped',
      'an answer, ms',
      '`weave-ts status`, ms',
      'a host joins, ms',
    ],
    shares.map(share => [
      share.greedy,
      (share.streamBits / 1e6).toFixed(0),
      shareOf(share, shares).toFixed(2),
      dropsText(share.drops),
      share.answerMs.toFixed(0),
      share.statusMs.toFixed(0),
      share.joinMs.toFixed(0),
    ]),
  )
}

function faultsOf(shares: readonly Share[]): string[] {
  const below = (what: string, value: number, bound: number) =>
    value < bound ? [] : [`${what} took ${value.toFixed(0)} ms, not below ${bound}`]
  return shares.flatMap(share => [
    ...(shareOf(share, shares) < SHARE_MIN
      ? [`beside ${share.greedy} a stream has ${shareOf(share, shares).toFixed(2)} of its share, not ${SHARE_MIN}`]
      : []),
    ...below(`beside ${share.greedy} an answer`, share.answerMs, STATUS_MS_MAX),
    ...below(
      `beside ${share.greedy} \`weave-ts status\``,
      share.statusMs,
      Math.max(STATUS_MS_MAX, LONGER_MAX * shares[0]!.statusMs),
    ),
    ...below(`beside ${share.greedy} a host that joins`, share.joinMs, JOIN_MS_MAX),
  ])
}

async function measureShares(bed: Testbed, seconds: number, note: (text: string) => void): Promise<Share[]> {
  const { hosts, containers, ips } = await launchedPair(bed)
  const [modest, far] = (await bed.containers('c3', 'c4')) as [Namespace, Namespace]
  await hosts[0].daemon.attach(modest)
  const farIp = (await hosts[1].daemon.attach(far))[0]!.split('/')[0]!
  await waitFor('a ping between the containers', SLACK_MS, () => containers[0].canPing(ips[1]))
  await waitFor('a ping between the other two', SLACK_MS, () => modest.canPing(farIp))
  const shares: Share[] = []
  for (const [number, greedy] of (Object.keys(GREEDY) as Greedy[]).entries()) {
    note(`beside ${greedy}: ${seconds} s`)
    const newcomer = await waitingHost(bed, hosts[0], number)
    const isOver = { now: false }
    const options = GREEDY[greedy]
    const done =
      options === undefined
        ? Promise.resolve()
        : greedyFlow(containers[0], containers[1], ips[1], 3 * seconds, options).finally(() => (isOver.now = true))
    // Told where it is waited for: it may end long before.
    done.catch(() => undefined)
    await new Promise(resolve => setTimeout(resolve, RAMP_MS))
    const before = await dropsOf(hosts)
    const { bitsPerSecond } = await iperf(modest, far, farIp, seconds)
    const drops = dropsBetween(before, await dropsOf(hosts))
    const answerMs = Math.max(...(await answerTimes(hosts[0].daemon.socketPath, seconds / 4)))
    const statusMs = await longestStatus(hosts[0], 1_000 * (seconds / 4))
    const joinMs = await joined(newcomer, hosts[0])
    if (isOver.now) await done
    if (isOver.now) throw new Error(`${greedy}: it was over before everything was measured`)
    shares.push({ greedy, streamBits: bitsPerSecond, drops, answerMs, statusMs, joinMs })
    await done
    await newcomer.daemon.stopIfRunning()
  }
  return shares
}

async function greedyFlow(
  from: Namespace,
  to: Namespace,
  address: string,
  seconds: number,
  options: readonly string[],
) {
  const client = ['iperf3', '-c', address, '-t', String(seconds), ...options]
  await whileServed(to, ['iperf3', '-s', '-B', address], PORT, async said => {
    const { status, stderr } = await from.run(client, { limitMs: seconds * 1000 + SLACK_MS })
    if (status !== 0) throw new Error(`${client.join(' ')}: status ${status}: ${stderr}; the server says: ${said()}`)
  })
}

/** Launched, and of no mesh yet. */
async function waitingHost(bed: Testbed, h1: Host, number: number): Promise<Host> {
  const host = await bed.host(`n${number}`)
  await bed.link(h1, host, `198.51.${100 + number}`)
  await host.daemon.launch([NOBODY], { passwordFile: bed.passwordFile })
  return host
}

/** Of both since their start, each by `sender ` or `receiver ` and its reason. */
async function dropsOf(hosts: readonly Host[]): Promise<DropCounts> {
  const counters = await Promise.all(hosts.map(async host => (await host.daemon.report()).engine.counters))
  return new Map(
    counters.flatMap((of, i) =>
      Object.entries(of)
        .filter(([name]) => name.startsWith('drop:'))
        .map(([name, count]) => [name.replace('drop:', i === 0 ? 'sender ' : 'receiver '), count] as const),
    ),
  )
}

async function longestStatus(host: Host, forMs: number): Promise<number> {
  let longest = 0
  for (const until = performance.now() + forMs; performance.now() < until;) {
    const { status, stderr, durationMs } = await host.daemon.cli('status')
    if (status !== 0) throw new Error(`weave-ts status: ${stderr}`)
    longest = Math.max(longest, durationMs)
  }
  return longest
}

async function joined(newcomer: Host, h1: Host): Promise<number> {
  const begun = performance.now()
  await newcomer.daemon.say('connect', [...h1.addresses.values()].at(-1)!)
  await meshed([newcomer, h1], SLACK_MS)
  return performance.now() - begun
}

await main()
