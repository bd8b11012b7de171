import { printable } from '../base/mod.ts'
import type { LinkDownReason } from '../peer/mod.ts'
import { GOODBYE_CODE, PORT_MAPPING, type PortMapping } from '../wire/mod.ts'
import { REFUSED_RETRY_MS } from './constants.ts'

const LINK_DOWN_TEXT: Readonly<Record<LinkDownReason, string>> = {
  'secret-mismatch': 'the other side uses a different mesh secret (--password): both sides need the same one',
  'refused-secret':
    'refused: this side uses a different mesh secret (--password) than the other; both sides need the same one',
  'refused-version': 'refused: the other side does not speak this protocol version; update the older one',
  'refused-busy': 'refused: the other side is too busy; it will be tried again',
  'not-weave': 'not a weave-ts peer: the first bytes are of another protocol',
  'version-mismatch': 'the other side speaks no protocol version of this one; update the older one',
  'handshake-deadline': 'the other side did not complete the handshake in time',
  'handshake-failed': 'the handshake failed: damaged on the way, or the other side is no genuine peer',
  'handshake-repeat': 'the handshake is one that was made before: somebody recorded it and sends it again',
  'identity-mismatch': 'the other side does not own the identity that it claims',
  framing: 'the other side broke the framing of the stream',
  silence: 'nothing heard from the other side for too long',
  exhausted: 'the keys of the link are used up; it is made anew',
  closed: 'the connection was closed',
}

/** Plain words for `status connections`. */
export function describeLinkDown(reason: LinkDownReason): string {
  return LINK_DOWN_TEXT[reason]
}

/** Whether the words are of two mesh secrets that differ. */
export function isSecretTrouble(text: string | undefined): boolean {
  return text === LINK_DOWN_TEXT['secret-mismatch'] || text === LINK_DOWN_TEXT['refused-secret']
}

/** Plain words for what was said at the end; `text` comes from the side that ended the link. */
export function describeGoodbye(code: number, text: string): string {
  switch (code) {
    case GOODBYE_CODE.shutdown:
      return 'the other side was stopped'
    case GOODBYE_CODE.duplicate:
      return 'a second link between the same two peers'
    case GOODBYE_CODE.restarted:
      return 'a process with the identity of this peer, started at another time, has linked to that one'
    case GOODBYE_CODE.ourself:
      return 'connected to ourself'
    case GOODBYE_CODE.rejoin:
      return 'the other side has joined a mesh and links anew'
    default:
      return printable(text)
  }
}

/** What both sides are told when one of them is shunned. */
export function describeForger(leftMs: number): string {
  return `records with false signatures came over this link; there is no new one for ${Math.ceil(leftMs / 1000)} s`
}

const QUIET_CODES: readonly number[] = [
  GOODBYE_CODE.duplicate,
  GOODBYE_CODE.restarted,
  GOODBYE_CODE.ourself,
  GOODBYE_CODE.shutdown,
  GOODBYE_CODE.rejoin,
  GOODBYE_CODE.full,
]

/** Whether the end of a link is worth a line in the log. `code`: of the goodbye, 0 without one. */
export function isTroubled(reason: LinkDownReason | 'goodbye', code: number): boolean {
  return reason !== 'closed' && !QUIET_CODES.includes(code)
}

const REFUSING_REASONS: readonly (LinkDownReason | 'goodbye')[] = [
  'secret-mismatch',
  'refused-secret',
  'refused-version',
  'version-mismatch',
  'refused-busy',
]
const REFUSING_CODES: readonly number[] = [
  GOODBYE_CODE.otherMesh,
  GOODBYE_CODE.uninvited,
  GOODBYE_CODE.full,
  GOODBYE_CODE.collision,
  GOODBYE_CODE.forger,
]

/** Whether the other side is a weave-ts peer that answered, so that there may be a mesh, and no link came of it. */
export function isRefusedBy(reason: LinkDownReason | 'goodbye', code: number): boolean {
  return REFUSING_REASONS.includes(reason) || REFUSING_CODES.includes(code)
}

const RETRY_LATE_CODES: readonly number[] = [GOODBYE_CODE.otherMesh, GOODBYE_CODE.collision, GOODBYE_CODE.forger]

/** How long not to dial after a goodbye that will not change by itself; 0: the usual back-off. */
export function retryMsAfter(code: number): number {
  return RETRY_LATE_CODES.includes(code) ? REFUSED_RETRY_MS : 0
}

/** What NATs make of the port of this peer, and of that of a remote one. */
export interface SideMappings {
  readonly own: PortMapping
  readonly theirs: PortMapping
}

/** Which NATs keep two peers from a direct path, in words that follow others; empty when none is known to. */
export function describeMappings(mappings: SideMappings | undefined): string {
  if (mappings === undefined) return ''
  const own = mappings.own >= PORT_MAPPING.changed
  const theirs = mappings.theirs >= PORT_MAPPING.changed
  if (!own && !theirs) return ''
  const where =
    own && theirs
      ? 'the NATs in front of both hosts change'
      : `the NAT in front of ${own ? 'this host' : 'the other host'} changes`
  const isCertain = [mappings.own, mappings.theirs].includes(PORT_MAPPING.varying)
  return `; ${where} the port, ${isCertain ? '' : 'probably '}to another one for each destination`
}
