import { peerLabel } from '../address/mod.ts'
import type { FindingView, PeerRef } from '../api/mod.ts'
import { counted, type Millis } from '../base/mod.ts'
import { doubt, well } from './finding.ts'

/** Clocks that differ by more make it hard to compare the events of two hosts. */
const CLOCK_APART_MS = 2_000

/** What a neighbour's clock said, when it was asked. */
export interface ClockView {
  readonly peer: PeerRef
  /** Of this host's clock; negative: behind it. */
  readonly aheadMs: Millis
  /** It may be so much more or less, for the answer took its time. */
  readonly withinMs: Millis
}

/** How a neighbour fared that was asked to dial this host. */
export interface DialBackView {
  readonly peer: PeerRef
  /** Where it dialled: from where the link to it comes, on the port of this host. */
  readonly endpoint: string
  /** Null: it was reached. */
  readonly why: string | null
}

/** What the neighbours said that answered. */
export interface NeighbourWordsView {
  readonly clocks: readonly ClockView[]
  readonly dialBacks: readonly DialBackView[]
}

/** Whether the clocks of the neighbours and of this host agree. */
export function agreementFindings(clocks: readonly ClockView[]): FindingView[] {
  const apart = clocks.filter(({ aheadMs, withinMs }) => Math.abs(aheadMs) - withinMs > CLOCK_APART_MS)
  const findings = apart.map(({ peer, aheadMs }) =>
    doubt(
      'clock',
      `the clock of ${peerLabel(peer.id, peer.nickname)} is ${seconds(aheadMs)} ${aheadMs < 0 ? 'behind' : 'ahead of'} that of this host, so events and logs of the two do not fit together`,
      'see by `date -u` which of them is wrong, and let a time service keep it (apt install systemd-timesyncd, or chrony)',
      peer,
    ),
  )
  const agreeing = clocks.length - apart.length
  if (agreeing === 0) return findings
  return [
    ...findings,
    well(
      'clock',
      `the ${agreeing === 1 ? 'clock' : 'clocks'} of ${counted(agreeing, 'neighbour')} and of this host agree within ${CLOCK_APART_MS / 1_000} s`,
    ),
  ]
}

function seconds(ms: Millis): string {
  return `${Math.round(Math.abs(ms) / 1_000)} s`
}

/** Whether neighbours that did not dial this host could. */
export function dialBackFindings(dialBacks: readonly DialBackView[], port: number): FindingView[] {
  return dialBacks.map(({ peer, endpoint, why }) => {
    const name = peerLabel(peer.id, peer.nickname)
    if (why === null) return well('tcp', `${name} was asked to dial this host, and reaches ${endpoint}`, peer)
    return doubt(
      'tcp',
      `${name} was asked to dial this host, and does not reach ${endpoint}: ${why}; the link to it was begun here, and so must each be that is made anew`,
      `let TCP port ${port} through the firewall of this host, and what is in front of it; behind a NAT forward the port, or leave it so`,
      peer,
    )
  })
}
