import type { Report } from '../../../lib/api/mod.ts'
import type { HostFacts } from '../../../lib/doctor/mod.ts'
import { detailsOf, statusOf } from '../../../lib/daemon/status/status.ts'
import type { NodeReport } from '../../../lib/node/mod.ts'
import { nodeReport, NOW } from '../../support/node-reports.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'

const FACTS = {
  ...{ version: '1.2.3', pid: 42, stateDir: '/var/lib/weave-ts', hasSecret: true, mtu: 1_376 },
  startedAt: NOW - 90_000,
}

/** The report of a daemon whose node reports so, 90 s after its start, on a host where nothing is wrong. */
export function reportOf(parts: Partial<NodeReport> = {}, fields: Partial<Report> = {}): Report {
  const node = nodeReport(parts)
  const offloads = {
    checksum: true,
    tapGso: true,
    tapUso: true,
    udpGso: true,
    udpGro: true,
    tapQueues: true,
    udpClasses: true,
  }
  return {
    ...statusOf(node, FACTS, NOW),
    ...SERVICE_FIELDS,
    ...detailsOf(node, { offloads, counters: {}, macs: [], refused: {} }, NOW),
    ...fields,
  }
}

/** A host where nothing is wrong, with what a test adds. */
export function hostFacts(parts: Partial<HostFacts> = {}): HostFacts {
  return {
    asked: {
      ...{ bridge: 'weave', device: 'weave-tap', range: '10.32.0.0/12', port: 6783, mayAdoptBridge: false },
      stateDir: '/var/lib/weave-ts',
    },
    kernel: '6.1.0',
    preflight: {
      ...{ privileges: undefined, tun: undefined, tools: undefined },
      ...{ bridge: undefined, device: undefined, range: undefined },
    },
    bridgeFilters: [],
    inputDrops: [],
    underlayMtu: 1_500,
    isClockKept: true,
    freeBytes: 10 ** 10,
    ...parts,
  }
}

/** Check, verdict and peer of each, in a line. */
export function shortOf(
  findings: readonly { readonly check: string; readonly verdict: string; readonly peer: { nickname: string } | null }[],
): string[] {
  return findings.map(({ check, verdict, peer }) =>
    [check, verdict, ...(peer === null ? [] : [peer.nickname])].join(' '),
  )
}
