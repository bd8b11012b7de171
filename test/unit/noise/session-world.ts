import { assert, type Chance, type Entropy, type Millis } from '../../../lib/base/mod.ts'
import { identityOf, type CryptoSuite, type Identity } from '../../../lib/crypto/mod.ts'
import { PeerSession, type SessionKeys, type SessionOutput } from '../../../lib/noise/mod.ts'

/** A generator for simulations: mulberry32. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

export function entropyOf(chance: Chance): Entropy {
  return { bytes: count => Uint8Array.from({ length: count }, () => Math.floor(chance() * 256)) }
}

export interface Network {
  loss: number
  duplicates: number
  delayMinMs: number
  delayMaxMs: number
}

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

/** Two peers, a network between them, and virtual time. `check` runs after every step. */
export class World {
  readonly chance: Chance
  readonly suite: CryptoSuite
  readonly network: Network
  readonly sides: readonly [Side, Side]
  now: Millis = 1_000
  isChecked = true
  #nextIndex = 1
  #flights: { at: Millis; to: 0 | 1; packet: Packet }[] = []
  #hasAes: readonly [boolean, boolean]

  constructor(options: WorldOptions) {
    this.chance = chanceOf(options.seed)
    this.suite = options.suite
    this.network = options.network
    this.#hasAes = options.hasAes ?? [true, true]
    const entropy = entropyOf(this.chance)
    const identities = [identityOf(this.suite, entropy.bytes(32)), identityOf(this.suite, entropy.bytes(32))].sort(
      (a, b) => (a.peerId < b.peerId ? -1 : 1),
    ) as [Identity, Identity]
    const make = (i: 0 | 1): Side =>
      new Side(i === 0 ? 'smaller' : 'larger', identities[i], this.#newSession(identities[i], identities[1 - i]!, i))
    this.sides = [make(0), make(1)]
  }

  #newSession(self: Identity, remote: Identity, i: 0 | 1): PeerSession {
    const entropy = entropyOf(this.chance)
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
    const { loss, duplicates, delayMinMs, delayMaxMs } = this.network
    const copies = this.chance() < duplicates ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (this.chance() < loss) continue
      const at = this.now + delayMinMs + Math.floor(this.chance() * (delayMaxMs - delayMinMs + 1))
      this.#flights.push({ at, to, packet })
    }
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
    for (;;) {
      const timers = this.sides.map(side => side.session.pollTimeout()?.at ?? Infinity)
      const probes = this.sides.map(side => (side.sealWith === 0 ? Infinity : side.probeAt))
      const next = Math.min(...timers, ...probes, ...this.#flights.map(flight => flight.at))
      if (next > until) break
      this.now = Math.max(this.now, next)
      this.#step()
    }
    this.now = until
  }

  #step(): void {
    const due = this.#flights.filter(flight => flight.at <= this.now)
    this.#flights = this.#flights.filter(flight => flight.at > this.now)
    for (const { to, packet } of due) {
      this.#receive(to, packet)
      this.drain(to)
    }
    for (const i of [0, 1] as const) {
      const side = this.sides[i]
      if ((side.session.pollTimeout()?.at ?? Infinity) <= this.now) {
        side.session.handleTimeout(this.now)
        this.drain(i)
      }
      if (side.sealing !== undefined && side.probeAt <= this.now) {
        side.probeAt = this.now + PROBE_MS
        const { remoteIndex, sendKey } = side.sealing
        this.send((1 - i) as 0 | 1, { type: 'control', remoteIndex, key: sendKey })
      }
    }
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
