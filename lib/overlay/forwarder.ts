import { macOfHalves, type EndpointParts, type Ipv4 } from '../address/mod.ts'
import { assert, type Millis } from '../base/mod.ts'
import { DATAGRAM_KIND, MEASURE_KIND, PASSES_ONLY, SEQUENCE_COUNTER_BITS, WAY_ENTRY_BYTES } from '../wire/mod.ts'
import { askedOwnerAt } from './asked-owner.ts'
import { AwaitingFrames, SLAB_AT } from './awaiting-frames.ts'
import {
  CONTROL_PER_SECOND,
  FLOOD_SOURCES_MAX,
  LANES_MAX,
  LARGE_FRAME_BYTES,
  LARGE_TOLD_MS,
  MAC_FORMER_MS,
  MOVED_PER_SECOND,
  PEER_SLOTS,
  SEGMENT_BYTES_MIN,
} from './constants.ts'
import { FloodLimit } from './flood-limit.ts'
import { behindPart, FloodWays, type FloodWay } from './flood-ways.ts'
import type { ForwardingTable } from './forwarding.ts'
import { BLANK_TABLE } from './forwarding-change.ts'
import { ETHER_TYPE } from './frame-bytes.ts'
import { FrameSamples } from './frame-samples.ts'
import { GroupFrames } from './group-frames.ts'
import { GROUP_MESSAGE, type GroupMessage } from './group-message.ts'
import { GroupWays } from './group-ways.ts'
import { MAC_CONTESTED, MAC_LOCAL, MAC_UNKNOWN, type MacTable } from './mac-table.ts'
import type { MeasuredCounter } from './measured-counter.ts'
import { OWNER_NONE, OwnerCheck } from './owner-check.ts'
import { Pacer } from './pacer.ts'
import {
  PEER_INDEX_MAX,
  RAW_ROW_KIND,
  ROW,
  ROW_FLAG,
  SEND,
  WAY_CHILD_AT,
  type EngineLane,
  type SwitchDrop,
} from './packet-engine.ts'
import { PeerFloods } from './peer-floods.ts'
import { Shortcuts } from './shortcuts.ts'
import type { SwitchNotice } from './switch-notice.ts'
import { DEFAULT_SWITCH_RULES, type SwitchRules } from './switch-rules.ts'

/** What a lane hands to the main thread. */
export interface ForwarderHooks {
  /**
   * A control datagram was opened. `body` is a copy. `source` is undefined when it came through a relay: then it says
   * nothing of where the peer is.
   */
  onControl(peerIndex: number, receiverIndex: number, body: Uint8Array, source: EndpointParts | undefined): void
  /** A control datagram of a peer was dropped that sends more than CONTROL_PER_SECOND. */
  onControlFlood(): void
  /** An authenticated datagram came from another endpoint than the peer's; at most once per peer and batch, and MOVED_PER_SECOND. */
  onMoved(peerIndex: number, receiverIndex: number, source: EndpointParts): void
  /**
   * A unicast frame waits for a way to the peer where its address is; at most once per peer and second.
   */
  onWanted(peerIndex: number): void
  /** Frames that a smaller path would lose (LARGE_FRAME_BYTES) go to the peer; at most once per peer and LARGE_TOLD_MS. */
  onLarge(peerIndex: number): void
  /** A frame of the peer was dropped because its source address is another's; at most once per peer and second. */
  onSpoofed(peerIndex: number, sourceIpv4: Ipv4): void
  /**
   * Frames were dropped that an operator should know of. An address that is local stays so: whoever gets this has to find
   * out whether it is, and to have it forgotten if not.
   */
  onNotice(notice: SwitchNotice): void
  /**
   * Somebody on the own bridge says that it listens to a multicast group, or does not any more, or is a multicast router.
   * `frame` is a copy; undefined: there were more than are handed on, told once a second. False: it could not be taken.
   */
  onGroupFrame(frame: Uint8Array | undefined): boolean
}

export interface ForwarderOptions {
  /** Which of the peer's lanes this is (0 … LANES_MAX - 1): keeps sequences of different lanes apart. */
  readonly laneNumber?: number
  readonly rules?: SwitchRules
}

/** The group bit in the upper 16 bits of a MAC address. */
const GROUP_BIT = 0x100
/** The lane's number stands above so many bits of the upper half of a sequence. */
const LANE_SHIFT = SEQUENCE_COUNTER_BITS - 32

/**
 * The switch of one lane: decides per batch where frames go. Inputs: `outbound` (one batch of the TAP), `inbound` (one
 * batch of the socket), `setTable`, `forgetPeer`. Until the first table every frame from the TAP is dropped as
 * `no-destination`, and frames from peers reach the TAP but are passed on to nobody. Nothing allocates per frame but control
 * bodies, and frames that wait for a path.
 */
export class Forwarder {
  /** Who wants to know what passes. */
  readonly samples = new FrameSamples(() => this.#shortcuts.forget())
  /** Who counts test datagrams; without it they are dropped. */
  measured: MeasuredCounter | undefined
  readonly #lane: EngineLane
  readonly #macs: MacTable
  readonly #hooks: ForwarderHooks
  readonly #laneBits: number
  readonly #shortcuts: Shortcuts
  readonly #movedPeers: Int32Array
  readonly #reachable = new Uint8Array(PEER_INDEX_MAX + 1)
  readonly #adjacent = new Uint8Array(PEER_INDEX_MAX + 1)
  readonly #owners = new OwnerCheck()
  readonly #wanted = new Pacer()
  readonly #large = new Pacer()
  readonly #spoofed = new Pacer()
  readonly #contested = new Pacer()
  readonly #asked = new Pacer()
  readonly #flooding = new Pacer()
  readonly #unproved = new Pacer()
  readonly #rules: SwitchRules
  readonly #peerFloods: PeerFloods
  /** So that no peer takes the main thread from the others. */
  readonly #controls = new FloodLimit(CONTROL_PER_SECOND, PEER_SLOTS)
  readonly #moves = new FloodLimit(MOVED_PER_SECOND, PEER_SLOTS)
  /** Of this host, and of MAC addresses of it. */
  readonly #hostFloods: FloodLimit
  readonly #ownFloods: FloodLimit
  readonly #awaiting: AwaitingFrames
  readonly #ways: FloodWays
  readonly #groupWays: GroupWays
  readonly #groupFrames: GroupFrames
  #reachableList: readonly number[] = []
  #adjacentList: readonly number[] = []
  #selfIndex = -1
  /** Of the next frame that is flooded. */
  #nextSequence = 0
  /** Which span of LARGE_TOLD_MS this is. */
  #largeTurn = 0
  /** The same of MAC_FORMER_MS. */
  #askTurn = 0
  #sendCount = 0
  /** Of frames to one peer that follow each other. */
  #bytesInRow = 0
  #movedCount = 0

  constructor(lane: EngineLane, macs: MacTable, hooks: ForwarderHooks, options: ForwarderOptions = {}) {
    const laneNumber = options.laneNumber ?? 0
    assert(Number.isInteger(laneNumber) && laneNumber >= 0 && laneNumber < LANES_MAX, `lane ${laneNumber}`)
    this.#lane = lane
    this.#macs = macs
    this.#hooks = hooks
    this.#shortcuts = new Shortcuts(lane, macs)
    this.#laneBits = laneNumber << LANE_SHIFT
    this.#movedPeers = new Int32Array(lane.rowsMax)
    this.#rules = options.rules ?? DEFAULT_SWITCH_RULES
    this.#peerFloods = new PeerFloods(this.#rules.floodPerSecond)
    this.#hostFloods = new FloodLimit(this.#rules.floodPerSecond, 1)
    this.#ownFloods = new FloodLimit(this.#rules.floodPerSecond / 2, FLOOD_SOURCES_MAX)
    this.#ways = new FloodWays(lane.ways, () => {
      this.#flush()
      this.#groupWays.forget()
    })
    this.#groupWays = new GroupWays(this.#ways, lane.ways)
    this.#groupFrames = new GroupFrames(frame => hooks.onGroupFrame(frame))
    this.#awaiting = new AwaitingFrames(lane, count => lane.countDrop('path-awaited', count))
    this.setTable(BLANK_TABLE)
  }

  /** Of the next batch on frames go by it; those that waited for a way which it has leave at once. */
  setTable(table: ForwardingTable): void {
    this.#shortcuts.forget()
    for (const peer of this.#reachableList) this.#reachable[peer] = 0
    for (const peer of this.#adjacentList) this.#adjacent[peer] = 0
    this.#reachableList = table.reachable.filter(peer => peer !== table.selfIndex)
    this.#adjacentList = table.adjacent.filter(peer => peer !== table.selfIndex)
    for (const peer of this.#reachableList) this.#reachable[peer] = 1
    for (const peer of this.#adjacentList) this.#adjacent[peer] = 1
    this.#selfIndex = table.selfIndex
    this.#ways.setTree(table.tree)
    this.#groupWays.setTable(table)
    this.#owners.setTable(table)
    this.#awaiting.release(
      peer => this.#reachable[peer] === 1,
      peer => {
        this.#push(0, peer, DATAGRAM_KIND.frame, 0, 0)
        this.#flush()
      },
    )
  }

  /** The peer is gone: its addresses, and frames that wait for a way to it. Its index is soon another's. */
  forgetPeer(peer: number): void {
    this.#shortcuts.forget()
    this.#macs.forgetPeer(peer)
    this.#awaiting.forget(peer)
  }

  /** Hands an Ethernet frame to the own bridge. Between batches. */
  deliver(frame: Uint8Array): void {
    const { rows, slab, deliveries } = this.#lane
    slab.set(frame, SLAB_AT)
    rows.fill(0, 0, ROW.columns)
    rows[ROW.offset] = SLAB_AT
    rows[ROW.length] = frame.length
    deliveries[0] = 0
    this.#lane.tapWrite(1)
  }

  /** Switches one batch of frames from the TAP. Returns how many were handled; -1 when there was none. */
  outbound(now: Millis): number {
    this.#awaiting.expire(now)
    const count = this.#lane.tapRead()
    if (count <= 0) return -1
    const nowSeconds = Math.floor(now / 1000)
    this.#largeTurn = Math.floor(now / LARGE_TOLD_MS) | 0
    this.#askTurn = Math.floor(now / MAC_FORMER_MS) | 0
    this.#sendCount = 0
    this.#shortcuts.begin()
    for (let row = 0; row < count; row++) this.#fromTap(row, now, nowSeconds)
    this.#flush()
    this.samples.outward(this.#lane, count, now)
    return count
  }

  /** Switches one batch of datagrams from the socket. Returns how many rows were handled; -1 when nothing was there. */
  inbound(now: Millis): number {
    const lane = this.#lane
    const count = lane.udpRead()
    if (count < 0) return -1
    const nowSeconds = Math.floor(now / 1000)
    this.#largeTurn = Math.floor(now / LARGE_TOLD_MS) | 0
    this.#sendCount = 0
    this.#movedCount = 0
    this.#shortcuts.begin()
    let deliveryCount = 0
    for (let row = 0; row < count; row++) {
      const at = row * ROW.columns
      if ((lane.rows[at + ROW.flags]! & ROW_FLAG.moved) !== 0) this.#moved(row, at, now)
      const kind = lane.rows[at + ROW.kind]!
      if (kind === DATAGRAM_KIND.control) this.#control(row, at, now)
      else if (kind === RAW_ROW_KIND) this.#measured(lane.rows[at + ROW.offset]!, lane.rows[at + ROW.length]!)
      else if (this.#fromPeer(row, at, kind, now, nowSeconds)) lane.deliveries[deliveryCount++] = row
    }
    this.#flush()
    this.samples.inward(lane, deliveryCount, now)
    if (deliveryCount > 0) lane.tapWrite(deliveryCount)
    return count
  }

  #fromTap(row: number, now: Millis, nowSeconds: number): void {
    const { rows } = this.#lane
    const at = row * ROW.columns
    if (!this.#isSound(at)) return
    if (this.#learn(at, MAC_LOCAL, nowSeconds) === MAC_CONTESTED) return
    const high = rows[at + ROW.destinationHigh]!
    if ((high & GROUP_BIT) === 0) {
      const peer = this.#macs.lookup(high, rows[at + ROW.destinationLow]!, nowSeconds)
      // The bridge delivers what is local; it shows us a copy only while it does not know the address.
      if (peer === MAC_LOCAL) return
      if (peer !== MAC_UNKNOWN) {
        const { former } = this.#macs
        if (former >= 0) this.#askFormer(row, rows[at + ROW.destinationLow]!, former)
        const isSent = this.#sendTo(peer, row, at, now, nowSeconds)
        if (isSent && former < 0 && this.samples.isIdle)
          this.#shortcuts.outward(row, at, peer, this.#bytesInRow > LARGE_FRAME_BYTES, now)
        return
      }
    }
    const message = (high & GROUP_BIT) === 0 ? GROUP_MESSAGE.none : this.#groupFrames.take(this.#lane, at, nowSeconds)
    if (!this.#mayFloodOwn(at, now)) {
      this.#dropFlood(at, MAC_LOCAL, MAC_LOCAL, nowSeconds)
      return
    }
    // What goes to one host alone counts too: the bridge there floods it.
    const owner =
      this.#rules.asksOwner && (high & GROUP_BIT) !== 0 ? askedOwnerAt(this.#lane, at, this.#owners) : OWNER_NONE
    if (owner >= 0 && owner !== this.#selfIndex) this.#sendTo(owner, row, at, now, nowSeconds)
    else this.#flood(row, at, this.#wayOf(at, message))
  }

  /** To one peer and nobody else: a frame for which there is no way yet waits, which is false. */
  #sendTo(peer: number, row: number, at: number, now: Millis, nowSeconds: number): boolean {
    if (this.#reachable[peer] === 1) {
      this.#push(row, peer, DATAGRAM_KIND.frame, 0, 0)
      return true
    }
    this.#awaiting.add(peer, at, now)
    if (this.#wanted.isDue(peer, nowSeconds)) this.#hooks.onWanted(peer)
    return false
  }

  /** Who is to have a frame that is flooded: the one place where that is chosen. */
  #wayOf(at: number, message: GroupMessage): FloodWay {
    const way = this.#rules.keepsGroups ? this.#groupWays.of(this.#lane, at, message) : undefined
    if (way !== undefined && way.withheld > 0) this.#lane.countDrop('no-listener', way.withheld)
    return way ?? this.#ways.everybody
  }

  #flood(row: number, at: number, { from, end }: FloodWay): void {
    const { rows, ways } = this.#lane
    let sequence = -1
    for (let entry = from; entry < end; entry = behindPart(ways, entry)) {
      const child = ways[entry]!
      if (this.#adjacent[child] !== 1) continue
      if (sequence < 0) sequence = this.#takeSequence(rows[at + ROW.length]!, rows[at + ROW.gsoSize]!)
      this.#push(row, child, DATAGRAM_KIND.broadcast, -1 - entry, sequence)
    }
    // Where nobody listens that is counted already.
    if (sequence < 0 && (from < end || end === 0)) this.#drop('no-destination')
  }

  /** True when the frame is for the TAP. */
  #fromPeer(row: number, at: number, kind: number, now: Millis, nowSeconds: number): boolean {
    const { rows } = this.#lane
    const isBroadcast = kind === DATAGRAM_KIND.broadcast
    const origin = rows[at + (isBroadcast ? ROW.originPeer : ROW.fromPeer)]!
    if (origin < 0) return this.#drop('unknown-origin')
    // First: nothing is remembered, learned or counted of a frame that may be invented.
    if ((rows[at + ROW.flags]! & ROW_FLAG.unproved) !== 0 || origin === this.#selfIndex)
      return this.#dropUnproved(origin, rows[at + ROW.fromPeer]!, nowSeconds)
    if (!this.#isSound(at)) return false
    if (rows[at + ROW.etherType] === ETHER_TYPE.ipv6) {
      if (this.#isSpoofedIpv6(at, origin)) return this.#dropSpoofed(at, origin, nowSeconds)
      if ((rows[at + ROW.flags]! & ROW_FLAG.neighbourAdvertisement) !== 0 && this.#isSpoofedNeighbour(at, origin))
        return this.#drop('spoofed-neighbour')
    } else if (this.#owners.isOfAnother(rows[at + ROW.sourceIpv4]!, origin))
      return this.#dropSpoofed(at, origin, nowSeconds)
    const before = this.#learn(at, origin, nowSeconds)
    if (before === MAC_CONTESTED) return false
    if (before === MAC_LOCAL) this.#lane.countLocalMove()
    // The bridge floods what is for a group, whatever it came as.
    const isFlood = isBroadcast || (rows[at + ROW.destinationHigh]! & GROUP_BIT) !== 0
    if (isFlood && !this.#peerFloods.take(origin, rows[at + ROW.fromPeer]!, this.#framesAt(at), now))
      return this.#dropFlood(at, origin, rows[at + ROW.fromPeer]!, nowSeconds)
    if (isBroadcast) this.#passOn(row, at, origin)
    if (!isFlood && before === origin && this.samples.isIdle) this.#shortcuts.inward(row, at, origin, now)
    return (rows[at + ROW.flags]! & ROW_FLAG.passesOnly) === 0
  }

  /** The address moved of late. Who still has it is asked by a frame now and then, and answers as to any other. */
  #askFormer(row: number, low: number, former: number): void {
    if (this.#reachable[former] !== 1 || !this.#asked.isDue(low, this.#askTurn)) return
    this.#push(row, former, DATAGRAM_KIND.frame, 0, 0)
  }

  /** To each child that the frame's way names, with the part of the way below it. */
  #passOn(row: number, at: number, origin: number): void {
    const { rows, slab } = this.#lane
    const from = rows[at + ROW.fromPeer]!
    let entry = rows[at + ROW.wayAt]!
    const end = entry + (slab[entry - 2]! | (slab[entry - 1]! << 8)) * WAY_ENTRY_BYTES
    while (entry < end) {
      const below = (slab[entry]! | (slab[entry + 1]! << 8)) & ~PASSES_ONLY
      const index = entry + WAY_CHILD_AT
      const child = slab[index]! | (slab[index + 1]! << 8) | (slab[index + 2]! << 16) | (slab[index + 3]! << 24)
      if (this.#adjacent[child] === 1 && child !== from && child !== origin)
        this.#push(row, child, DATAGRAM_KIND.broadcast, entry, 0)
      entry += (1 + below) * WAY_ENTRY_BYTES
    }
  }

  /** Rules for frames of either direction; counts the drop. */
  #isSound(at: number): boolean {
    const { rows } = this.#lane
    const flags = rows[at + ROW.flags]!
    if ((flags & ROW_FLAG.bridgeControl) !== 0) return this.#drop('bridge-control')
    if ((flags & ROW_FLAG.routerAdvertisement) !== 0 && !this.#rules.allowsRouters)
      return this.#drop('router-advertisement')
    if ((flags & ROW_FLAG.dhcpServer) !== 0 && !this.#rules.allowsDhcpServers) return this.#drop('dhcp-server')
    if ((rows[at + ROW.sourceHigh]! & GROUP_BIT) !== 0) return this.#drop('malformed-frame')
    return true
  }

  /** See `MacTable.learn`. Of a source that is kept elsewhere counts the drop, and tells of it. */
  #learn(at: number, origin: number, nowSeconds: number): number {
    const { rows } = this.#lane
    const high = rows[at + ROW.sourceHigh]!
    const low = rows[at + ROW.sourceLow]!
    const before = this.#macs.learn(high, low, origin, nowSeconds)
    if (before !== MAC_CONTESTED) return before
    this.#drop('duplicate-mac')
    if (!this.#contested.isDue(low ^ origin, nowSeconds)) return before
    const keptAt = this.#macs.lookup(high, low, nowSeconds)
    if (keptAt === MAC_UNKNOWN) return before
    this.#hooks.onNotice({ kind: 'duplicate-mac', mac: macOfHalves(high, low), keptAt, droppedAt: origin })
    return before
  }

  /** Of IPv6 the IPv4 address at its end is told. */
  #dropSpoofed(at: number, origin: number, nowSeconds: number): false {
    if (this.#spoofed.isDue(origin, nowSeconds)) {
      this.#hooks.onSpoofed(origin, this.#lane.rows[at + ROW.sourceIpv4]! >>> 0)
    }
    return this.#drop('spoofed-source')
  }

  #dropUnproved(origin: number, neighbour: number, nowSeconds: number): false {
    if (this.#unproved.isDue(neighbour, nowSeconds)) this.#hooks.onNotice({ kind: 'flood-origin', origin, neighbour })
    return this.#drop('flood-origin')
  }

  #isSpoofedIpv6(at: number, origin: number): boolean {
    const { rows } = this.#lane
    const source = at + ROW.sourceIpv6
    const ipv4 = rows[at + ROW.sourceIpv4]!
    return this.#owners.isOfAnotherIpv6(rows[source]!, rows[source + 1]!, rows[source + 2]!, ipv4, origin)
  }

  #isSpoofedNeighbour(at: number, origin: number): boolean {
    const { rows, slab } = this.#lane
    return this.#owners.isSpoofedNeighbour(slab, rows[at + ROW.offset]!, rows[at + ROW.length]!, origin)
  }

  #control(row: number, at: number, now: Millis): void {
    const { rows, slab } = this.#lane
    const offset = rows[at + ROW.offset]!
    const length = rows[at + ROW.length]!
    if (length > 0 && slab[offset] === MEASURE_KIND.measured) return this.#measured(offset, length)
    const peer = rows[at + ROW.fromPeer]!
    if (!this.#controls.take(peer, 1, now)) return this.#hooks.onControlFlood()
    const body = slab.slice(offset, offset + length)
    const isRelayed = (rows[at + ROW.flags]! & ROW_FLAG.relayed) !== 0
    const source = isRelayed ? undefined : this.#lane.source(row)
    this.#hooks.onControl(peer, rows[at + ROW.receiverIndex]! >>> 0, body, source)
  }

  #measured(offset: number, length: number): void {
    if (this.measured?.take(this.#lane.slab, offset, length) !== true) this.#drop('measure-unasked')
  }

  #moved(row: number, at: number, now: Millis): void {
    const { rows } = this.#lane
    const peer = rows[at + ROW.fromPeer]!
    for (let i = 0; i < this.#movedCount; i++) if (this.#movedPeers[i] === peer) return
    this.#movedPeers[this.#movedCount++] = peer
    if (!this.#moves.take(peer, 1, now)) return
    this.#hooks.onMoved(peer, rows[at + ROW.receiverIndex]! >>> 0, this.#lane.source(row))
  }

  /** One container must not use up what the host may have flooded. */
  #mayFloodOwn(at: number, now: Millis): boolean {
    const frames = this.#framesAt(at)
    const source = this.#lane.rows[at + ROW.sourceLow]!
    return this.#ownFloods.take(source, frames, now) && this.#hostFloods.take(0, frames, now)
  }

  /** How many frames a super-frame stands for. */
  #framesAt(at: number): number {
    const { rows } = this.#lane
    const gsoSize = rows[at + ROW.gsoSize]!
    return gsoSize > 0 ? Math.ceil(rows[at + ROW.length]! / gsoSize) : 1
  }

  #dropFlood(at: number, origin: number, neighbour: number, nowSeconds: number): false {
    if (this.#flooding.isDue(neighbour, nowSeconds)) {
      const { rows } = this.#lane
      const mac = macOfHalves(rows[at + ROW.sourceHigh]!, rows[at + ROW.sourceLow]!)
      this.#hooks.onNotice({ kind: 'flood', origin, neighbour, mac })
    }
    return this.#drop('flood-limit')
  }

  /** A frame takes a sequence for each segment that the engine may cut it into. */
  #takeSequence(lengthBytes: number, gsoSize: number): number {
    const segmentBytes = gsoSize > 0 ? Math.min(gsoSize, SEGMENT_BYTES_MIN) : SEGMENT_BYTES_MIN
    const sequence = this.#nextSequence
    this.#nextSequence += Math.max(1, Math.ceil(lengthBytes / segmentBytes))
    return sequence
  }

  #push(row: number, peer: number, kind: number, wayAt: number, sequence: number): void {
    const { rows, sends, sendsMax } = this.#lane
    if (this.#sendCount === sendsMax) this.#flush()
    const at = this.#sendCount++ * SEND.columns
    // Short ones of a flow may leave as one long datagram.
    if (at === 0 || sends[at - SEND.columns + SEND.peer] !== peer) this.#bytesInRow = 0
    this.#bytesInRow += rows[row * ROW.columns + ROW.length]!
    if (this.#bytesInRow > LARGE_FRAME_BYTES) this.#tellLarge(peer)
    sends[at + SEND.row] = row
    sends[at + SEND.peer] = peer
    sends[at + SEND.kind] = kind
    sends[at + SEND.wayAt] = wayAt
    sends[at + SEND.sequenceLow] = sequence
    sends[at + SEND.sequenceHigh] = this.#laneBits | Math.floor(sequence / 2 ** 32)
  }

  /** Told now and then: it is only a cause to look whether the path still carries them. */
  #tellLarge(peer: number): void {
    if (this.#large.isDue(peer, this.#largeTurn)) this.#hooks.onLarge(peer)
  }

  #flush(): void {
    if (this.#sendCount > 0) this.#lane.send(this.#sendCount)
    this.#sendCount = 0
  }

  #drop(reason: SwitchDrop): false {
    this.#lane.countDrop(reason, 1)
    return false
  }
}
