import { peerLabel } from '../address/mod.ts'
import type { FindingView, PathView, PeerRef, Report } from '../api/mod.ts'
import { counted, type Advice, type Millis } from '../base/mod.ts'
import { doubt, problem, unknown, well } from './finding.ts'
import { smallerMtu } from './host-checks.ts'
import { dialBackFindings, type DialBackView } from './neighbour-words.ts'

/** A handshake and the first probes may take so long. */
const SETTLED_MS = 10_000
/** Of probes in the last minute. */
const LOSS_PERCENT_MAX = 5

/** What to do where UDP does not get through. */
export function udpAdvice(port: number): string {
  return `let UDP port ${port} through the firewalls on both hosts and between them, or link both to a host that both reach: it will relay`
}

/** A path that carries less than the overlay lets containers send. */
export interface SmallPathView {
  readonly peer: PeerRef
  /** Packets of the underlay, in bytes. */
  readonly mtu: number
  /** Packets of a container, in bytes. */
  readonly carries: number
  /** Even datagrams of the least size do not get through. */
  readonly isLost: boolean
}

/** What was measured of the paths. */
export interface PathSizesView {
  readonly small: readonly SmallPathView[]
  /** What each path carries that was measured: packets of a container, in bytes. */
  readonly carried: readonly number[]
}

type Link = Report['peers'][number]['connections'][number]

function nameOf({ id, nickname }: PeerRef): string {
  return peerLabel(id, nickname)
}

function linksOf({ peers }: Pick<Report, 'peers'>): readonly Link[] {
  return peers.find(({ isSelf }) => isSelf)?.connections ?? []
}

/** Whether the TCP port of each host is open to the other, by who dialled whom, or was asked to. */
export function tcpFindings(report: Report, dialBacks: readonly DialBackView[]): FindingView[] {
  const links = linksOf(report)
  const dialled = links.filter(({ direction }) => direction === 'inbound')
  const shown = links.map(({ direction, address, peer }) =>
    direction === 'inbound'
      ? well('tcp', `${nameOf(peer)} dialled TCP port ${report.port} of this host, from ${address}`, peer)
      : well('tcp', `this host dialled ${nameOf(peer)} at ${address}, which answers`, peer),
  )
  const told = [...shown, ...dialBackFindings(dialBacks, report.port)]
  if (links.length === 0 || dialled.length > 0 || dialBacks.length > 0) return told
  const where = report.endpoints.length === 0 ? `port ${report.port}` : report.endpoints.join(' or ')
  return [
    ...told,
    unknown(
      'tcp',
      `nobody has dialled this host: ${links.length === 1 ? 'the link was' : `all ${links.length} links were`} begun here, ` +
        `and nobody that was asked whether it can has answered, so nothing shows that TCP port ${report.port} of this host is open to others`,
      `try it from a neighbour: nc -vz to ${where}`,
    ),
  ]
}

/** Whether datagrams get through to each neighbour and back, as this host and that one see it. */
export function udpFindings(report: Report): FindingView[] {
  const links = linksOf(report)
  if (report.mesh.id === null || links.length === 0) return []
  return links.map(({ peer }) => {
    const path = report.connections.find(one => one.peer?.id === peer.id && one.path !== null)?.path ?? null
    const others = report.peers.find(({ id }) => id === peer.id)?.connections
    return udpFinding(peer, path, {
      theirs: others?.find(one => one.peer.id === report.peer.id)?.state,
      port: report.port,
      upMs: report.uptimeSeconds * 1_000,
    })
  })
}

function udpFinding(
  peer: PeerRef,
  path: PathView | null,
  { theirs, port, upMs }: { readonly theirs: Link['state'] | undefined; readonly port: number; readonly upMs: Millis },
): FindingView {
  const name = nameOf(peer)
  if (path?.kind === 'relayed' || path?.kind === 'tcp') {
    const way = path.via === null ? 'over the control link (TCP), which is slower' : `through ${nameOf(path.via)}`
    return doubt('udp', `frames to ${name} go ${way}: ${path.why ?? ''}`, udpAdvice(port), peer)
  }
  if (path?.kind !== 'direct') {
    const why = path?.why ?? 'there is no session yet'
    if (upMs < SETTLED_MS)
      return doubt('udp', `no frames get through to ${name} yet: ${why}`, 'try again in a moment', peer)
    return problem(
      'udp',
      `no frames get through to ${name}, though the control link is up: ${why}`,
      udpAdvice(port),
      peer,
    )
  }
  const loss = path.lossPercent ?? 0
  const said = `${name} answers datagrams at ${path.endpoint ?? '?'}${path.rttMs === null ? '' : ` in ${ms(path.rttMs)}`}`
  if (loss > LOSS_PERCENT_MAX)
    return doubt(
      'udp',
      `${said}, but ${loss} % of this host's probes of the last minute got no answer`,
      `look at the network between the two hosts; \`weave-ts ping ${peer.nickname}\` shows it as it is now`,
      peer,
    )
  if (theirs === 'pending')
    return doubt(
      'udp',
      `${said}, but it says itself that its datagrams to this host are not answered yet`,
      `try again in a moment; if it stays so, ${udpAdvice(port)}`,
      peer,
    )
  return well('udp', `${said}${theirs === 'established' ? ', and says the same of this host' : ''}`, peer)
}

function ms(value: number): string {
  return value < 1 ? 'less than 1 ms' : `${Math.round(value)} ms`
}

/** What to do about such a path. `overlayMtu`: of the overlay on this host. */
export function smallPathAdvice({ peer, mtu, carries, isLost }: SmallPathView, overlayMtu: number): Required<Advice> {
  const path = `the path to ${nameOf(peer)}`
  if (isLost)
    return {
      what: `${path} loses all datagrams of the least size (packets of ${mtu} bytes)`,
      remedy: 'see what filters UDP on the way',
    }
  return {
    what:
      `${path} has an MTU of ${mtu}, which carries packets up to ${carries} bytes whole, and the overlay's MTU is ` +
      `${overlayMtu}: larger ones go in pieces`,
    remedy: `raise the MTU on the way, or ${smallerMtu(carries)}`,
  }
}

/** Whether what containers may send goes whole over each path. Nothing where no path was measured: that takes frames. */
export function mtuFindings({ overlay: { mtu } }: Report, { small, carried }: PathSizesView): FindingView[] {
  const found = small.map(path => {
    const { what, remedy } = smallPathAdvice(path, mtu)
    return (path.isLost ? problem : doubt)('mtu', what, remedy, path.peer)
  })
  if (found.length > 0 || carried.length === 0) return found
  return [
    well(
      'mtu',
      `the overlay's MTU is ${mtu}, and ${counted(carried.length, 'path')} ${carried.length === 1 ? 'carries' : 'carry'} ${Math.min(...carried)} bytes whole`,
    ),
  ]
}

/** Whether all run the same version. */
export function versionFindings({ version, peers }: Report): FindingView[] {
  const others = peers.filter(one => !one.isSelf && one.isReachable && one.version !== '?')
  const strange = others.filter(one => one.version !== version)
  if (others.length === 0) return []
  if (strange.length === 0)
    return [well('version', `${counted(others.length, 'other peer')} and this one run ${version}`)]
  const shown = strange.slice(0, 5).map(one => `${nameOf(one)} ${one.version}`)
  const more = strange.length > shown.length ? ` and ${strange.length - shown.length} more` : ''
  return [
    doubt(
      'version',
      `this host runs ${version}, others do not: ${shown.join(', ')}${more}`,
      'install the newest on all hosts, then `weave-ts restart` one after the other',
    ),
  ]
}
