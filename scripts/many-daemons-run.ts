import { readFileSync } from 'node:fs'
import { setTimeout as passed } from 'node:timers/promises'
import type { Status } from '../lib/api/mod.ts'
import { cpuSecondsOf, isRunning, residentKibibytesOf } from '../test/support/process-facts.ts'
import { must, waitFor } from '../test/support/testbed-command.ts'
import type { Host, Testbed } from '../test/support/testbed.ts'

export interface Spread {
  readonly least: number
  readonly mean: number
  readonly most: number
}

/** Seconds are undefined where it did not come to be in time. */
export interface ManyRun {
  readonly daemons: number
  /** Of one `weave-ts launch`, on average. */
  readonly launchSeconds: number
  readonly agreedSeconds: number | undefined
  readonly corePercent: Spread
  /** On the wire of its only underlay interface, with all headers. */
  readonly sentPerSecond: Spread
  readonly receivedPerSecond: Spread
  readonly links: Spread
  readonly residentMebibytes: Spread
  /** From the moment when half were killed until the others saw exactly each other. */
  readonly lossSeconds: number | undefined
}

interface Member {
  readonly host: Host
  readonly pid: number
  readonly id: string
}

/** What the kernel counted for a daemon. */
interface Meter {
  readonly cpuSeconds: number
  readonly sentBytes: number
  readonly receivedBytes: number
}

const PREFIX = '198.18.100'
const DEVICE = 'u100'
const AGREE_LIMIT_MS = 60_000
const LOSS_LIMIT_MS = 60_000
const IDLE_MS = 30_000
const POLL_MS = 100
const END_LIMIT_MS = 5_000

/** One mesh of real daemons from the first launch to the loss of half of it. */
export class ManyDaemons {
  readonly #bed: Testbed
  readonly #count: number
  readonly #note: (text: string) => void

  constructor(bed: Testbed, count: number, note: (text: string) => void) {
    this.#bed = bed
    this.#count = count
    this.#note = note
  }

  /** `settleMs`: after all agree, before it is called idle. */
  async run(settleMs: number): Promise<ManyRun> {
    this.#note('making namespaces')
    const hosts: Host[] = []
    for (let number = 1; number <= this.#count; number++) hosts.push(await this.#bed.host(`h${number}`))
    await this.#bed.lan(hosts, PREFIX, DEVICE)
    await acquaint(hosts)

    this.#note('launching')
    const launchBegan = performance.now()
    for (const host of hosts)
      await host.daemon.launch(host === hosts[0] ? [] : [hosts[0]!.address], { passwordFile: this.#bed.passwordFile })
    const launchedAt = performance.now()
    const launchSeconds = (launchedAt - launchBegan) / 1000 / hosts.length
    const members: Member[] = []
    for (const host of hosts) {
      const { pid, peer } = await host.daemon.api.call('status')
      members.push({ host, pid, id: peer.id })
    }
    const agreedSeconds = await this.#agreed('all see all', members, launchedAt, AGREE_LIMIT_MS)

    await passed(settleMs)
    const before = members.map(meterOf)
    const meteredAt = performance.now()
    await passed(IDLE_MS)
    const after = members.map(meterOf)
    const seconds = (performance.now() - meteredAt) / 1000
    const perSecond = (value: (meter: Meter) => number) =>
      spread(after.map((meter, i) => (value(meter) - value(before[i]!)) / seconds))
    const corePercent = perSecond(meter => meter.cpuSeconds * 100)
    const sentPerSecond = perSecond(meter => meter.sentBytes)
    const receivedPerSecond = perSecond(meter => meter.receivedBytes)
    this.#note(`idle: ${corePercent.mean.toFixed(2)} % of a core, ${sentPerSecond.mean.toFixed(0)} B/s sent, each`)
    const links: number[] = []
    for (const { host } of members) links.push(linksOf(await host.daemon.api.call('status')))
    const residentMebibytes = spread(members.map(({ pid }) => residentKibibytesOf(pid) / 1024))

    const lossSeconds = await this.#lose(members)
    return {
      daemons: this.#count,
      launchSeconds,
      agreedSeconds,
      corePercent,
      sentPerSecond,
      receivedPerSecond,
      links: spread(links),
      residentMebibytes,
      lossSeconds,
    }
  }

  /** Every second one, beginning with the one that all were launched towards. */
  async #lose(members: readonly Member[]): Promise<number | undefined> {
    const dying = members.filter((_, i) => i % 2 === 0)
    const living = members.filter((_, i) => i % 2 === 1)
    const killedAt = performance.now()
    for (const { pid } of dying) process.kill(pid, 'SIGKILL')
    for (const { pid } of dying) await waitFor(`end of process ${pid}`, END_LIMIT_MS, () => !isRunning(pid))
    return this.#agreed('the others see exactly each other', living, killedAt, LOSS_LIMIT_MS)
  }

  /** Seconds since `begun` until each of them reaches exactly all of them, in one mesh. */
  async #agreed(what: string, members: readonly Member[], begun: number, limitMs: number): Promise<number | undefined> {
    const ids = members.map(({ id }) => id)
    // Asking costs the daemons time: those that lacked somebody when they were asked last are asked first.
    const queue = [...members]
    let lacking = ''
    while (performance.now() - begun < limitMs) {
      const askedAt = performance.now()
      const odd = await this.#firstOdd(queue, ids)
      if (odd === undefined) {
        const seconds = (askedAt - begun) / 1000
        this.#note(`${what} after ${seconds.toFixed(1)} s`)
        return seconds
      }
      lacking = odd.why
      queue.splice(queue.indexOf(odd.member), 1)
      queue.unshift(odd.member)
      await passed(POLL_MS)
    }
    this.#note(`${what}: not within ${limitMs / 1000} s; ${lacking}`)
    return undefined
  }

  /** The first that does not see exactly these; undefined when all do. */
  async #firstOdd(
    members: readonly Member[],
    ids: readonly string[],
  ): Promise<{ readonly member: Member; readonly why: string } | undefined> {
    let mesh: string | null | undefined
    for (const member of members) {
      const { label } = member.host
      try {
        const status = await member.host.daemon.api.call('status')
        const reached = new Set(status.peers.filter(peer => peer.isReachable).map(({ id }) => id))
        mesh ??= status.mesh.id
        if (status.mesh.id === null || status.mesh.id !== mesh) return { member, why: `${label} is in no common mesh` }
        const missing = ids.filter(id => !reached.has(id)).length
        if (missing > 0 || reached.size !== ids.length)
          return { member, why: `${label} reaches ${reached.size}, and lacks ${missing} of ${ids.length}` }
      } catch (error) {
        return { member, why: `${label}: ${error instanceof Error ? error.message : String(error)}` }
      }
    }
    return undefined
  }
}

/**
 * Tells each host the hardware addresses of all others. Hosts of their own have a neighbour table each; namespaces share the
 * one of the machine, which at 1,024 learned entries (33 hosts that all talk to each other) throws packets away.
 */
async function acquaint(hosts: readonly Host[]): Promise<void> {
  const macs: string[] = []
  for (const host of hosts) {
    const [link] = JSON.parse(await must(['ip', '-n', host.name, '-j', 'link', 'show', 'dev', DEVICE])) as {
      readonly address: string
    }[]
    macs.push(link!.address)
  }
  for (const host of hosts) {
    const lines = hosts.flatMap((other, i) =>
      other === host ? [] : [`neigh replace ${other.address} lladdr ${macs[i]!} dev ${DEVICE} nud permanent`],
    )
    await must(['ip', '-n', host.name, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  }
}

/** Its processor time, and its interface in the namespace where it lives. */
function meterOf({ pid }: Member): Meter {
  const line = readFileSync(`/proc/${pid}/net/dev`, 'utf8')
    .split('\n')
    .map(text => text.trim())
    .find(text => text.startsWith(`${DEVICE}:`))
  const counters = line!
    .slice(DEVICE.length + 1)
    .trim()
    .split(/\s+/)
  return {
    cpuSeconds: cpuSecondsOf(pid),
    receivedBytes: Number(counters[0]),
    sentBytes: Number(counters[8]),
  }
}

function linksOf(status: Status): number {
  const linked = status.connections.filter(({ state }) => ['established', 'pending', 'relayed'].includes(state))
  return new Set(linked.map(({ peer }) => peer?.id)).size
}

function spread(values: readonly number[]): Spread {
  const sum = values.reduce((total, value) => total + value, 0)
  return { least: Math.min(...values), mean: sum / values.length, most: Math.max(...values) }
}
