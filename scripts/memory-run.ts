import { setTimeout as passed } from 'node:timers/promises'
import { cpuSecondsOf } from '../test/support/process-facts.ts'
import { launchedPair } from '../test/support/testbed-line.ts'
import { waitFor } from '../test/support/testbed-command.ts'
import type { Host, Testbed } from '../test/support/testbed.ts'
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

/** Resident kibibytes of the first of two daemons, after each run. */
export interface GrowthFigure {
  readonly resident: readonly number[]
  readonly privateDirty: readonly number[]
}

const PREFIX = '198.18.101'
const DEVICE = 'u101'
const AGREE_LIMIT_MS = 60_000
const RUN_LIMIT_MS = 30_000
/** Pings of a run, and bytes of each: as fast as they are answered. */
const PINGS = 3_000
const PING_BYTES = 1_200
const STATUS_CALLS = 100

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
 * first daemon answers a hundred questions; it is measured when that has settled.
 */
export async function measureGrowth(
  bed: Testbed,
  runs: number,
  settleMs: number,
  note: (text: string) => void,
): Promise<GrowthFigure> {
  const { hosts, containers } = await launchedPair(bed)
  const { daemon } = hosts[0]
  const { pid } = await daemon.status()
  const resident: number[] = []
  const privateDirty: number[] = []
  for (let run = 1; run <= runs; run++) {
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
    const split = memorySplit(pid)
    resident.push(split.resident)
    privateDirty.push(split.privateDirty)
    note(`run ${run}: ${(split.resident / 1024).toFixed(1)} MiB`)
  }
  return { resident, privateDirty }
}
