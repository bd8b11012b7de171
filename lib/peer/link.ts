import type { PeerId } from '../address/mod.ts'
import {
  Drop,
  TokenBucket,
  assert,
  concatBytes,
  equalBytes,
  isDrop,
  type Beat,
  type Entropy,
  type Machine,
  type Millis,
} from '../base/mod.ts'
import { peerIdOf, type CryptoSuite, type ExchangeKey } from '../crypto/mod.ts'
import { LinkCipher, NOISE_TAG_BYTES, NoiseHandshake, type FirstMessages } from '../noise/mod.ts'
import {
  LINK_MESSAGE_BYTES_MAX,
  PREAMBLE_BYTES,
  couldBePreamble,
  decodeHello,
  decodeLinkMessage,
  decodePreamble,
  decodeRefusal,
  encodeHello,
  encodePing,
  encodePong,
  encodePreamble,
  encodeRefusal,
  type Hello,
  type LinkMessage,
  type Refusal,
} from '../wire/mod.ts'
import {
  EARLY_PINGS,
  EARLY_PING_INTERVAL_MS,
  HANDSHAKE_DEADLINE_MS,
  HANDSHAKE_FRAME_BYTES_MAX,
  LINK_SILENCE_MS,
  PINGS_PER_SECOND,
  PING_BURST,
  PING_INTERVAL_MS,
  PING_SPARED_MS,
  PROTOCOL_VERSION_MAX,
  PROTOCOL_VERSION_MIN,
} from './constants.ts'
import { RoundTrips } from './round-trips.ts'

/** A stretched mesh secret and its hint; an open mesh has zeros in both. */
export interface LinkSecret {
  /** 32 bytes. */
  readonly psk: Uint8Array
  /** 4 bytes. */
  readonly hint: Uint8Array
}

export interface LinkConfig {
  readonly role: 'initiator' | 'responder'
  readonly suite: CryptoSuite
  readonly entropy: Entropy
  readonly beat: Beat
  /** X25519. */
  readonly staticKey: ExchangeKey
  /** One for all links of a process: what was said to any of them once is no reason for an exchange of keys again. */
  readonly firstMessages: FirstMessages
  /** The first is used for dialling; every one is accepted. */
  readonly secrets: readonly LinkSecret[]
  readonly hello: Hello
}

/** Why a link ended: a stable word, for counters and for `status connections`. */
export type LinkDownReason =
  | 'secret-mismatch'
  | 'refused-secret'
  | 'refused-version'
  | 'refused-busy'
  | 'not-weave'
  | 'version-mismatch'
  | 'handshake-deadline'
  | 'handshake-failed'
  | 'handshake-repeat'
  | 'identity-mismatch'
  | 'framing'
  | 'silence'
  | 'exhausted'
  | 'closed'

export type LinkOutput =
  | { readonly type: 'write'; readonly bytes: Uint8Array }
  | { readonly type: 'up'; readonly peerId: PeerId; readonly exchangePublic: Uint8Array; readonly hello: Hello }
  | { readonly type: 'message'; readonly message: LinkMessage }
  /** Of the link, after one more ping was answered, whichever side sent it. */
  | { readonly type: 'rtt'; readonly rttMs: number }
  | { readonly type: 'drop'; readonly reason: string }
  | { readonly type: 'down'; readonly reason: LinkDownReason }

type Phase = 'preamble' | 'handshake' | 'up' | 'down'

const LENGTH_BYTES = 2
const FRAME_BYTES_MAX = LINK_MESSAGE_BYTES_MAX + NOISE_TAG_BYTES
const NO_BYTES = new Uint8Array(0)

/**
 * One control link (TCP connection), sans-IO: preamble, Noise XXpsk0, hello, then sealed messages behind 16-bit
 * lengths.
 *
 * Inputs: the bytes of the stream and `send`. Outputs: bytes to write, `up` once both sides are authenticated,
 * messages, and exactly one `down`; after it the machine is inert. Foreign bytes never throw; those that break the
 * framing end this link only.
 */
export class Link implements Machine<LinkOutput> {
  readonly #config: LinkConfig
  readonly #outputs: LinkOutput[] = []
  #phase: Phase
  #pending: Uint8Array = NO_BYTES
  #handshake: NoiseHandshake | undefined
  /** The first message of the other side was good, and was answered. */
  #hasAnswered = false
  #cipher: LinkCipher | undefined
  #deadline: Millis
  #heardAt: Millis
  #hasHeard = false
  #pingAt: Millis = 0
  #ping: { token: number; sentAt: Millis } | undefined
  readonly #roundTrips = new RoundTrips()
  /** Pings that are answered. */
  readonly #pings = new TokenBucket(PING_BURST, PINGS_PER_SECOND)
  /** What the last answered ping measured, until the next ping tells it. */
  #toTellMs: Millis | undefined
  #nextToken = 1

  constructor(config: LinkConfig, now: Millis) {
    assert(config.secrets.length > 0, 'a link needs a secret, zeros for an open mesh')
    this.#config = config
    this.#deadline = now + HANDSHAKE_DEADLINE_MS
    this.#heardAt = now
    if (config.role === 'responder') {
      this.#phase = 'preamble'
      return
    }
    this.#phase = 'handshake'
    const secret = config.secrets[0]!
    const preamble = encodePreamble({
      versionMin: PROTOCOL_VERSION_MIN,
      versionMax: PROTOCOL_VERSION_MAX,
      secretHint: secret.hint,
    })
    this.#handshake = this.#newHandshake(secret.psk, preamble)
    this.#write(preamble)
    this.#writeFrame(this.#handshake.write(NO_BYTES))
  }

  get isUp(): boolean {
    return this.#phase === 'up'
  }

  get isDown(): boolean {
    return this.#phase === 'down'
  }

  /** Bytes from the stream. */
  handleBytes(bytes: Uint8Array, now: Millis): void {
    if (this.isDown) return
    this.#heardAt = now
    this.#hasHeard = true
    this.#pending = this.#pending.length === 0 ? bytes : concatBytes(this.#pending, bytes)
    if (this.#phase === 'preamble' && !this.#takePreamble()) return
    for (;;) {
      const frame = this.#takeFrame()
      if (frame === undefined) break
      this.#handleFrame(frame, now)
    }
    // What stays behind must not pin the reader's buffer.
    this.#pending = this.isDown ? NO_BYTES : this.#pending.slice()
  }

  /** The stream ended, whoever ended it. */
  handleClosed(): void {
    this.#down('closed')
  }

  handleTimeout(now: Millis): void {
    if (this.isDown) return
    if (this.#phase !== 'up') {
      if (now >= this.#deadline) this.#down('handshake-deadline')
      return
    }
    if (now - this.#heardAt >= LINK_SILENCE_MS) return this.#down('silence')
    if (now >= this.#pingAt) this.#sendPing(now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    if (this.isDown) return undefined
    if (this.#phase !== 'up') return { at: this.#deadline, reason: 'link handshake deadline' }
    const silentAt = this.#heardAt + LINK_SILENCE_MS
    return this.#pingAt < silentAt
      ? { at: this.#pingAt, reason: 'link ping' }
      : { at: silentAt, reason: 'link silence' }
  }

  pollOutput(): LinkOutput | undefined {
    return this.#outputs.shift()
  }

  /** Seals and writes one encoded message; ignored unless the link is up. */
  send(message: Uint8Array): void {
    if (this.#phase !== 'up') return
    assert(message.length <= LINK_MESSAGE_BYTES_MAX, `a link message of ${message.length} bytes`)
    if (this.#cipher!.isExhausted) return this.#down('exhausted')
    this.#writeFrame(this.#cipher!.seal(message))
  }

  /** Whether any byte ever came. */
  get hasHeard(): boolean {
    return this.#hasHeard
  }

  /** When anything was last heard of the other side. */
  get heardAt(): Millis {
    return this.#heardAt
  }

  /** Pings now, whatever was planned. */
  ask(now: Millis): void {
    if (this.#phase === 'up') this.#sendPing(now)
  }

  /** The other side is taken for silent, before LINK_SILENCE_MS are over. */
  giveUp(): void {
    this.#down('silence')
  }

  /** This side itself was not there for so long: that time does not count. */
  forgive(lateMs: Millis, now: Millis): void {
    this.#heardAt = Math.min(now, this.#heardAt + lateMs)
    this.#deadline += lateMs
  }

  /** Ends the machine from this side, without a word. */
  close(): void {
    this.#down('closed')
  }

  #takePreamble(): boolean {
    if (!couldBePreamble(this.#pending)) {
      this.#down('not-weave')
      return false
    }
    if (this.#pending.length < PREAMBLE_BYTES) return false
    const bytes = this.#pending.slice(0, PREAMBLE_BYTES)
    this.#pending = this.#pending.subarray(PREAMBLE_BYTES)
    const preamble = decodePreamble(bytes)
    if (isDrop(preamble)) {
      this.#down('not-weave')
      return false
    }
    if (preamble.versionMin > PROTOCOL_VERSION_MAX || preamble.versionMax < PROTOCOL_VERSION_MIN)
      return this.#refuse('version', 'version-mismatch')
    const secret = this.#config.secrets.find(candidate => equalBytes(candidate.hint, preamble.secretHint))
    if (secret === undefined) return this.#refuse('secret', 'secret-mismatch')
    this.#handshake = this.#newHandshake(secret.psk, bytes)
    this.#phase = 'handshake'
    return true
  }

  #refuse(refusal: Refusal, reason: LinkDownReason): false {
    this.#writeFrame(encodeRefusal(refusal))
    this.#down(reason)
    return false
  }

  #takeFrame(): Uint8Array | undefined {
    if (this.isDown || this.#pending.length < LENGTH_BYTES) return undefined
    const length = this.#pending[0]! | (this.#pending[1]! << 8)
    const lengthMax = this.#phase === 'up' ? FRAME_BYTES_MAX : HANDSHAKE_FRAME_BYTES_MAX
    if (length === 0 || length > lengthMax) {
      this.#down('framing')
      return undefined
    }
    if (this.#pending.length < LENGTH_BYTES + length) return undefined
    const frame = this.#pending.subarray(LENGTH_BYTES, LENGTH_BYTES + length)
    this.#pending = this.#pending.subarray(LENGTH_BYTES + length)
    return frame
  }

  #handleFrame(frame: Uint8Array, now: Millis): void {
    if (this.#phase === 'handshake') return this.#handleHandshake(frame, now)
    const plaintext = this.#cipher!.open(frame)
    if (isDrop(plaintext)) return this.#down('framing')
    const message = decodeLinkMessage(plaintext)
    if (isDrop(message)) return this.#drop(message)
    if (message.type === 'ping') return this.#handlePing(message.token, message.rttMs, now)
    if (message.type === 'pong') return this.#handlePong(message.token, now)
    this.#outputs.push({ type: 'message', message })
  }

  #handleHandshake(frame: Uint8Array, now: Millis): void {
    const handshake = this.#handshake!
    if (this.#config.role === 'initiator') {
      const refusal = decodeRefusal(frame)
      if (!isDrop(refusal)) return this.#down(`refused-${refusal}`)
    }
    const isFirst = this.#config.role === 'responder' && !this.#hasAnswered
    if (isFirst && this.#config.firstMessages.has(frame)) return this.#down('handshake-repeat')
    const payload = handshake.read(frame)
    if (isDrop(payload)) {
      // The first message can fail only for the secret: nothing else goes into it.
      if (isFirst) return void this.#refuse('secret', 'secret-mismatch')
      return this.#down('handshake-failed')
    }
    if (isFirst) {
      // Noted only now: a stranger without the secret must not fill the memory.
      this.#config.firstMessages.note(frame)
      this.#hasAnswered = true
      return this.#writeFrame(handshake.write(encodeHello(this.#config.hello)))
    }
    const hello = decodeHello(payload)
    if (isDrop(hello)) return this.#down('handshake-failed')
    if (this.#config.role === 'initiator') {
      if (hello.version < PROTOCOL_VERSION_MIN || hello.version > PROTOCOL_VERSION_MAX)
        return this.#down('version-mismatch')
      this.#writeFrame(handshake.write(encodeHello(this.#config.hello)))
    }
    this.#finish(hello, now)
  }

  #finish(hello: Hello, now: Millis): void {
    const { suite } = this.#config
    const keys = this.#handshake!.result()
    const converted = suite.exchangePublicKey(hello.signingPublic)
    if (converted === undefined || !equalBytes(converted, keys.remoteStatic)) return this.#down('identity-mismatch')
    this.#cipher = new LinkCipher({ suite, sendKey: keys.sendKey, receiveKey: keys.receiveKey })
    this.#handshake = undefined
    this.#phase = 'up'
    const peerId = peerIdOf(suite, hello.signingPublic)
    this.#outputs.push({ type: 'up', peerId, exchangePublic: keys.remoteStatic, hello })
    this.#sendPing(now)
  }

  get #isEarly(): boolean {
    return this.#nextToken <= EARLY_PINGS
  }

  #sendPing(now: Millis): void {
    this.#pingAt = this.#isEarly ? now + EARLY_PING_INTERVAL_MS : this.#config.beat.resting(now + PING_INTERVAL_MS)
    const token = this.#nextToken++ >>> 0
    this.#ping = { token, sentAt: now }
    this.send(encodePing(token, this.#toTellMs))
    this.#toTellMs = undefined
  }

  /** One side's pings are enough: they show that the link lives, and tell the other what they measure. */
  #handlePing(token: number, rttMs: number | undefined, now: Millis): void {
    if (!this.#pings.take(1, now)) return this.#drop(new Drop('link-ping-rate'))
    this.send(encodePong(token))
    if (this.#isEarly) return
    this.#pingAt = this.#config.beat.resting(now + PING_SPARED_MS)
    if (rttMs !== undefined) this.#outputs.push({ type: 'rtt', rttMs: this.#roundTrips.told(rttMs) })
  }

  #drop({ reason }: Drop): void {
    this.#outputs.push({ type: 'drop', reason })
  }

  #handlePong(token: number, now: Millis): void {
    if (this.#ping?.token !== token) return
    this.#toTellMs = now - this.#ping.sentAt
    this.#ping = undefined
    this.#outputs.push({ type: 'rtt', rttMs: this.#roundTrips.add(this.#toTellMs) })
  }

  #newHandshake(psk: Uint8Array, prologue: Uint8Array): NoiseHandshake {
    const { role, suite, entropy, staticKey } = this.#config
    return new NoiseHandshake({ pattern: 'XXpsk0', role, suite, entropy, staticKey, psk, prologue })
  }

  #write(bytes: Uint8Array): void {
    this.#outputs.push({ type: 'write', bytes })
  }

  #writeFrame(body: Uint8Array): void {
    this.#write(concatBytes(Uint8Array.of(body.length & 255, body.length >> 8), body))
  }

  #down(reason: LinkDownReason): void {
    if (this.isDown) return
    this.#phase = 'down'
    this.#pending = NO_BYTES
    this.#handshake = undefined
    this.#outputs.push({ type: 'down', reason })
  }
}
