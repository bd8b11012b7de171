import type { DoctorAnswer, FindingView, PeerView, Status } from './answers.ts'
import { calledBy, sentence } from './words.ts'

/** Something that is wrong, or may be, in words. */
export interface Complaint {
  readonly severity: 'problem' | 'warning' | 'unknown'
  readonly what: string
  /** Null: nothing is to be done, or `what` says it. */
  readonly remedy: string | null
}

const SEVERITIES: readonly Complaint['severity'][] = ['problem', 'warning', 'unknown']
/** The hosts that are named when many are not reached. */
const NAMED_GONE_MAX = 10
const FAILED_STATES: readonly string[] = ['failed', 'retrying']

/**
 * What is wrong, the worst first: what the status says at once, and what `doctor` found when it looked last. Where
 * doctor is not known (it has not answered yet, or may not be asked), the status tells what it can.
 */
export function complaintsOf(status: Status, doctor: DoctorAnswer | null): Complaint[] {
  const found = (doctor?.findings ?? []).filter(({ verdict }) => verdict !== 'ok')
  const all = [
    ...readiness(status, found),
    ...unreached(status),
    ...ways(status, found),
    ...(doctor === null ? toldByStatus(status) : found.map(complaintOf)),
  ]
  return SEVERITIES.flatMap(severity => all.filter(complaint => complaint.severity === severity))
}

/** What is wrong in one line. */
export function complaintSummary(complaints: readonly Complaint[]): string {
  const count = (severity: Complaint['severity']) =>
    complaints.filter(complaint => complaint.severity === severity).length
  const said = [
    [count('problem'), 'problem', 'problems'],
    [count('warning'), 'warning', 'warnings'],
  ] as const
  const parts = said.flatMap(([number, one, more]) => (number === 0 ? [] : [`${number} ${number === 1 ? one : more}`]))
  return parts.length === 0 ? 'Nothing is wrong' : parts.join(', ')
}

function complaintOf({ verdict, found, remedy }: FindingView): Complaint {
  return {
    severity: verdict === 'ok' ? 'unknown' : verdict,
    what: sentence(found),
    remedy: remedy === null ? null : sentence(remedy),
  }
}

function readiness(status: Status, found: readonly FindingView[]): Complaint[] {
  if (status.isReady || found.some(({ check }) => check === 'mesh')) return []
  const why = status.waiting[0] ?? status.ipam.reason ?? 'it is not said why'
  return [
    {
      severity: 'problem',
      what: `Addresses cannot be given on this host: ${why}`,
      remedy: 'Do what it waits for; `weave-ts status connections` shows all attempts',
    },
  ]
}

/** Hosts of the mesh that are not reached, one by one as long as they are few. */
function unreached({ peers }: Status): Complaint[] {
  const gone = peers.filter(({ isSelf, isReachable }) => !isSelf && !isReachable)
  const remedy = (name: string) =>
    `See whether that host is up and weave-ts runs there (\`weave-ts doctor\`). If it is gone for good, give its addresses to others: \`weave-ts rmpeer ${name}\``
  if (gone.length <= NAMED_GONE_MAX)
    return gone.map(peer => ({
      severity: 'problem',
      what: `The host ${calledBy(peer)} is not reached`,
      remedy: remedy(peer.nickname === '' ? peer.id : peer.nickname),
    }))
  const named = gone.slice(0, NAMED_GONE_MAX).map(calledBy).join(', ')
  return [
    {
      severity: 'problem',
      what: `${gone.length} hosts are not reached: ${named} and ${gone.length - NAMED_GONE_MAX} more`,
      remedy: remedy('HOST'),
    },
  ]
}

/** Paths that are not what they should be. What doctor says of a peer is better. */
function ways({ peers }: Status, found: readonly FindingView[]): Complaint[] {
  return peers.flatMap(peer => {
    const isTold = found.some(one => one.check === 'udp' && one.peer?.id === peer.id)
    return peer.isSelf || !peer.isReachable || isTold ? [] : wayComplaint(peer)
  })
}

function wayComplaint(peer: PeerView): Complaint[] {
  const { path } = peer
  const name = calledBy(peer)
  if (path === null || path.kind === 'direct') return []
  const why = path.why === null ? '' : `: ${path.why}`
  const remedy = 'Let the UDP port of weave-ts through the firewalls on both hosts and between them'
  if (path.kind === 'none') return [{ severity: 'problem', what: `No frames get through to ${name}${why}`, remedy }]
  const way = path.via === null ? 'over the control link (TCP), which is slower' : `through ${calledBy(path.via)}`
  return [{ severity: 'warning', what: `Frames to ${name} go ${way}${why}`, remedy }]
}

/** Without doctor. */
function toldByStatus({ connections, ipam, isReady, waiting, warnings }: Status): Complaint[] {
  const failed = connections.flatMap(({ address, error, path, state }): Complaint[] =>
    error === null || path !== null || !FAILED_STATES.includes(state)
      ? []
      : [
          {
            severity: 'warning',
            what: `${address} is not reached: ${error}`,
            remedy: 'Look at `weave-ts status connections` on both hosts',
          },
        ],
  )
  const disputed = ipam.disputed.map(({ address, container, owner, usedBy }): Complaint => ({
    severity: 'problem',
    what: `${address} of ${container} is in dispute with ${calledBy(usedBy ?? owner ?? { id: 'another host', nickname: '' })}`,
    remedy: 'See `weave-ts status ipam`',
  }))
  const told = warnings.map((what): Complaint => ({ severity: 'warning', what: sentence(what), remedy: null }))
  // The first of them is why it is not ready.
  const waits = (isReady ? waiting : waiting.slice(1)).map((what): Complaint => ({
    severity: 'warning',
    what: `This host waits: ${what}`,
    remedy: null,
  }))
  return [...disputed, ...failed, ...told, ...waits]
}
