import { peerIdBytes, peerIdFromBytes, type PeerId } from '../address/mod.ts'
import { ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'
import { bundleCount } from './datagram-bundle.ts'

/**
 * A message on the control link, after the handshake. On the stream each is sealed and stands behind a 16-bit length.
 *
 *     ping             | kind | token u32 | round trip u16 |   in ms, as the sender measured it last; 65,535: not yet
 *     pong             | kind | token u32 |
 *     ledger-sync      | kind | body … |                  see ledger-sync.ts
 *     ledger-delta     | kind | body … |                  see ledger-message.ts
 *     ledger-tree      | kind | mode u8 |                 1 graft, 2 prune: whether new records are pushed over this link;
 *                                                               3 crowded: the sender would rather they were not
 *     election         | kind | body … |                  see election-message.ts
 *     routed           | kind | hop limit u8 | routed kind u8 | rsvd | source (16) | destination (16) | signature (64) | body … |
 *     goodbye          | kind | code u8 | text (16-bit length) |
 *     datagrams        | kind | bundle … |                see datagram-bundle.ts
 *     datagrams-taken  | kind | bytes u32 |               of all bundles that came over this link, modulo 2^32
 *     check, checked   | kind | body … |                  see check-message.ts
 *
 * A kind that this version does not know is ignored. To add one: give it a number here, a case in `decodeLinkMessage`,
 * and a part of node/ that names its type.
 */
export const LINK_MESSAGE_KIND = {
  ping: 1,
  pong: 2,
  ledgerSync: 3,
  ledgerDelta: 4,
  routed: 5,
  goodbye: 6,
  ledgerTree: 7,
  election: 8,
  datagrams: 9,
  datagramsTaken: 10,
  check: 11,
  checked: 12,
} as const

/** What a routed message carries. Unknown kinds are passed on all the same. */
export const ROUTED_KIND = { sessionHandshake: 1, ipamRequest: 2, ipamAnswer: 3, ipamReturn: 4 } as const

/** Why a side ends a link. */
export const GOODBYE_CODE = {
  shutdown: 1,
  duplicate: 2,
  ourself: 3,
  otherMesh: 4,
  version: 5,
  rejoin: 6,
  full: 7,
  collision: 8,
  uninvited: 9,
  forger: 10,
  restarted: 11,
} as const

export interface RoutedMessage {
  readonly hopLimit: number
  readonly routedKind: number
  readonly source: PeerId
  readonly destination: PeerId
  /** By the source, over `routedSigningInput`. */
  readonly signature: Uint8Array
  readonly body: Uint8Array
}

/** `graft`: push new records over this link; `prune`: do not; `crowded`: do not, if you have another one. */
export type LedgerTreeMode = 'graft' | 'prune' | 'crowded'
const TREE_MODE: Readonly<Record<LedgerTreeMode, number>> = { graft: 1, prune: 2, crowded: 3 }
const TREE_MODES: readonly LedgerTreeMode[] = ['graft', 'prune', 'crowded']

export type LinkMessage =
  | { readonly type: 'ping'; readonly token: number; readonly rttMs: number | undefined }
  | { readonly type: 'pong'; readonly token: number }
  | { readonly type: 'ledger-sync' | 'ledger-delta' | 'election' | 'check' | 'checked'; readonly body: Uint8Array }
  | { readonly type: 'ledger-tree'; readonly mode: LedgerTreeMode }
  | ({ readonly type: 'routed' } & RoutedMessage)
  | { readonly type: 'goodbye'; readonly code: number; readonly text: string }
  | { readonly type: 'datagrams'; readonly bundle: Uint8Array }
  | { readonly type: 'datagrams-taken'; readonly bytes: number }
  | { readonly type: 'unknown'; readonly kind: number }

/** What `datagrams-taken` counts begins anew after so many bytes. */
export const TAKEN_SPAN = 2 ** 32
/** The largest plaintext of one message. */
export const LINK_MESSAGE_BYTES_MAX = 60_000
export const ROUTED_BODY_BYTES_MAX = 2_048
const GOODBYE_TEXT_BYTES_MAX = 512
/** Our texts are ASCII: so many characters are so many bytes. */
const GOODBYE_CHARACTERS_MAX = 400
const SIGNATURE_BYTES = 64
const RTT_UNKNOWN = 0xffff

/** `rttMs`: the last round trip that the sender measured; undefined: none yet. */
export function encodePing(token: number, rttMs?: number): Uint8Array {
  const told = rttMs === undefined ? RTT_UNKNOWN : Math.min(rttMs, RTT_UNKNOWN - 1)
  return new ByteWriter(7).u8(LINK_MESSAGE_KIND.ping).u32(token).u16(told).finish()
}

export function encodePong(token: number): Uint8Array {
  return new ByteWriter(5).u8(LINK_MESSAGE_KIND.pong).u32(token).finish()
}

export function encodeLedger(type: 'ledger-sync' | 'ledger-delta', body: Uint8Array): Uint8Array {
  const kind = type === 'ledger-sync' ? LINK_MESSAGE_KIND.ledgerSync : LINK_MESSAGE_KIND.ledgerDelta
  return new ByteWriter(body.length + 1).u8(kind).raw(body).finish()
}

export function encodeElectionMessage(body: Uint8Array): Uint8Array {
  return new ByteWriter(body.length + 1).u8(LINK_MESSAGE_KIND.election).raw(body).finish()
}

/** `body`: of check-message.ts. */
export function encodeCheckMessage(type: 'check' | 'checked', body: Uint8Array): Uint8Array {
  return new ByteWriter(body.length + 1).u8(LINK_MESSAGE_KIND[type]).raw(body).finish()
}

export function encodeLedgerTree(mode: LedgerTreeMode): Uint8Array {
  return Uint8Array.of(LINK_MESSAGE_KIND.ledgerTree, TREE_MODE[mode])
}

export function encodeGoodbye(code: number, text: string): Uint8Array {
  return new ByteWriter().u8(LINK_MESSAGE_KIND.goodbye).u8(code).text(text.slice(0, GOODBYE_CHARACTERS_MAX)).finish()
}

export function encodeRouted(message: RoutedMessage): Uint8Array {
  return new ByteWriter(message.body.length + 100)
    .u8(LINK_MESSAGE_KIND.routed)
    .u8(message.hopLimit)
    .u8(message.routedKind)
    .u8(0)
    .raw(peerIdBytes(message.source))
    .raw(peerIdBytes(message.destination))
    .raw(message.signature)
    .raw(message.body)
    .finish()
}

/** `bundle`: at most BUNDLE_BYTES_MAX. */
export function encodeDatagrams(bundle: Uint8Array): Uint8Array {
  return new ByteWriter(bundle.length + 1).u8(LINK_MESSAGE_KIND.datagrams).raw(bundle).finish()
}

/** `bytes`: u32. */
export function encodeDatagramsTaken(bytes: number): Uint8Array {
  return new ByteWriter(5).u8(LINK_MESSAGE_KIND.datagramsTaken).u32(bytes).finish()
}

/** What the source of a routed message signs: everything but the hop limit, bound to the mesh. */
export function routedSigningInput(
  meshId: Uint8Array,
  message: Omit<RoutedMessage, 'signature' | 'hopLimit'>,
): Uint8Array {
  return new ByteWriter(message.body.length + 80)
    .text('weave-ts routed')
    .raw(meshId)
    .u8(message.routedKind)
    .raw(peerIdBytes(message.source))
    .raw(peerIdBytes(message.destination))
    .raw(message.body)
    .finish()
}

export function decodeLinkMessage(bytes: Uint8Array): Decoded<LinkMessage> {
  const reader = new ByteReader(bytes)
  const kind = reader.u8()
  if (!reader.ok) return new Drop('link-message-empty')
  switch (kind) {
    case LINK_MESSAGE_KIND.ping: {
      const token = reader.u32()
      const rttMs = reader.u16()
      if (!reader.ok) return new Drop('link-ping-malformed')
      return { type: 'ping', token, rttMs: rttMs === RTT_UNKNOWN ? undefined : rttMs }
    }
    case LINK_MESSAGE_KIND.pong: {
      const token = reader.u32()
      return reader.ok ? { type: 'pong', token } : new Drop('link-ping-malformed')
    }
    case LINK_MESSAGE_KIND.ledgerSync:
      return { type: 'ledger-sync', body: reader.rest() }
    case LINK_MESSAGE_KIND.ledgerDelta:
      return { type: 'ledger-delta', body: reader.rest() }
    case LINK_MESSAGE_KIND.election:
      return { type: 'election', body: reader.rest() }
    case LINK_MESSAGE_KIND.check:
      return { type: 'check', body: reader.rest() }
    case LINK_MESSAGE_KIND.checked:
      return { type: 'checked', body: reader.rest() }
    case LINK_MESSAGE_KIND.ledgerTree: {
      const code = reader.u8()
      const mode = TREE_MODES.find(candidate => TREE_MODE[candidate] === code)
      return mode === undefined ? new Drop('link-tree-malformed') : { type: 'ledger-tree', mode }
    }
    case LINK_MESSAGE_KIND.routed: {
      const hopLimit = reader.u8()
      const routedKind = reader.u8()
      reader.u8()
      const source = peerIdFromBytes(reader.raw(16))
      const destination = peerIdFromBytes(reader.raw(16))
      const signature = reader.raw(SIGNATURE_BYTES)
      const body = reader.rest()
      if (!reader.done || body.length > ROUTED_BODY_BYTES_MAX) return new Drop('link-routed-malformed')
      return { type: 'routed', hopLimit, routedKind, source, destination, signature, body }
    }
    case LINK_MESSAGE_KIND.goodbye: {
      const code = reader.u8()
      const text = reader.text(GOODBYE_TEXT_BYTES_MAX)
      if (!reader.ok) return new Drop('link-goodbye-malformed')
      return { type: 'goodbye', code, text }
    }
    case LINK_MESSAGE_KIND.datagrams: {
      const bundle = reader.rest()
      return bundleCount(bundle) === undefined ? new Drop('link-datagrams-malformed') : { type: 'datagrams', bundle }
    }
    case LINK_MESSAGE_KIND.datagramsTaken: {
      const bytes = reader.u32()
      return reader.ok ? { type: 'datagrams-taken', bytes } : new Drop('link-datagrams-malformed')
    }
    default:
      return { type: 'unknown', kind }
  }
}
