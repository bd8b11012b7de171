import {
  assert,
  BoundedQueue,
  Drop,
  isDrop,
  Timers,
  toHex,
  type Chance,
  type Machine,
  type Millis,
} from '../base/mod.ts'
import { INCARNATION_BYTES, MESH_ID_BYTES } from '../wire/mod.ts'
import {
  AWAIT_FIRST_MS,
  AWAIT_INITIATION_MS,
  HANDSHAKE_BACK_OFF_MAX_MS,
  HANDSHAKE_BACK_OFF_MS,
  HANDSHAKE_GIVE_UP_MS,
  HANDSHAKE_RETRY_FIRST_MS,
  HANDSHAKE_RETRY_JITTER_MS,
  HANDSHAKE_RETRY_MS,
  REKEY_AFTER_MS,
  REKEY_FALL_BACK_MS,
  SEAL_UNTIL_MS,
  SESSION_OUTPUTS_MAX,
} from './constants.ts'
import { Epochs } from './epochs.ts'
import type { NoiseHandshake } from './link-handshake.ts'
import { SequenceMemory } from './sequence-memory.ts'
import {
  complete,
  initiate,
  openInitiation,
  respond,
  type SessionKeys,
  type SessionParties,
} from './session-handshake.ts'
import { decodeSessionMessage, type SessionCipher } from './session-message.ts'

export interface PeerSessionConfig extends SessionParties {
  readonly chance: Chance
  /** A non-zero u32 that no session of this process has, had lately, or will be given soon. */
  allocateIndex(): number
  /** Numbers of initiations, ever growing within this incarnation; without it each session counts from 1. */
  nextSequence?(): number
}

export type SessionOutput =
  /** To carry to the remote peer, over the link or routed; may be lost, repeated or overtaken. */
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  | { readonly type: 'add-session'; readonly session: SessionKeys }
  /** Seal with this session from now on; 0: with none. */
  | { readonly type: 'seal-with'; readonly receiverIndex: number }
  | { readonly type: 'remove-session'; readonly receiverIndex: number }
  /** Send control datagrams on this session until one is answered: the remote waits for the first to seal with it. */
  | { readonly type: 'confirm'; readonly receiverIndex: number }
  | {
      readonly type: 'established'
      readonly receiverIndex: number
      readonly cipher: SessionCipher
      readonly isRekey: boolean
    }
  | { readonly type: 'failed'; readonly reason: string }

/** For `status`. */
export interface SessionReport {
  readonly isEstablished: boolean
  readonly isHandshaking: boolean
  /** Of the keys that seal. */
  readonly epochAgeMs: number | undefined
  readonly cipher: SessionCipher | undefined
  readonly rekeys: number
  readonly lastFailure: string | undefined
  /** 8 bytes in hex, authenticated. */
  readonly remoteIncarnation: string | undefined
}

interface Attempt {
  readonly handshake: NoiseHandshake
  readonly receiverIndex: number
  readonly sequence: number
}

/**
 * Keeps the data session with one remote peer (docs/protocol.md, "Data sessions"): handshakes, rekeying, key death.
 *
 * Inputs: `start`, `handleMessage` (foreign bytes), `handleConfirmed`, `handshakeNow`, `restart`, `stop`,
 * `handleTimeout`.
 * Outputs: see SessionOutput, in the order to be carried out; drain them after every input.
 *
 * The peer of the smaller id initiates. The other does when nothing came in time; when both do, the smaller's wins: it
 * drops the other's initiation, and the other gives up its own. The initiator seals with new keys at once, the
 * responder when it has seen them used. Every key lives until its death for receiving, so a rekey loses nothing.
 */
export class PeerSession implements Machine<SessionOutput> {
  readonly #config: PeerSessionConfig
  readonly #isSmaller: boolean
  readonly #outputs = new BoundedQueue<SessionOutput>(SESSION_OUTPUTS_MAX)
  readonly #timers = new Timers()
  readonly #epochs = new Epochs()
  readonly #sequences = new SequenceMemory()
  #isStopped = false
  #attempt: Attempt | undefined
  #sequence = 0
  #adopted = 0
  #failuresInRow = 0
  #retryMs = HANDSHAKE_RETRY_FIRST_MS
  #rekeys = 0
  #lastFailure: string | undefined
  /** Proved by an answer or a datagram, never by an initiation alone, which may be a replay. */
  #liveIncarnation: string | undefined

  constructor(config: PeerSessionConfig) {
    assert(config.self.peerId !== config.remote.peerId, 'no session with oneself')
    assert(config.incarnation.length === INCARNATION_BYTES, `an incarnation of ${config.incarnation.length} bytes`)
    assert(config.meshId.length === MESH_ID_BYTES, `a mesh id of ${config.meshId.length} bytes`)
    this.#config = config
    this.#isSmaller = config.self.peerId < config.remote.peerId
  }

  get lastFailure(): string | undefined {
    return this.#lastFailure
  }

  report(now: Millis): SessionReport {
    const sealing = this.#epochs.sealing
    return {
      isEstablished: sealing !== undefined,
      isHandshaking: this.#attempt !== undefined,
      epochAgeMs: sealing === undefined ? undefined : now - sealing.bornAt,
      cipher: sealing?.cipher,
      rekeys: this.#rekeys,
      lastFailure: this.#lastFailure,
      remoteIncarnation: this.#liveIncarnation,
    }
  }

  /** Makes sure that there is a session, or will be. Does nothing while there is one, or an attempt, or its pause. */
  start(now: Millis): void {
    this.#isStopped = false
    if (this.#epochs.sealing !== undefined || this.#attempt !== undefined) return
    if (this.#timers.has('handshake back-off') || this.#timers.has('awaiting initiation')) return
    if (this.#isSmaller) this.#initiate(now)
    else this.#await(now, AWAIT_FIRST_MS)
  }

  /**
   * Begins a handshake whoever's turn it is and whatever keys there are: frames wait. Attempts of both ends may cross.
   * Keys in use are renewed by time alone: to use up the smaller of the counters (2^34) before, a session would have to
   * seal 100 million datagrams a second.
   */
  handshakeNow(now: Millis): void {
    if (this.#isStopped || this.#attempt !== undefined) return
    this.#timers.cancel('handshake back-off')
    this.#initiate(now)
  }

  /**
   * The remote has begun anew. Forgets every key, but for those that were agreed with the given incarnation (8 bytes),
   * and asks for new ones if none is left.
   */
  restart(now: Millis, incarnation?: Uint8Array): void {
    const kept = incarnation === undefined ? undefined : toHex(incarnation)
    this.#abandon()
    this.#timers.cancel('handshake back-off')
    this.#failuresInRow = 0
    this.#forget(kept === undefined ? this.#epochs.clear() : this.#epochs.dropOtherIncarnations(kept))
    this.#liveIncarnation = kept
    this.start(now)
  }

  /** Forgets everything and stays silent until `start`. */
  stop(): void {
    this.#abandon()
    this.#forget(this.#epochs.clear())
    for (const timer of TIMERS) this.#timers.cancel(timer)
    this.#failuresInRow = 0
    this.#liveIncarnation = undefined
    this.#isStopped = true
  }

  /** Takes a message that is said to come from the remote. Never throws; returns why it was dropped, if it was. */
  handleMessage(bytes: Uint8Array, now: Millis): Drop | undefined {
    if (this.#isStopped) return new Drop('session-stopped')
    const message = decodeSessionMessage(bytes)
    if (isDrop(message)) return message
    const { type, initiatorIndex, noise } = message
    return type === 'initiation'
      ? this.#handleInitiation(initiatorIndex, noise, now)
      : this.#handleResponse(initiatorIndex, noise, now)
  }

  /** An authenticated control datagram came in on this session. */
  handleConfirmed(receiverIndex: number, now: Millis): void {
    const epoch = this.#epochs.find(receiverIndex)
    if (epoch === undefined || epoch.isUsable || now >= epoch.bornAt + SEAL_UNTIL_MS) return
    epoch.isUsable = true
    this.#establish(epoch.incarnation)
  }

  handleTimeout(now: Millis): void {
    for (let due = this.#timers.popDue(now); due !== undefined; due = this.#timers.popDue(now)) {
      switch (due as (typeof TIMERS)[number]) {
        case 'handshake retry':
        case 'rekey':
          this.#initiate(now)
          break
        case 'handshake back-off':
        case 'awaiting initiation':
          if (this.#attempt === undefined && this.#needsKeys(now)) this.#initiate(now)
          break
        case 'handshake give-up':
          this.#giveUp(now)
          break
        case 'end of sealing':
          this.#endSealing(now)
          break
        case 'key death':
          this.#forget(this.#epochs.dropDead(now))
          break
      }
    }
  }

  pollOutput(): SessionOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const next = this.#timers.next()
    return next === undefined ? undefined : { at: next.at, reason: `session: ${next.reason}` }
  }

  #handleInitiation(initiatorIndex: number, noise: Uint8Array, now: Millis): Drop | undefined {
    if (this.#attempt !== undefined && this.#isSmaller) return new Drop('session-yield')
    const opened = openInitiation(this.#config, initiatorIndex, noise)
    if (isDrop(opened)) return opened
    const incarnation = toHex(opened.payload.incarnation)
    const { sequence, adopted } = opened.payload
    // A replay from an earlier life of the remote must not push out what its present life is about to confirm.
    const live = this.#liveIncarnation
    const isOtherLife = live !== undefined && live !== incarnation
    if (isOtherLife && this.#epochs.hasUnprovedSince(live, now - AWAIT_INITIATION_MS)) return new Drop('session-busy')
    if (!this.#sequences.isFresh(incarnation, sequence)) return new Drop('session-replay')
    const receiverIndex = this.#config.allocateIndex()
    const answer = respond(this.#config, opened, receiverIndex)
    if (isDrop(answer)) return answer
    this.#sequences.note(incarnation, sequence, live)
    this.#abandon()
    this.#forget(this.#epochs.dropUnadopted(incarnation, adopted))
    this.#add(answer.keys, 'responder', incarnation, sequence, now)
    this.#push({ type: 'message', bytes: answer.bytes })
    const sealing = this.#epochs.sealing
    if (sealing === undefined) this.#await(now, AWAIT_INITIATION_MS)
    // Our own attempt may have been given up for this: see to it that the keys are renewed should nothing come of it.
    else if (!this.#timers.has('rekey'))
      this.#timers.set('rekey', Math.max(sealing.bornAt + REKEY_FALL_BACK_MS, now + AWAIT_INITIATION_MS))
    return undefined
  }

  #handleResponse(initiatorIndex: number, noise: Uint8Array, now: Millis): Drop | undefined {
    const attempt = this.#attempt
    if (attempt?.receiverIndex !== initiatorIndex) return new Drop('session-unexpected')
    const answer = complete(this.#config, attempt.handshake, attempt.receiverIndex, noise)
    if (isDrop(answer)) return answer
    this.#abandon()
    this.#adopted = attempt.sequence
    const incarnation = toHex(answer.incarnation)
    this.#add(answer.keys, 'initiator', incarnation, attempt.sequence, now)
    this.#establish(incarnation)
    this.#push({ type: 'confirm', receiverIndex: attempt.receiverIndex })
    return undefined
  }

  #add(keys: SessionKeys, role: 'initiator' | 'responder', incarnation: string, sequence: number, now: Millis): void {
    const { receiverIndex, cipher } = keys
    const isUsable = role === 'initiator'
    this.#forget(this.#epochs.add({ receiverIndex, cipher, role, bornAt: now, incarnation, sequence, isUsable }))
    this.#push({ type: 'add-session', session: keys })
    this.#setKeyDeath()
  }

  /** The remote of this incarnation is alive and holds usable keys: seal with the youngest. */
  #establish(incarnation: string): void {
    const isRekey = this.#epochs.sealing?.incarnation === incarnation
    this.#liveIncarnation = incarnation
    this.#failuresInRow = 0
    this.#lastFailure = undefined
    this.#timers.cancel('awaiting initiation')
    this.#timers.cancel('handshake back-off')
    const hasAdvanced = this.#epochs.advance()
    const sealing = this.#epochs.sealing
    if (hasAdvanced && sealing !== undefined) {
      this.#push({ type: 'seal-with', receiverIndex: sealing.receiverIndex })
      const rekeyAfterMs = sealing.role === 'initiator' ? REKEY_AFTER_MS : REKEY_FALL_BACK_MS
      this.#timers.set('rekey', sealing.bornAt + rekeyAfterMs)
      this.#timers.set('end of sealing', sealing.bornAt + SEAL_UNTIL_MS)
      if (isRekey) this.#rekeys++
      this.#push({ type: 'established', receiverIndex: sealing.receiverIndex, cipher: sealing.cipher, isRekey })
    }
    this.#forget(this.#epochs.dropOtherIncarnations(incarnation))
  }

  /** Begins an attempt, or sends its next initiation with keys of its own. */
  #initiate(now: Millis): void {
    if (this.#attempt === undefined) {
      this.#timers.set('handshake give-up', now + HANDSHAKE_GIVE_UP_MS)
      this.#retryMs = HANDSHAKE_RETRY_FIRST_MS
    }
    const receiverIndex = this.#config.allocateIndex()
    const sequence = (this.#sequence = this.#config.nextSequence?.() ?? this.#sequence + 1)
    const { handshake, bytes } = initiate(this.#config, { receiverIndex, sequence, adopted: this.#adopted })
    this.#attempt = { handshake, receiverIndex, sequence }
    this.#push({ type: 'message', bytes })
    this.#timers.set(
      'handshake retry',
      now + this.#retryMs + this.#jitter(Math.min(this.#retryMs, HANDSHAKE_RETRY_JITTER_MS)),
    )
    this.#retryMs = Math.min(2 * this.#retryMs, HANDSHAKE_RETRY_MS)
  }

  #abandon(): void {
    this.#attempt = undefined
    this.#timers.cancel('handshake retry')
    this.#timers.cancel('handshake give-up')
  }

  #giveUp(now: Millis): void {
    this.#abandon()
    const waitMs = Math.min(HANDSHAKE_BACK_OFF_MS * 2 ** Math.min(this.#failuresInRow, 8), HANDSHAKE_BACK_OFF_MAX_MS)
    this.#failuresInRow++
    this.#timers.set('handshake back-off', now + waitMs + this.#jitter(waitMs / 4))
    this.#fail(`no answer to session handshakes for ${HANDSHAKE_GIVE_UP_MS / 1000} s`)
  }

  #endSealing(now: Millis): void {
    this.#epochs.stopSealing()
    this.#push({ type: 'seal-with', receiverIndex: 0 })
    this.#fail('the session keys have expired and no new ones could be agreed')
    if (this.#attempt === undefined && !this.#timers.has('handshake back-off')) this.#initiate(now)
  }

  #await(now: Millis, waitMs: Millis): void {
    if (this.#timers.has('awaiting initiation')) return
    this.#timers.set('awaiting initiation', now + waitMs + this.#jitter(HANDSHAKE_RETRY_JITTER_MS))
  }

  #needsKeys(now: Millis): boolean {
    const sealing = this.#epochs.sealing
    return sealing === undefined || now >= sealing.bornAt + REKEY_AFTER_MS
  }

  #forget(receiverIndices: readonly number[]): void {
    if (receiverIndices.length === 0) return
    // What is forgotten while it seals is forgotten by `restart` or `stop`, or dead; otherwise sealing moved on before.
    if (this.#epochs.sealing === undefined && this.#timers.has('end of sealing')) {
      this.#push({ type: 'seal-with', receiverIndex: 0 })
      this.#timers.cancel('end of sealing')
      this.#timers.cancel('rekey')
    }
    for (const receiverIndex of receiverIndices) this.#push({ type: 'remove-session', receiverIndex })
    this.#setKeyDeath()
  }

  #setKeyDeath(): void {
    const at = this.#epochs.nextDeathAt
    if (at === undefined) this.#timers.cancel('key death')
    else this.#timers.set('key death', at)
  }

  #fail(reason: string): void {
    this.#lastFailure = reason
    this.#push({ type: 'failed', reason })
  }

  #jitter(limitMs: number): number {
    return Math.floor(this.#config.chance() * limitMs)
  }

  #push(output: SessionOutput): void {
    assert(this.#outputs.push(output), 'the outputs of a session are drained after every input')
  }
}

const TIMERS = [
  'handshake retry',
  'handshake give-up',
  'handshake back-off',
  'awaiting initiation',
  'rekey',
  'end of sealing',
  'key death',
] as const
