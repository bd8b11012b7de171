import type { FindingView, Report } from '../api/mod.ts'
import type { Advice } from '../base/mod.ts'
import { doubt, problem, unknown, well } from './finding.ts'

/** That it runs, and whether addresses can be given. */
export function daemonFindings(report: Report): FindingView[] {
  const { version, pid, mesh, ipam, waiting, peer } = report
  const up = well('daemon', `weave-ts ${version} runs as process ${pid}, by the name ${peer.nickname}`)
  if (report.isReady)
    return [up, well('mesh', `it is of the mesh ${mesh.id ?? ''}, and gives addresses of ${ipam.range}`)]
  const why = waiting[0] ?? ipam.reason ?? 'it is not said why'
  const remedy =
    mesh.id === null
      ? 'do what it waits for; `weave-ts status connections` shows all attempts'
      : 'look at `weave-ts status ipam`'
  return [up, problem('mesh', `addresses cannot be given: ${why}`, remedy)]
}

/** Whether another process has the identity of this peer. `double`: what is known of it. */
export function identityFindings(
  double: { readonly text: string; readonly remedy: string } | undefined,
): FindingView[] {
  if (double !== undefined) return [problem('identity', double.text, double.remedy)]
  return [well('identity', 'no other process is known to have the identity of this peer')]
}

/** What the status warns of besides. */
export function warningFindings(warnings: readonly Advice[]): FindingView[] {
  return warnings.map(({ what, remedy }) => doubt('status', what, remedy ?? null))
}

/** What goes off with an offload that `--disable-offload` leaves off. */
const LEFT_OFF: Readonly<Record<string, readonly string[]>> = {
  checksum: ['checksum', 'tapGso', 'tapUso'],
  'tap-gso': ['tapGso', 'tapUso'],
  'udp-gso': ['udpGso'],
  'udp-gro': ['udpGro'],
}
/** Kernels that Debian 12 and Ubuntu 22.04 bring do not know it, and little is lost. */
const MINOR_OFFLOAD = 'tapUso'
/** Who goes first: docs/protocol.md §9.1. */
const PRIORITIES: readonly string[] = ['tapQueues', 'udpClasses']

/** Whether the kernel takes work off the packet engine. `kernel`: its release. */
export function offloadFindings(
  { engine, launchOptions }: Pick<Report, 'engine' | 'launchOptions'>,
  kernel: string,
): FindingView[] {
  const off = Object.entries(engine.offloads).flatMap(([name, isOn]) => (isOn ? [] : [name]))
  if (Object.keys(engine.offloads).length === 0) return [unknown('offloads', 'nothing is told of them')]
  const meant = new Set(
    launchOptions.flatMap((word, i) =>
      word === '--disable-offload' ? (launchOptions[i + 1] ?? '').split(',').flatMap(name => LEFT_OFF[name] ?? []) : [],
    ),
  )
  const missing = off.filter(name => !meant.has(name) && name !== MINOR_OFFLOAD)
  const refused = [
    { names: missing.filter(name => !PRIORITIES.includes(name)), cost: 'large transfers take more of the processor' },
    {
      names: missing.filter(name => PRIORITIES.includes(name)),
      cost: 'what sends little waits behind what sends much',
    },
  ].filter(({ names }) => names.length > 0)
  if (refused.length > 0)
    return refused.map(({ names, cost }) =>
      doubt(
        'offloads',
        `the kernel (${kernel}) refuses ${names.join(', ')}, so ${cost}`,
        'run a kernel from 5.0 on, and no container or sandbox that hides what it can do; all works without',
      ),
    )
  const left = off.map(name => `${name} (${meant.has(name) ? '--disable-offload' : 'kernels from 6.2 on have it'})`)
  return [well('offloads', left.length === 0 ? 'all are on' : `all are on but ${left.join(', ')}`)]
}
