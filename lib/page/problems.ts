import type { DoctorAnswer, FindingView, PeerView, Status } from './answers.ts'
import { calledBy, sentence } from './words.ts'

/** Something that is wrong, or may be, in words. */
export interface Trouble {
  readonly severity: 'problem' | 'warning' | 'unknown'
  readonly what: string
  /** Null: nothing is to be done, or `what` says it. */
  readonly remedy: string | null
}

const ORDER: readonly Trouble['severity'][] = ['problem', 'warning', 'unknown']
/** The hosts that are named when many are not reached. */
const NAMED_MAX = 10
const FAILED_STATES: readonly string[] = ['failed', 'retrying']

/**
 * What is wrong, the worst first: what the status says at once, and what `doctor` found when it looked last. Where
 * doctor is not known (it has not answered yet, or may not be asked), the status tells what it can.
 */
export function troublesOf(status: Status, doctor: DoctorAnswer | null): Trouble[] {
  const found = (doctor?.findings ?? []).filter(({ verdict }) => verdict !== 'ok')
  const all = [
    ...readiness(status, found),
    ...unreached(status),
    ...ways(status, found),
    ...(doctor === null ? toldByStatus(status) : found.map(troubleOf)),
  ]
  return ORDER.flatMap(severity => all.filter(trouble => trouble.severity === severity))
}

/** What is wrong in one line. */
export function troubleSummary(troubles: readonly Trouble[]): string {
  const count = (severity: Trouble['severity']) => troubles.filter(trouble => trouble.severity === severity).length
  const said = [
    [count('problem'), 'problem', 'problems'],
    [count('warning'), 'warning', 'warnings'],
  ] as const
  const parts = said.flatMap(([number, one, more]) => (number === 0 ? [] : [`${number} ${number === 1 ? one : more}`]))
  return parts.length === 0 ? 'Nothing is wrong' : parts.join(', ')
}

function troubleOf({ verdict, found, remedy }: FindingView): Trouble {
  return {
    severity: verdict === 'ok' ? 'unknown' : verdict,
    what: sentence(found),
    remedy: remedy === null ? null : sentence(remedy),
  }
}

function readiness(status: Status, found: readonly FindingView[]): Trouble[] {
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
function unreached({ peers }: Status): Trouble[] {
  const gone = peers.filter(({ isSelf, isReachable }) => !isSelf && !isReachable)
  const remedy = (name: string) =>
    `See whether that host is up and weave-ts runs there (\`weave-ts doctor\`). If it is gone for good, give its addresses to others: \`weave-ts rmpeer ${name}\``
  if (gone.length <= NAMED_MAX)
    return gone.map(peer => ({
      severity: 'problem',
      what: `The host ${calledBy(peer)} is not reached`,
      remedy: remedy(peer.nickname === '' ? peer.id : peer.nickname),
    }))
  const named = gone.slice(0, NAMED_MAX).map(calledBy).join(', ')
  return [
    {
      severity: 'problem',
      what: `${gone.length} hosts are not reached: ${named} and ${gone.length - NAMED_MAX} more`,
      remedy: remedy('HOST'),
    },
  ]
}

/** Paths that are not what they should be. What doctor says of a peer is better. */
function ways({ peers }: Status, found: readonly FindingView[]): Trouble[] {
  return peers.flatMap(peer => {
    const isTold = found.some(one => one.check === 'udp' && one.peer?.id === peer.id)
    return peer.isSelf || !peer.isReachable || isTold ? [] : wayTrouble(peer)
  })
}

function wayTrouble(peer: PeerView): Trouble[] {
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
function toldByStatus({ connections, ipam, isReady, waiting, warnings }: Status): Trouble[] {
  const failed = connections.flatMap(({ address, error, path, state }): Trouble[] =>
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
  const disputed = ipam.disputed.map(({ address, container, owner, usedBy }): Trouble => ({
    severity: 'problem',
    what: `${address} of ${container} is in dispute with ${calledBy(usedBy ?? owner ?? { id: 'another host', nickname: '' })}`,
    remedy: 'See `weave-ts status ipam`',
  }))
  const told = warnings.map((what): Trouble => ({ severity: 'warning', what: sentence(what), remedy: null }))
  // The first of them is why it is not ready.
  const waits = (isReady ? waiting : waiting.slice(1)).map((what): Trouble => ({
    severity: 'warning',
    what: `This host waits: ${what}`,
    remedy: null,
  }))
  return [...disputed, ...failed, ...told, ...waits]
}
