import type { Endpoint, PeerId } from '../address/mod.ts'
import { equalBytes, type Machine, type Millis } from '../base/mod.ts'
import { FirstMessages } from '../noise/mod.ts'
import { Link, type LinkConfig, type LinkDownReason } from '../peer/mod.ts'
import { GOODBYE_CODE, encodeGoodbye, type Hello, type LinkMessage } from '../wire/mod.ts'
import { FailedInbounds, type FailedInbound } from './failed-inbounds.ts'
import type { Admission, ConnectionState, Neighbour, NeighboursOutput, ProvedLink } from './neighbour.ts'
import { describeGoodbye, describeLinkDown } from './reasons.ts'

/** What the node says of a link; what all links share is kept here. */
type OwnLinkConfig = Omit<LinkConfig, 'firstMessages'>

interface Entry {
  readonly connection: number
  readonly link: Link
  readonly isOutbound: boolean
  readonly endpoint: Endpoint
  /** What this side said of itself on this connection. */
  readonly sent: Hello
  peerId: PeerId | undefined
  neighbour: (Neighbour & { rttMs: number | undefined; isBehind: boolean }) | undefined
  isBehind: boolean
  /** Why this side ends it, or what the far side said before it hung up. */
  goodbye: { code: number; text: string } | undefined
  /** Of what the far side said before it hung up. */
  heardCode: number
}

/**
 * All control links of this peer: one machine per connection, at most one admitted link per remote peer. Of two links
 * between the same pair that were begun by different sides the one begun by the smaller PeerId survives; of two begun
 * by one side, or when the remote has restarted, the newer.
 */
export class Neighbours implements Machine<NeighboursOutput> {
  readonly #entries = new Map<number, Entry>()
  readonly #byPeer = new Map<PeerId, Entry>()
  readonly #outputs: NeighboursOutput[] = []
  readonly #firstMessages = new FirstMessages()
  readonly #self: PeerId
  readonly #configOf: (role: LinkConfig['role']) => OwnLinkConfig
  readonly #admit: (peerId: PeerId, hello: Hello, link: ProvedLink, now: Millis) => Admission
  readonly #failedInbounds = new FailedInbounds()

  constructor(given: {
    self: PeerId
    configOf: (role: LinkConfig['role']) => OwnLinkConfig
    admit: (peerId: PeerId, hello: Hello, link: ProvedLink, now: Millis) => Admission
  }) {
    this.#self = given.self
    this.#configOf = given.configOf
    this.#admit = given.admit
  }

  get neighbours(): Neighbour[] {
    return [...this.#byPeer.values()].map(entry => entry.neighbour!)
  }

  get connections(): ConnectionState[] {
    return [...this.#entries.values()].map(entry => ({
      connection: entry.connection,
      endpoint: entry.endpoint,
      isOutbound: entry.isOutbound,
      peerId: entry.neighbour?.peerId,
    }))
  }

  get count(): number {
    return this.#byPeer.size
  }

  neighbour(peerId: PeerId): Neighbour | undefined {
    return this.#byPeer.get(peerId)?.neighbour
  }

  failedInbound(now: Millis): readonly FailedInbound[] {
    return this.#failedInbounds.shown(now)
  }

  /** The TCP connection exists. */
  open(connection: number, isOutbound: boolean, endpoint: Endpoint, now: Millis): void {
    const config = this.#configOf(isOutbound ? 'initiator' : 'responder')
    const entry: Entry = {
      connection,
      link: new Link({ ...config, firstMessages: this.#firstMessages }, now),
      isOutbound,
      endpoint,
      sent: config.hello,
      peerId: undefined,
      neighbour: undefined,
      isBehind: false,
      goodbye: undefined,
      heardCode: 0,
    }
    this.#entries.set(connection, entry)
    this.#drain(entry, now)
  }

  handleBytes(connection: number, bytes: Uint8Array, now: Millis): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    entry.link.handleBytes(bytes, now)
    this.#drain(entry, now)
  }

  handleClosed(connection: number, now: Millis): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    entry.link.handleClosed()
    this.#drain(entry, now)
  }

  /** The far side of a connection is behind in taking what is written, or has caught up. Returns the neighbour. */
  handleBacklog(connection: number, isBehind: boolean): PeerId | undefined {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return undefined
    entry.isBehind = isBehind
    if (entry.neighbour === undefined) return undefined
    entry.neighbour.isBehind = isBehind
    return entry.neighbour.peerId
  }

  handleTimeout(now: Millis): void {
    for (const entry of [...this.#entries.values()]) {
      entry.link.handleTimeout(now)
      this.#drain(entry, now)
    }
  }

  send(peerId: PeerId, message: Uint8Array, now: Millis): boolean {
    const entry = this.#byPeer.get(peerId)
    if (entry === undefined) return false
    entry.link.send(message)
    this.#drain(entry, now)
    return true
  }

  /** Says why, and ends the link to a neighbour. */
  disconnect(peerId: PeerId, code: number, text: string, now: Millis): void {
    const entry = this.#byPeer.get(peerId)
    if (entry !== undefined) this.#end(entry, code, text, now)
  }

  /** Asks a neighbour at once whether it is there; false when there is no link. */
  ask(peerId: PeerId, now: Millis): boolean {
    const entry = this.#byPeer.get(peerId)
    if (entry === undefined) return false
    entry.link.ask(now)
    this.#drain(entry, now)
    return true
  }

  /** When anything came over the link to a neighbour last. */
  heardAt(peerId: PeerId): Millis | undefined {
    return this.#byPeer.get(peerId)?.link.heardAt
  }

  /** Ends the link to a neighbour as one that is silent. */
  giveUp(peerId: PeerId, now: Millis): void {
    const entry = this.#byPeer.get(peerId)
    if (entry === undefined) return
    entry.link.giveUp()
    this.#drain(entry, now)
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis, now: Millis): void {
    for (const { link } of this.#entries.values()) link.forgive(lateMs, now)
  }

  pollOutput(): NeighboursOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    let next: { at: Millis; reason: string } | undefined
    for (const { link } of this.#entries.values()) {
      const due = link.pollTimeout()
      if (due !== undefined && (next === undefined || due.at < next.at)) next = due
    }
    return next
  }

  #drain(entry: Entry, now: Millis): void {
    for (let output = entry.link.pollOutput(); output !== undefined; output = entry.link.pollOutput()) {
      switch (output.type) {
        case 'write':
          this.#outputs.push({ type: 'write', connection: entry.connection, bytes: output.bytes })
          break
        case 'up':
          this.#handleUp(entry, output.peerId, output.exchangePublic, output.hello, now)
          break
        case 'message':
          this.#handleMessage(entry, output.message, now)
          break
        case 'rtt':
          if (entry.neighbour !== undefined) entry.neighbour.rttMs = output.rttMs
          break
        case 'drop':
          this.#outputs.push(output)
          break
        case 'down':
          this.#handleDown(entry, output.reason, now)
          break
      }
    }
  }

  #handleUp(entry: Entry, peerId: PeerId, exchangePublic: Uint8Array, hello: Hello, now: Millis): void {
    entry.peerId = peerId
    if (peerId === this.#self) {
      if (equalBytes(entry.sent.incarnation, hello.incarnation)) {
        this.#outputs.push({ type: 'ourself', connection: entry.connection })
        return this.#end(entry, GOODBYE_CODE.ourself, 'connected to ourself', now)
      }
      this.#outputs.push({ type: 'double', endpoint: entry.endpoint, hello })
      const text = `another process has the identity ${peerId}: a state directory was copied`
      return this.#end(entry, GOODBYE_CODE.collision, text, now)
    }
    const admission = this.#admit(peerId, hello, entry, now)
    if (!admission.admitted) return this.#end(entry, admission.code, admission.text, now)
    const neighbour = {
      connection: entry.connection,
      peerId,
      exchangePublic,
      hello,
      isOutbound: entry.isOutbound,
      endpoint: entry.endpoint,
      upAt: now,
      rttMs: undefined,
      isBehind: entry.isBehind,
    }
    const older = this.#byPeer.get(peerId)
    if (older !== undefined) {
      const hasRestarted = !equalBytes(older.neighbour!.hello.incarnation, hello.incarnation)
      if (!hasRestarted && !this.#isPreferred(entry, older, peerId))
        return this.#end(entry, GOODBYE_CODE.duplicate, 'duplicate link', now)
      if (hasRestarted) this.#end(older, GOODBYE_CODE.restarted, 'this peer has started anew elsewhere', now)
      else this.#end(older, GOODBYE_CODE.duplicate, 'duplicate link', now)
    }
    entry.neighbour = neighbour
    this.#byPeer.set(peerId, entry)
    this.#failedInbounds.forget(entry.endpoint)
    this.#outputs.push({ type: 'up', neighbour })
  }

  /** Whether the newer of two links to one peer is the one to keep. */
  #isPreferred(newer: Entry, older: Entry, peerId: PeerId): boolean {
    // Both sides must choose alike; the one that did not begin them cannot tell whether the older still lives.
    if (newer.isOutbound === older.isOutbound) return true
    return newer.isOutbound === this.#self < peerId
  }

  #handleMessage(entry: Entry, message: LinkMessage, now: Millis): void {
    if (message.type === 'goodbye') {
      entry.goodbye ??= { code: message.code, text: message.text }
      entry.heardCode = message.code
      if (message.code === GOODBYE_CODE.ourself) this.#outputs.push({ type: 'ourself', connection: entry.connection })
      entry.link.close()
      return this.#drain(entry, now)
    }
    if (entry.neighbour !== undefined) this.#outputs.push({ type: 'message', from: entry.neighbour.peerId, message })
  }

  #end(entry: Entry, code: number, text: string, now: Millis): void {
    entry.goodbye ??= { code, text }
    entry.link.send(encodeGoodbye(code, text))
    entry.link.close()
    this.#drain(entry, now)
  }

  #handleDown(entry: Entry, reason: LinkDownReason, now: Millis): void {
    if (!this.#entries.delete(entry.connection)) return
    const { goodbye, neighbour, connection, isOutbound, endpoint } = entry
    const error = goodbye ? describeGoodbye(goodbye.code, goodbye.text) : describeLinkDown(reason)
    this.#outputs.push({ type: 'close', connection })
    if (neighbour !== undefined && this.#byPeer.get(neighbour.peerId) === entry) {
      this.#byPeer.delete(neighbour.peerId)
      const { heardAt } = entry.link
      this.#outputs.push({ type: 'down', neighbour, heardAt, error, code: entry.heardCode })
    } else if (!isOutbound && !OF_NO_CONCERN.includes(goodbye?.code) && (reason !== 'closed' || entry.link.hasHeard)) {
      // Who opens a connection and closes it without a byte has seen that it opens: that was all.
      this.#failedInbounds.add({ endpoint, error, at: now })
    }
    this.#outputs.push({
      type: 'ended',
      connection,
      peerId: entry.peerId,
      isOutbound,
      endpoint,
      reason: goodbye ? 'goodbye' : reason,
      code: goodbye?.code ?? 0,
      error,
    })
  }
}

/** Goodbyes to a connection that the same peer has replaced, or makes anew. */
const OF_NO_CONCERN: readonly (number | undefined)[] = [
  GOODBYE_CODE.duplicate,
  GOODBYE_CODE.restarted,
  GOODBYE_CODE.ourself,
  GOODBYE_CODE.rejoin,
]
