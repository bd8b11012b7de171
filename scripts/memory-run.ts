import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { cpuSecondsOf } from '../test/support/process-facts.ts'
import { launchedPair } from '../test/support/testbed-line.ts'
import { waitFor } from '../test/support/testbed-command.ts'
import type { Host, Testbed } from '../test/support/testbed.ts'
import { collecting, type Collected } from './memory-collector.ts'
import { memorySplit, type MemorySplit } from './memory-split.ts'

/** A daemon, and how much memory it has after its start has settled. */
export interface MemoryFigure {
  readonly daemons: number
  /** Of the daemon with the most resident memory. */
  readonly split: MemorySplit
  /** Resident kibibytes of each. */
  readonly resident: readonly number[]
  /** Processor seconds (user and system) of a daemon on average, from its beginning to the measurement. */
  readonly cpuSeconds: number
}

/** What is looked at for growth. */
export const GROWING = ['heap', 'external', 'native', 'javascript', 'resident'] as const
/** Kibibytes of the first of two daemons after each run, once it has thrown away what it does not need. */
export type GrowthFigure = Readonly<Record<(typeof GROWING)[number], readonly number[]>>

const PREFIX = '198.18.101'
const DEVICE = 'u101'
const AGREE_LIMIT_MS = 60_000
const RUN_LIMIT_MS = 30_000
/** Pings of a run, and bytes of each: as fast as they are answered. */
const PINGS = 3_000
const PING_BYTES = 1_200
const STATUS_CALLS = 100
/** Until all that is made at first use is there. */
const WARMING_RUNS = 3
const KIBI = 1024

/** Launches so many daemons on one switch, and measures them once they have settled. */
export async function measureMesh(bed: Testbed, daemons: number, settleMs: number): Promise<MemoryFigure> {
  const hosts: Host[] = []
  for (let number = 1; number <= daemons; number++) hosts.push(await bed.host(`h${number}`))
  await bed.lan(hosts, PREFIX, DEVICE)
  for (const host of hosts)
    await host.daemon.launch(host === hosts[0] ? [] : [hosts[0]!.address], { passwordFile: bed.passwordFile })
  for (const host of hosts)
    await waitFor(`${host.label} reaches all`, AGREE_LIMIT_MS, async () => {
      const { peers } = await host.daemon.status()
      return peers.filter(peer => peer.isReachable).length === daemons
    })
  const pids: number[] = []
  for (const host of hosts) pids.push((await host.daemon.status()).pid)
  await passed(settleMs)
  const splits = pids.map(memorySplit)
  const cpuSeconds = pids.reduce((total, pid) => total + cpuSecondsOf(pid), 0) / pids.length
  const split = splits.reduce((most, one) => (one.resident > most.resident ? one : most))
  return { daemons, split, resident: splits.map(({ resident }) => resident), cpuSeconds }
}

/**
 * Two daemons with a container each. A run: both containers leave and come, one pings the other thousands of times, and the
 * first daemon answers a hundred questions; it is measured when that has settled. The first runs, which warm up, count for nothing.
 */
export async function measureGrowth(
  bed: Testbed,
  runs: number,
  settleMs: number,
  note: (text: string) => void,
): Promise<GrowthFigure> {
  const path = join(bed.directory, 'collected')
  const { hosts, containers } = await launchedPair(bed, [], collecting(path))
  const { daemon } = hosts[0]
  const { pid } = await daemon.status()
  const figure: Record<(typeof GROWING)[number], number[]> = {
    heap: [],
    external: [],
    native: [],
    javascript: [],
    resident: [],
  }
  for (let run = 1 - WARMING_RUNS; run <= runs; run++) {
    let address = ''
    for (const [i, host] of hosts.entries()) {
      const container = containers[i]!
      await host.daemon.detach(`netns:${container.name}`)
      address = (await host.daemon.attach(container))[0]!.split('/')[0]!
    }
    await waitFor('a ping between the containers', RUN_LIMIT_MS, () => containers[0].canPing(address))
    await containers[0].must('ping', '-n', '-q', '-f', '-c', String(PINGS), '-s', String(PING_BYTES), address)
    for (let call = 0; call < STATUS_CALLS; call++) await daemon.status()
    await passed(settleMs)
    rmSync(path, { force: true })
    process.kill(pid, 'SIGUSR2')
    await waitFor('a collection', RUN_LIMIT_MS, () => Promise.resolve(existsSync(path)))
    if (run < 1) continue
    const { heap, external } = JSON.parse(readFileSync(path, 'utf8')) as Collected
    const split = memorySplit(pid)
    figure.heap.push(heap / KIBI)
    figure.external.push(external / KIBI)
    figure.native.push(split.parts.malloc + split.parts.buffers + split.parts.stacks)
    figure.javascript.push(split.parts.javascript)
    figure.resident.push(split.resident)
    note(`run ${run}: ${GROWING.map(name => `${name} ${figure[name].at(-1)!.toFixed(0)}`).join(', ')} KiB`)
  }
  return figure
}
