import type { DoctorAnswer, Report } from '../api/mod.ts'
import type { Advice, WeaveError } from '../base/mod.ts'
import { contactFindings, secretFindings } from './contact-checks.ts'
import { dockerFindings, resolverFindings } from './container-checks.ts'
import { daemonFindings, identityFindings, offloadFindings, warningFindings } from './daemon-checks.ts'
import { doctorAnswer, problem, unknown, well } from './finding.ts'
import {
  bridgeFilterFindings,
  clockFindings,
  diskFindings,
  inputFindings,
  preflightFindings,
  underlayFindings,
  type FirewallFacts,
} from './host-checks.ts'
import type { HostFacts } from './host-facts.ts'
import { agreementFindings, type NeighbourWordsView } from './neighbour-words.ts'
import { mtuFindings, tcpFindings, udpFindings, versionFindings, type PathSizesView } from './neighbour-checks.ts'

/** What a daemon knows of itself. */
export interface DaemonSeen {
  readonly report: Report
  readonly paths: PathSizesView
  /** Another process with the identity of this peer. */
  readonly double: { readonly text: string; readonly remedy: string } | undefined
  readonly firewall: FirewallFacts
  readonly words: NeighbourWordsView
  /** Of the status, those that no check here is about. */
  readonly warnings: readonly Advice[]
}

/** All checks. */
export function diagnose(seen: DaemonSeen, host: HostFacts, now: Date): DoctorAnswer {
  const { report, double, firewall, words, warnings } = seen
  const paths = mtuFindings(report, seen.paths)
  const open = {
    tcp:
      report.peers.some(peer => peer.isSelf && peer.connections.some(one => one.direction === 'inbound')) ||
      words.dialBacks.some(({ why }) => why === null),
    udp: report.connections.some(({ path }) => path?.kind === 'direct'),
  }
  const all = [
    ...daemonFindings(report),
    ...identityFindings(double),
    ...secretFindings(report),
    ...contactFindings(report),
    ...tcpFindings(report, words.dialBacks),
    ...udpFindings(report),
    // What was measured says more than what this host's interfaces let expect.
    ...(paths.length > 0 ? paths : underlayFindings(host, report.overlay.mtu)),
    ...versionFindings(report),
    ...preflightFindings(host),
    ...inputFindings(host, open),
    ...bridgeFilterFindings(host, firewall),
    ...offloadFindings(report, host.kernel),
    ...clockFindings(host, now),
    ...agreementFindings(words.clocks),
    ...diskFindings(host),
    ...dockerFindings(report),
    ...resolverFindings(report),
    ...warningFindings(warnings),
  ]
  return doctorAnswer(all, true)
}

/** What can be told where no daemon answers. */
export interface DaemonDown {
  readonly down: WeaveError
  /** Why the port cannot be listened at; undefined: it can. */
  readonly taken: WeaveError | undefined
}

/** The checks that need no daemon. */
export function diagnoseWithoutDaemon({ down, taken }: DaemonDown, host: HostFacts, now: Date): DoctorAnswer {
  const { port } = host.asked
  const listening =
    taken === undefined
      ? well('listening', `TCP port ${port} is free`)
      : taken.code === 'PORT_IN_USE'
        ? problem('listening', taken.message, taken.remedy)
        : unknown('listening', taken.message, taken.remedy)
  const all = [
    problem('daemon', down.message, down.remedy),
    ...preflightFindings(host),
    listening,
    ...inputFindings(host, { tcp: false, udp: false }),
    ...bridgeFilterFindings(host, undefined),
    ...clockFindings(host, now),
    ...diskFindings(host),
  ]
  return doctorAnswer(all, false)
}
