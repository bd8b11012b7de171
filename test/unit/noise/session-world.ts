import { assert, type Chance, type Millis } from '../../../lib/base/mod.ts'
import { identityOf, type CryptoSuite, type Identity } from '../../../lib/crypto/mod.ts'
import { PeerSession, type SessionKeys, type SessionOutput } from '../../../lib/noise/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { SimAlarm } from '../../support/sim-alarm.ts'
import { SimClock } from '../../support/sim-clock.ts'
import { SimMailbox, drawDelay, type MailDelays, type MailFaults } from '../../support/sim-mailbox.ts'
import { chanceEntropy } from '../../support/sim-randomness.ts'

/** What the network does; may be changed at any time. */
export interface Network extends MailFaults, MailDelays {}

type Packet =
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  | { readonly type: 'control'; readonly remoteIndex: number; readonly key: Uint8Array }

/** A peer as the node would drive it: the engine's table of sessions, and probing of the session that seals. */
export class Side {
  readonly name: string
  readonly identity: Identity
  session: PeerSession
  readonly sessions = new Map<number, SessionKeys>()
  readonly established: { at: Millis; index: number; isRekey: boolean }[] = []
  readonly failed: { at: Millis; reason: string }[] = []
  readonly sent: Uint8Array[] = []
  sealWith = 0
  unknown = 0
  probeAt: Millis = 0

  constructor(name: string, identity: Identity, session: PeerSession) {
    this.name = name
    this.identity = identity
    this.session = session
  }

  get sealing(): SessionKeys | undefined {
    return this.sealWith === 0 ? undefined : this.sessions.get(this.sealWith)
  }
}

export interface WorldOptions {
  readonly seed: number
  readonly suite: CryptoSuite
  readonly network: Network
  readonly hasAes?: readonly [boolean, boolean]
}

const PROBE_MS = 1_000
const START_MS: Millis = 1_000

/** Two peers, a network between them, and virtual time. `check` runs after every step. */
export class World {
  readonly chance: Chance
  readonly suite: CryptoSuite
  readonly network: Network
  readonly sides: readonly [Side, Side]
  isChecked = true
  readonly #clock = new SimClock(START_MS)
  readonly #mail: SimMailbox
  readonly #alarms: readonly (readonly SimAlarm[])[]
  #nextIndex = 1
  #hasAes: readonly [boolean, boolean]

  constructor(options: WorldOptions) {
    this.chance = seededChance(options.seed)
    this.suite = options.suite
    this.network = options.network
    this.#mail = new SimMailbox({
      clock: this.#clock,
      chance: this.chance,
      faults: this.network,
      delayOf: () => drawDelay(this.chance, this.network),
    })
    this.#hasAes = options.hasAes ?? [true, true]
    const entropy = chanceEntropy(this.chance)
    const identities = [identityOf(this.suite, entropy.bytes(32)), identityOf(this.suite, entropy.bytes(32))].sort(
      (a, b) => (a.peerId < b.peerId ? -1 : 1),
    ) as [Identity, Identity]
    const make = (i: 0 | 1): Side =>
      new Side(i === 0 ? 'smaller' : 'larger', identities[i], this.#newSession(identities[i], identities[1 - i]!, i))
    this.sides = [make(0), make(1)]
    this.#alarms = ([0, 1] as const).map(i => [this.#timer(i), this.#prober(i)])
  }

  get now(): Millis {
    return this.#clock.now
  }

  #timer(i: 0 | 1): SimAlarm {
    const side = this.sides[i]
    const wake = () => {
      side.session.handleTimeout(this.now)
      this.drain(i)
    }
    return new SimAlarm({ clock: this.#clock, name: side.name, poll: () => side.session.pollTimeout(), wake })
  }

  #prober(i: 0 | 1): SimAlarm {
    const side = this.sides[i]
    const poll = () => (side.sealing === undefined ? undefined : { at: side.probeAt, reason: 'probe' })
    const wake = () => {
      side.probeAt = this.now + PROBE_MS
      const { remoteIndex, sendKey } = side.sealing!
      this.send((1 - i) as 0 | 1, { type: 'control', remoteIndex, key: sendKey })
      this.drain(i)
    }
    return new SimAlarm({ clock: this.#clock, name: side.name, poll, wake })
  }

  #newSession(self: Identity, remote: Identity, i: 0 | 1): PeerSession {
    const entropy = chanceEntropy(this.chance)
    return new PeerSession({
      self,
      remote,
      suite: this.suite,
      entropy,
      chance: this.chance,
      meshId: new Uint8Array(16).fill(7),
      incarnation: entropy.bytes(8),
      hasAes: this.#hasAes[i],
      allocateIndex: () => this.#nextIndex++,
    })
  }

  /** A process dies and is started anew, with its identity. */
  reboot(i: 0 | 1): void {
    const side = this.sides[i]
    side.session = this.#newSession(side.identity, this.sides[1 - i]!.identity, i)
    side.sessions.clear()
    side.sealWith = 0
    side.session.start(this.now)
    this.drain(i)
  }

  start(i: 0 | 1): void {
    this.sides[i].session.start(this.now)
    this.drain(i)
  }

  drain(i: 0 | 1): void {
    const side = this.sides[i]
    for (let output = side.session.pollOutput(); output !== undefined; output = side.session.pollOutput())
      this.#carryOut(i, side, output)
    for (const alarm of this.#alarms[i]!) alarm.arm()
    if (this.isChecked) this.check()
  }

  #carryOut(i: 0 | 1, side: Side, output: SessionOutput): void {
    switch (output.type) {
      case 'message':
        side.sent.push(output.bytes)
        this.send((1 - i) as 0 | 1, { type: 'message', bytes: output.bytes })
        break
      case 'add-session':
        assert(!side.sessions.has(output.session.receiverIndex), 'an index is added once')
        side.sessions.set(output.session.receiverIndex, output.session)
        break
      case 'seal-with':
        assert(output.receiverIndex === 0 || side.sessions.has(output.receiverIndex), 'seals with what it holds')
        side.sealWith = output.receiverIndex
        break
      case 'remove-session':
        assert(side.sessions.delete(output.receiverIndex), 'removes what it holds')
        assert(side.sealWith !== output.receiverIndex, 'never removes what it seals with')
        break
      case 'confirm':
        assert(side.sealWith === output.receiverIndex, 'confirms what it seals with')
        side.probeAt = this.now
        break
      case 'established':
        side.established.push({ at: this.now, index: output.receiverIndex, isRekey: output.isRekey })
        break
      case 'failed':
        side.failed.push({ at: this.now, reason: output.reason })
        break
    }
  }

  send(to: 0 | 1, packet: Packet): void {
    this.#mail.post(1 - to, to, () => {
      this.#receive(to, packet)
      this.drain(to)
    })
  }

  /** What each end seals with, the other end can open, and with equal keys. */
  check(): void {
    this.sides.forEach((side, i) => {
      if (side.sealWith === 0) return
      const own = side.sealing
      assert(own !== undefined, `${side.name} seals with a session that it has removed`)
      const theirs = this.sides[1 - i]!.sessions.get(own.remoteIndex)
      assert(theirs !== undefined, `at ${this.now} ${side.name} seals with a session that the other has removed`)
      assert(theirs.remoteIndex === own.receiverIndex && theirs.cipher === own.cipher, 'both ends name one session')
      assert(Buffer.compare(own.sendKey, theirs.receiveKey) === 0, 'keys are equal')
      assert(Buffer.compare(own.receiveKey, theirs.sendKey) === 0, 'keys are equal')
    })
  }

  get isCommon(): boolean {
    const [a, b] = this.sides
    return a.sealing !== undefined && b.sealing?.remoteIndex === a.sealWith && a.sealing.remoteIndex === b.sealWith
  }

  /** Runs until the given time. */
  run(until: Millis): void {
    this.#clock.runTo(until)
  }

  #receive(to: 0 | 1, packet: Packet): void {
    const side = this.sides[to]
    if (packet.type === 'message') {
      side.session.handleMessage(packet.bytes, this.now)
      return
    }
    const session = side.sessions.get(packet.remoteIndex)
    if (session === undefined || Buffer.compare(session.receiveKey, packet.key) !== 0) {
      side.unknown++
      return
    }
    side.session.handleConfirmed(packet.remoteIndex, this.now)
  }
}
