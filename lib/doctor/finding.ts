import { SCHEMA_VERSION, type DoctorAnswer, type FindingView, type PeerRef } from '../api/mod.ts'

/** Everything that is looked at, in the order in which it is shown, and where it belongs. */
const GROUP_OF = {
  daemon: 'daemon',
  mesh: 'daemon',
  identity: 'daemon',
  secret: 'daemon',
  disk: 'daemon',
  status: 'daemon',
  links: 'neighbours',
  tcp: 'neighbours',
  udp: 'neighbours',
  mtu: 'neighbours',
  version: 'neighbours',
  clock: 'neighbours',
  privileges: 'host',
  tun: 'host',
  tools: 'host',
  bridge: 'host',
  device: 'host',
  range: 'host',
  listening: 'host',
  firewall: 'host',
  'bridge-netfilter': 'host',
  offloads: 'host',
  docker: 'containers',
  networks: 'containers',
  attachments: 'containers',
  resolver: 'containers',
} as const satisfies Readonly<Record<string, FindingView['group']>>

export type CheckName = keyof typeof GROUP_OF

const VERDICTS = ['problem', 'warning', 'unknown', 'ok'] as const satisfies readonly FindingView['verdict'][]
const ORDER = Object.keys(GROUP_OF)

export function well(check: CheckName, found: string, peer: PeerRef | null = null): FindingView {
  return { check, group: GROUP_OF[check], verdict: 'ok', peer, found, remedy: null }
}

/** Something is wrong, so that part of what is asked of weave-ts does not work. `remedy`: an imperative sentence. */
export function problem(check: CheckName, found: string, remedy: string, peer: PeerRef | null = null): FindingView {
  return { check, group: GROUP_OF[check], verdict: 'problem', peer, found, remedy }
}

/** All works, but not as well as it could, or perhaps not for long. `remedy` null: `found` says what to do. */
export function doubt(
  check: CheckName,
  found: string,
  remedy: string | null,
  peer: PeerRef | null = null,
): FindingView {
  return { check, group: GROUP_OF[check], verdict: 'warning', peer, found, remedy }
}

/** It could not be looked at, or nobody can tell. */
export function unknown(check: CheckName, found: string, remedy: string | null = null): FindingView {
  return { check, group: GROUP_OF[check], verdict: 'unknown', peer: null, found, remedy }
}

/** All that was found, problems first, then warnings; within these in the order of the checks. */
export function doctorAnswer(findings: readonly FindingView[], isDaemonUp: boolean): DoctorAnswer {
  const sorted = [...findings].sort(
    (a, b) =>
      VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || ORDER.indexOf(a.check) - ORDER.indexOf(b.check),
  )
  const count = (verdict: FindingView['verdict']) => sorted.filter(one => one.verdict === verdict).length
  return {
    schemaVersion: SCHEMA_VERSION,
    isDaemonUp,
    problems: count('problem'),
    warnings: count('warning'),
    findings: sorted,
  }
}
