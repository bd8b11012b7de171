import { ChaCha20Poly1305 } from '@stablelib/chacha20poly1305'
import { equalBytes } from '../../lib/base/mod.ts'
import { ReplayWindow } from '../../lib/noise/replay-window.ts'
import type { CipherName, EngineSession, SessionTotals } from '../../lib/overlay/packet-engine.ts'
import {
  DATAGRAM_CLASS,
  DATAGRAM_HEADER_BYTES,
  DATAGRAM_TAG_BYTES,
  DATAGRAM_TYPE_DATA,
} from '../../lib/wire/datagram.ts'

/**
 * `aead`: ChaCha20-Poly1305, for either cipher name: there is no pure AES here, and what the simulator asks is that the
 * bytes are sealed. `none`: clear text behind a keyed checksum that still catches a wrong key and flipped bits; for
 * simulations so large that the AEAD is what they would measure.
 */
export type Sealing = 'aead' | 'none'

/** Counters to seal with end here, in units of 2^32. */
const COUNTER_HIGH_LIMIT: Record<CipherName, number> = { 'aes-256-gcm': 2 ** 2, 'chacha20-poly1305': 2 ** 28 }

interface Box {
  seal(nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array
  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | null
}

/** One session of the in-memory engine. */
export class MemorySession {
  readonly peerIndex: number
  readonly receiverIndex: number
  readonly #remoteIndex: number
  readonly #cipher: CipherName
  readonly #sendBox: Box
  readonly #receiveBox: Box
  readonly #nonce = new Uint8Array(12)
  /** Made with the first datagram: most sessions of a large simulation never see one. */
  #window: ReplayWindow | undefined
  #counterHigh: number
  #counterLow: number
  #sentDatagrams = 0
  #sentBytes = 0
  #receivedDatagrams = 0
  #receivedBytes = 0

  constructor(session: EngineSession, sealing: Sealing) {
    const first = session.firstCounter ?? 0
    this.peerIndex = session.peerIndex
    this.receiverIndex = session.receiverIndex
    this.#remoteIndex = session.remoteIndex
    this.#cipher = session.cipher
    this.#sendBox = boxOf(session.sendKey, sealing)
    this.#receiveBox = boxOf(session.receiveKey, sealing)
    this.#counterHigh = Math.floor(first / 2 ** 32)
    this.#counterLow = first % 2 ** 32
  }

  get totals(): SessionTotals {
    return {
      sentDatagrams: this.#sentDatagrams,
      sentBytes: this.#sentBytes,
      receivedDatagrams: this.#receivedDatagrams,
      receivedBytes: this.#receivedBytes,
    }
  }

  /** A whole datagram; undefined when no counter is left. */
  seal(plaintext: Uint8Array, isExpedited = false): Uint8Array | undefined {
    if (this.#counterHigh >= COUNTER_HIGH_LIMIT[this.#cipher]) return undefined
    const datagram = new Uint8Array(DATAGRAM_HEADER_BYTES + plaintext.length + DATAGRAM_TAG_BYTES)
    const view = new DataView(datagram.buffer)
    view.setUint8(0, DATAGRAM_TYPE_DATA)
    view.setUint8(1, isExpedited ? DATAGRAM_CLASS.expedited : DATAGRAM_CLASS.bulk)
    view.setUint32(4, this.#remoteIndex, true)
    view.setUint32(8, this.#counterLow, true)
    view.setUint32(12, this.#counterHigh, true)
    this.#setNonce(this.#counterHigh, this.#counterLow)
    const header = datagram.subarray(0, DATAGRAM_HEADER_BYTES)
    datagram.set(this.#sendBox.seal(this.#nonce, plaintext, header), DATAGRAM_HEADER_BYTES)
    this.#counterLow++
    if (this.#counterLow === 2 ** 32) {
      this.#counterLow = 0
      this.#counterHigh++
    }
    this.#sentDatagrams++
    this.#sentBytes += datagram.length
    return datagram
  }

  /** The plaintext of a datagram whose header is complete, or the drop reason. The window moves only when the tag is right. */
  open(datagram: Uint8Array): Uint8Array | 'replay' | 'auth' {
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
    const low = view.getUint32(8, true)
    const high = view.getUint32(12, true)
    const window = (this.#window ??= new ReplayWindow())
    if (!window.check(high, low)) return 'replay'
    this.#setNonce(high, low)
    const header = datagram.subarray(0, DATAGRAM_HEADER_BYTES)
    const plaintext = this.#receiveBox.open(this.#nonce, datagram.subarray(DATAGRAM_HEADER_BYTES), header)
    if (plaintext === null) return 'auth'
    window.accept(high, low)
    this.#receivedDatagrams++
    this.#receivedBytes += datagram.length
    return plaintext
  }

  #setNonce(high: number, low: number): void {
    const view = new DataView(this.#nonce.buffer)
    if (this.#cipher === 'aes-256-gcm') {
      view.setUint32(4, high)
      view.setUint32(8, low)
    } else {
      view.setUint32(4, low, true)
      view.setUint32(8, high, true)
    }
  }
}

function boxOf(key: Uint8Array, sealing: Sealing): Box {
  return sealing === 'aead' ? new ChaCha20Poly1305(key) : new ChecksumBox(key)
}

/** Not a cipher: shows the plaintext. The tag depends on key, nonce, header and every byte. */
class ChecksumBox implements Box {
  readonly #seed: number

  constructor(key: Uint8Array) {
    this.#seed = checksum(0x811c_9dc5, key)
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plaintext.length + DATAGRAM_TAG_BYTES)
    sealed.set(plaintext)
    this.#writeTag(sealed.subarray(plaintext.length), nonce, plaintext, associated)
    return sealed
  }

  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | null {
    const plaintext = sealed.subarray(0, sealed.length - DATAGRAM_TAG_BYTES)
    const tag = new Uint8Array(DATAGRAM_TAG_BYTES)
    this.#writeTag(tag, nonce, plaintext, associated)
    return equalBytes(tag, sealed.subarray(plaintext.length)) ? plaintext.slice() : null
  }

  #writeTag(tag: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): void {
    const sum = checksum(checksum(checksum(this.#seed, nonce), associated), plaintext)
    const view = new DataView(tag.buffer, tag.byteOffset, tag.byteLength)
    for (let at = 0; at < DATAGRAM_TAG_BYTES; at += 4) view.setInt32(at, Math.imul(sum ^ at, 0x9e37_79b1))
  }
}

function checksum(seed: number, bytes: Uint8Array): number {
  let sum = seed
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i]!, 0x0100_0193)
  return Math.imul(sum ^ bytes.length, 0x85eb_ca6b)
}
