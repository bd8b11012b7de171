import NoiseState, { type Curve, type KeyPair } from 'noise-handshake'
import { assert, AssertionError, Drop, isDrop, type Entropy } from '../base/mod.ts'
import { isWeakExchangeKey, type CryptoSuite, type ExchangeKey } from '../crypto/mod.ts'
import { NOISE_KEY_BYTES, NOISE_MESSAGE_BYTES_MAX, NOISE_TAG_BYTES } from './constants.ts'

export type NoisePattern = 'XXpsk0' | 'IK'

export interface NoiseHandshakeOptions {
  readonly pattern: NoisePattern
  readonly role: 'initiator' | 'responder'
  readonly suite: CryptoSuite
  readonly entropy: Entropy
  /** X25519: the own long-lived key, made ready once for all handshakes. */
  readonly staticKey: ExchangeKey
  /** 32 bytes; XXpsk0 only, and always. */
  readonly psk?: Uint8Array
  readonly prologue: Uint8Array
  /** X25519, 32 bytes; the initiator of IK only, and always. */
  readonly remoteStatic?: Uint8Array
}

/** What a complete handshake gives: keys of 32 bytes, a hash of 64 that is the same at both ends and nowhere else. */
export interface NoiseResult {
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  readonly handshakeHash: Uint8Array
  /** X25519, authenticated. */
  readonly remoteStatic: Uint8Array
}

const NO_SECRET = new Uint8Array(NOISE_KEY_BYTES)
const E = NOISE_KEY_BYTES
const S = NOISE_KEY_BYTES + NOISE_TAG_BYTES
/** The bytes of each message without its payload. */
const OVERHEAD_BYTES: Record<NoisePattern, readonly number[]> = {
  XXpsk0: [E + NOISE_TAG_BYTES, E + S + NOISE_TAG_BYTES, S + NOISE_TAG_BYTES],
  IK: [E + S + NOISE_TAG_BYTES, E + NOISE_TAG_BYTES],
}

type Step =
  { readonly type: 'write'; readonly payload: Uint8Array } | { readonly type: 'read'; readonly message: Uint8Array }

/** What the library holds of a key pair: it hands the object back to `dh`, and wipes the bytes in it. */
interface HeldKeyPair extends KeyPair {
  readonly key: ExchangeKey
}

/** Thrown through the library when an exchange gives zero. */
class WeakKey extends Error {}

/**
 * One Noise handshake (revision 34): `Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b` for links, `Noise_IK_…` for data sessions.
 *
 * `read` takes foreign bytes and never throws. After a drop the state has not advanced: the steps so far are done again
 * with the same ephemeral key, since the library's own state is spoilt. So a forged message cannot end a handshake.
 */
export class NoiseHandshake {
  readonly #options: NoiseHandshakeOptions
  #ephemeral: ExchangeKey | undefined
  #steps: Step[] = []
  #state: NoiseState
  #index = 0
  #result: NoiseResult | undefined

  constructor(options: NoiseHandshakeOptions) {
    const { pattern, role, psk, remoteStatic } = options
    assert(
      (pattern === 'XXpsk0') === (psk?.length === NOISE_KEY_BYTES),
      'XXpsk0 takes a key of 32 bytes, IK takes none',
    )
    assert((pattern === 'IK' && role === 'initiator') === (remoteStatic !== undefined), 'IK begins with the remote key')
    assert(remoteStatic === undefined || !isWeakExchangeKey(remoteStatic), 'the remote key was checked before')
    this.#options = options
    this.#state = this.#newState()
  }

  get isComplete(): boolean {
    return this.#result !== undefined
  }

  /** True when the next step is `write`. */
  get isOurTurn(): boolean {
    return !this.isComplete && (this.#index % 2 === 0) === (this.#options.role === 'initiator')
  }

  /** The next message, with a payload that is encrypted in every message of both patterns. */
  write(payload: Uint8Array): Uint8Array {
    assert(this.isOurTurn, 'a handshake message out of turn')
    const lengthMax = NOISE_MESSAGE_BYTES_MAX - OVERHEAD_BYTES[this.#options.pattern][this.#index]!
    assert(payload.length <= lengthMax, `a handshake payload of ${payload.length} bytes`)
    const message = new Uint8Array(this.#state.send(payload))
    this.#advance({ type: 'write', payload: payload.slice() })
    return message
  }

  /** The payload of the remote's next message; drops: `handshake-order`, `-short`, `-long`, `-key`, `-auth`. */
  read(message: Uint8Array): Uint8Array | Drop {
    const { pattern } = this.#options
    if (this.isComplete || this.isOurTurn) return new Drop('handshake-order')
    if (message.length < OVERHEAD_BYTES[pattern][this.#index]!) return new Drop('handshake-short')
    if (message.length > NOISE_MESSAGE_BYTES_MAX) return new Drop('handshake-long')
    // The first two messages of both patterns begin with an ephemeral key. The first of XXpsk0 is followed by no
    // exchange before we answer, so it is checked here.
    if (this.#index < 2 && isWeakExchangeKey(message.subarray(0, NOISE_KEY_BYTES))) return new Drop('handshake-key')
    // The library wipes its view of the message when it is done.
    const payload = this.#receive(message.slice())
    if (isDrop(payload)) {
      this.#restore()
      return payload
    }
    this.#advance({ type: 'read', message: message.slice() })
    return payload
  }

  result(): NoiseResult {
    assert(this.#result !== undefined, 'the handshake is not complete')
    return this.#result
  }

  #receive(message: Uint8Array): Uint8Array | Drop {
    try {
      return new Uint8Array(this.#state.recv(message))
    } catch (thrown) {
      if (thrown instanceof AssertionError) throw thrown
      return new Drop(thrown instanceof WeakKey ? 'handshake-key' : 'handshake-auth')
    }
  }

  #advance(step: Step): void {
    this.#index++
    const { complete, tx, rx, hash, rs } = this.#state
    if (!complete) {
      this.#steps.push(step)
      return
    }
    assert(tx !== null && rx !== null && hash !== null && rs !== null, 'a complete handshake has keys')
    this.#result = {
      sendKey: new Uint8Array(tx),
      receiveKey: new Uint8Array(rx),
      handshakeHash: new Uint8Array(hash),
      remoteStatic: new Uint8Array(rs),
    }
    this.#steps = []
    this.#ephemeral = undefined
  }

  #restore(): void {
    this.#state = this.#newState()
    for (const step of this.#steps) {
      if (step.type === 'write') this.#state.send(step.payload)
      else this.#state.recv(step.message.slice())
    }
  }

  #newState(): NoiseState {
    const { pattern, role, staticKey, psk, prologue, remoteStatic } = this.#options
    const options = { curve: this.#curve(), ...(psk === undefined ? {} : { psk }) }
    const state = new NoiseState(pattern, role === 'initiator', held(staticKey), options)
    state.initialise(prologue, remoteStatic)
    return state
  }

  #curve(): Curve {
    const { suite, entropy } = this.#options
    return {
      DHLEN: NOISE_KEY_BYTES,
      PKLEN: NOISE_KEY_BYTES,
      SKLEN: NOISE_KEY_BYTES,
      SEEDLEN: NOISE_KEY_BYTES,
      ALG: '25519',
      generateKeyPair: () => {
        if (this.#ephemeral === undefined) {
          const secret = entropy.bytes(NOISE_KEY_BYTES)
          this.#ephemeral = suite.exchangeKey(secret)
          secret.fill(0)
        }
        return held(this.#ephemeral)
      },
      dh: (publicKey, pair) => {
        const shared = (pair as HeldKeyPair).key.exchange(publicKey)
        if (shared === undefined) throw new WeakKey()
        return shared
      },
    }
  }
}

/** The library never reads the secret itself. */
function held(key: ExchangeKey): HeldKeyPair {
  return { key, publicKey: key.publicKey.slice(), secretKey: NO_SECRET }
}
