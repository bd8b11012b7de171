import { fromBase32, toBase32 } from '../base/mod.ts'

declare const brand: unique symbol

/** The first 16 bytes of BLAKE2b-256 of a peer's Ed25519 public key, as 26 lower-case base32 characters. */
export type PeerId = string & { readonly [brand]: 'PeerId' }

export const PEER_ID_BYTES = 16
export const PEER_ID_CHARACTERS = 26
const SHOWN_CHARACTERS = 8

export function peerIdFromBytes(bytes: Uint8Array): PeerId {
  return toBase32(bytes.subarray(0, PEER_ID_BYTES)) as PeerId
}

export function parsePeerId(text: string): PeerId | undefined {
  if (text.length !== PEER_ID_CHARACTERS) return undefined
  return fromBase32(text)?.length === PEER_ID_BYTES ? (text as PeerId) : undefined
}

export function peerIdBytes(id: PeerId): Uint8Array {
  const bytes = fromBase32(id)
  if (bytes === undefined) throw new TypeError(`not a peer id: ${id}`)
  return bytes
}

/** The short form shown beside the nickname. */
export function shortPeerId(id: string): string {
  return id.slice(0, SHOWN_CHARACTERS)
}

/** A peer in a line of text: the short form of its id, and its nickname in brackets. */
export function peerLabel(id: string, nickname: string): string {
  return `${shortPeerId(id)}(${nickname})`
}
