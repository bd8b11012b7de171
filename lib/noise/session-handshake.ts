import { peerIdBytes, type PeerId } from '../address/mod.ts'
import { assert, concatBytes, Drop, equalBytes, isDrop, utf8, type Entropy } from '../base/mod.ts'
import type { CryptoSuite, ExchangeKey } from '../crypto/mod.ts'
import { NoiseHandshake, type NoiseResult } from './link-handshake.ts'
import {
  CIPHER_BIT,
  decodeInitiationPayload,
  decodeResponsePayload,
  encodeInitiationPayload,
  encodeResponsePayload,
  encodeSessionMessage,
  type InitiationPayload,
  type SessionCipher,
} from './session-message.ts'

/** The two ends of a session and what a handshake between them needs. */
export interface SessionParties {
  readonly self: { readonly peerId: PeerId; readonly exchangeKey: ExchangeKey }
  readonly remote: { readonly peerId: PeerId; readonly exchangePublic: Uint8Array }
  readonly suite: CryptoSuite
  readonly entropy: Entropy
  /** 16 bytes: both ends must be of the same mesh. */
  readonly meshId: Uint8Array
  /** 8 random bytes of this start. */
  readonly incarnation: Uint8Array
  /** True when the processor has AES instructions. */
  readonly hasAes: boolean
}

/** Keys and indices of one session, as the packet engine takes them. */
export interface SessionKeys {
  readonly receiverIndex: number
  readonly remoteIndex: number
  readonly cipher: SessionCipher
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
}

export interface OpenedInitiation {
  readonly handshake: NoiseHandshake
  readonly initiatorIndex: number
  readonly payload: InitiationPayload
}

const LABEL = utf8('weave-ts session 1')
const KEY_LABEL = 'weave-ts session key '

/** What both ends must agree on before a word is said: label, mesh, initiator, responder. */
export function sessionPrologue(meshId: Uint8Array, initiator: PeerId, responder: PeerId): Uint8Array {
  return concatBytes(LABEL, meshId, peerIdBytes(initiator), peerIdBytes(responder))
}

/** A new handshake with its first message. `receiverIndex`: ours for the session to come. */
export function initiate(
  parties: SessionParties,
  attempt: { readonly receiverIndex: number; readonly sequence: number; readonly adopted: number },
): { readonly handshake: NoiseHandshake; readonly bytes: Uint8Array } {
  const { self, remote, suite, entropy, meshId, incarnation } = parties
  const handshake = new NoiseHandshake({
    pattern: 'IK',
    role: 'initiator',
    suite,
    entropy,
    staticKey: self.exchangeKey,
    remoteStatic: remote.exchangePublic,
    prologue: sessionPrologue(meshId, self.peerId, remote.peerId),
  })
  const payload = encodeInitiationPayload({ ...attempt, ciphers: supported(parties), incarnation })
  const noise = handshake.write(payload)
  return {
    handshake,
    bytes: encodeSessionMessage({ type: 'initiation', initiatorIndex: attempt.receiverIndex, noise }),
  }
}

/** Opens the remote's initiation; nobody else's passes. It may still be a replay. */
export function openInitiation(
  parties: SessionParties,
  initiatorIndex: number,
  noise: Uint8Array,
): OpenedInitiation | Drop {
  const { self, remote, suite, entropy, meshId } = parties
  const handshake = new NoiseHandshake({
    pattern: 'IK',
    role: 'responder',
    suite,
    entropy,
    staticKey: self.exchangeKey,
    prologue: sessionPrologue(meshId, remote.peerId, self.peerId),
  })
  const bytes = handshake.read(noise)
  if (isDrop(bytes)) return bytes
  const payload = decodeInitiationPayload(bytes)
  if (isDrop(payload)) return payload
  if (payload.receiverIndex !== initiatorIndex) return new Drop('session-malformed')
  return { handshake, initiatorIndex, payload }
}

/** Answers an initiation; an impostor's is found out here, since only now the static key is at hand. */
export function respond(
  parties: SessionParties,
  opened: OpenedInitiation,
  receiverIndex: number,
): { readonly bytes: Uint8Array; readonly keys: SessionKeys } | Drop {
  const { handshake, initiatorIndex, payload } = opened
  const both = payload.ciphers & supported(parties)
  const cipher = (both & CIPHER_BIT['aes-256-gcm']) !== 0 ? 'aes-256-gcm' : 'chacha20-poly1305'
  if ((both & CIPHER_BIT[cipher]) === 0) return new Drop('session-cipher')
  const noise = handshake.write(encodeResponsePayload({ receiverIndex, cipher, incarnation: parties.incarnation }))
  const result = handshake.result()
  if (!equalBytes(result.remoteStatic, parties.remote.exchangePublic)) return new Drop('session-impostor')
  return {
    bytes: encodeSessionMessage({ type: 'response', initiatorIndex, noise }),
    keys: sessionKeys(parties, result, cipher, receiverIndex, payload.receiverIndex),
  }
}

/** Takes the response to our initiation. After a drop the handshake still waits for the true one. */
export function complete(
  parties: SessionParties,
  handshake: NoiseHandshake,
  receiverIndex: number,
  noise: Uint8Array,
): { readonly keys: SessionKeys; readonly incarnation: Uint8Array } | Drop {
  const bytes = handshake.read(noise)
  if (isDrop(bytes)) return bytes
  const payload = decodeResponsePayload(bytes)
  if (isDrop(payload)) return payload
  if ((CIPHER_BIT[payload.cipher] & supported(parties)) === 0) return new Drop('session-cipher')
  const keys = sessionKeys(parties, handshake.result(), payload.cipher, receiverIndex, payload.receiverIndex)
  return { keys, incarnation: payload.incarnation }
}

function supported(parties: SessionParties): number {
  return CIPHER_BIT['chacha20-poly1305'] | (parties.hasAes ? CIPHER_BIT['aes-256-gcm'] : 0)
}

/** The keys of Split, bound to the transcript and to the cipher, so that no key is ever used with both. */
function sessionKeys(
  parties: SessionParties,
  result: NoiseResult,
  cipher: SessionCipher,
  receiverIndex: number,
  remoteIndex: number,
): SessionKeys {
  assert(receiverIndex !== 0 && remoteIndex !== 0, 'indices are not zero')
  const bind = (key: Uint8Array): Uint8Array =>
    parties.suite.derive(key, result.handshakeHash, utf8(KEY_LABEL + cipher), key.length)
  return { receiverIndex, remoteIndex, cipher, sendKey: bind(result.sendKey), receiveKey: bind(result.receiveKey) }
}
