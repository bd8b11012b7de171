import type { EndpointParts } from '../../lib/address/mod.ts'
import { assert, BoundedQueue } from '../../lib/base/mod.ts'
import {
  PEER_INDEX_MAX,
  RAW_ROW_KIND,
  READY,
  ROW,
  ROW_FLAG,
  SEND,
  VIA_LINK,
  type EngineControl,
  type EngineLane,
  type EngineSession,
  type HandedDatagrams,
  type SessionTotals,
  type SwitchDrop,
} from '../../lib/overlay/packet-engine.ts'
import {
  BROADCAST_HEADER_BYTES,
  DATAGRAM_HEADER_BYTES,
  DATAGRAM_KIND,
  DATAGRAM_TAG_BYTES,
  DATAGRAM_TYPE_DATA,
  FRAME_FLAG,
  FRAME_HEADER_BYTES,
  HOP_LIMIT,
  RELAYED_HEADER_BYTES,
  SHORT_ID_BYTES,
} from '../../lib/wire/datagram.ts'
import { bundleCount, bundleOf } from '../../lib/wire/datagram-bundle.ts'
import { fillFrameFields, isStillTagged, type TapFrame } from './frame-fields.ts'
import { cut, MemoryPieces } from './memory-pieces.ts'
import { MemoryHanded } from './memory-handed.ts'
import { isRawOf, measuredSent } from './memory-measured.ts'
import { isOrigin, MemoryOrigin } from './memory-origins.ts'
import { MemoryIntake } from './memory-intake.ts'
import {
  FRESH,
  hasWay,
  isAt,
  isTooBig,
  keyOf,
  nextHop,
  onwardHop,
  pieceBytes,
  viewOf,
  type MemoryPeer,
} from './memory-peer.ts'
import { placeWay, soundHeaderBytes, wayOf, writeWay } from './memory-way.ts'
import { MEMORY_LIMITS, type Arrival, type MemoryEngineOptions } from './memory-engine-options.ts'
import { MemorySession, type Sealing } from './memory-session.ts'

/** Of the places of a batch. */
const LINK_SHARE = 1 / 4
const DATAGRAM_BYTES_MIN = DATAGRAM_HEADER_BYTES + 1 + DATAGRAM_TAG_BYTES
const FRAME_FLAGS_MASK = FRAME_FLAG.checksumPartial | FRAME_FLAG.gsoTcp4 | FRAME_FLAG.gsoTcp6 | FRAME_FLAG.gsoUdp
const NOWHERE: EndpointParts = { ip: new Uint8Array(4), port: 0 }

/**
 * The packet engine's in-memory twin: both sides of the port in one object, without threads, clock or I/O. Speaks the true
 * wire format; frames are carried whole (no segmentation), their offload flags as they are. See `Sealing` for the ciphers.
 */
export class MemoryEngine implements EngineControl, EngineLane {
  readonly rowsMax: number
  readonly sendsMax: number
  readonly slab: Uint8Array
  readonly rows: Int32Array
  readonly sends: Int32Array
  readonly ways = new Int32Array(MEMORY_LIMITS.ways)
  readonly deliveries: Int32Array
  readonly #rowBytes: number
  readonly #sealing: Sealing
  readonly #onDatagram: (bytes: Uint8Array, to: EndpointParts) => void
  readonly #tapIn: BoundedQueue<TapFrame>
  readonly #tapOut: BoundedQueue<TapFrame>
  readonly #udpIn: BoundedQueue<Arrival>
  /** What came over links. */
  readonly #intake = new MemoryIntake()
  readonly #sources: EndpointParts[]
  readonly #peers = new Map<number, MemoryPeer>()
  readonly #indexOf = new Map<string, number>()
  readonly #sessions = new Map<number, MemorySession>()
  readonly #counters = new Map<string, number>()
  readonly #pieces = new MemoryPieces()
  readonly #handed = new MemoryHanded()
  #self = new Uint8Array(SHORT_ID_BYTES)
  #rowCount = 0
  /** Of the slab, behind the rows, where ways lie. */
  #wayBytes = 0
  #nextFragment = 0
  #rawToken: Uint8Array | undefined

  constructor(options: MemoryEngineOptions) {
    this.rowsMax = options.rowsMax ?? MEMORY_LIMITS.rows
    this.sendsMax = options.sendsMax ?? this.rowsMax * 2
    this.#rowBytes = options.rowBytes ?? MEMORY_LIMITS.rowBytes
    this.#sealing = options.sealing ?? 'aead'
    this.#onDatagram = options.onDatagram
    this.slab = new Uint8Array(this.rowsMax * this.#rowBytes + MEMORY_LIMITS.wayBytes)
    this.rows = new Int32Array(this.rowsMax * ROW.columns)
    this.sends = new Int32Array(this.sendsMax * SEND.columns)
    this.deliveries = new Int32Array(this.rowsMax)
    this.#sources = new Array<EndpointParts>(this.rowsMax).fill(NOWHERE)
    const queueLimit = options.queueLimit ?? MEMORY_LIMITS.queue
    this.#tapIn = new BoundedQueue(queueLimit)
    this.#tapOut = new BoundedQueue(queueLimit)
    this.#udpIn = new BoundedQueue(queueLimit)
  }

  // The world

  /** A frame that the bridge gives to the TAP; dropped when too many wait. */
  pushTap(frame: Uint8Array | TapFrame): void {
    const tapFrame = frame instanceof Uint8Array ? { frame } : frame
    if (!this.#tapIn.push({ ...tapFrame, frame: tapFrame.frame.slice() })) this.#count('drop:tap-full')
  }

  /** The frames handed to the bridge since the last call. */
  takeTap(): Uint8Array[] {
    return this.takeTapFrames().map(tapFrame => tapFrame.frame)
  }

  takeTapFrames(): TapFrame[] {
    const frames: TapFrame[] = []
    for (let frame = this.#tapOut.shift(); frame !== undefined; frame = this.#tapOut.shift()) frames.push(frame)
    return frames
  }

  /** A datagram that the socket receives; dropped when too many wait. The engine keeps the bytes. */
  receiveDatagram(bytes: Uint8Array, from: EndpointParts): void {
    if (!this.#udpIn.push({ bytes, from })) this.#count('drop:udp-full')
  }

  // EngineControl

  setSelf(shortId: Uint8Array): void {
    this.#self = shortId.slice(0, SHORT_ID_BYTES)
  }

  setPeer(peerIndex: number, shortId: Uint8Array): void {
    assert(peerIndex >= 0 && peerIndex <= PEER_INDEX_MAX, `peer index ${peerIndex}`)
    const before = this.#peers.get(peerIndex)
    const key = keyOf(shortId)
    if (before !== undefined) this.#indexOf.delete(before.key)
    this.#peers.set(peerIndex, { ...(before ?? FRESH), key, shortId: shortId.slice(0, SHORT_ID_BYTES) })
    this.#indexOf.set(key, peerIndex)
  }

  removePeer(peerIndex: number): void {
    const peer = this.#peers.get(peerIndex)
    if (peer === undefined) return
    this.#peers.delete(peerIndex)
    this.#indexOf.delete(peer.key)
    this.#handed.forget(peerIndex)
    for (const [index, session] of this.#sessions) if (session.peerIndex === peerIndex) this.#sessions.delete(index)
  }

  addSession(session: EngineSession): void {
    assert(this.#peers.has(session.peerIndex), `session of unknown peer ${session.peerIndex}`)
    assert(session.receiverIndex !== 0, 'receiver index 0')
    this.#sessions.set(session.receiverIndex, new MemorySession(session, this.#sealing))
  }

  removeSession(receiverIndex: number): void {
    const session = this.#sessions.get(receiverIndex)
    if (session === undefined) return
    this.#sessions.delete(receiverIndex)
    const peer = this.#peers.get(session.peerIndex)
    if (peer?.session === session) peer.session = undefined
  }

  sealWith(peerIndex: number, receiverIndex: number): void {
    const peer = this.#peers.get(peerIndex)
    const session = this.#sessions.get(receiverIndex)
    if (peer !== undefined) peer.session = session?.peerIndex === peerIndex ? session : undefined
  }

  setEndpoint(peerIndex: number, endpoint: EndpointParts | undefined): void {
    const peer = this.#peers.get(peerIndex)
    if (peer !== undefined) peer.endpoint = endpoint
  }

  setPathBytes(peerIndex: number, bytes: number): void {
    const peer = this.#peers.get(peerIndex)
    if (peer !== undefined) peer.pathBytes = bytes
  }

  /** Frames have no headers here: nobody is told of their size, and none are joined. */
  setBridgeAddresses(): void {}
  setJoining(): void {}

  setVia(peerIndex: number, viaIndex: number): void {
    const peer = this.#peers.get(peerIndex)
    if (peer !== undefined) peer.via = viaIndex
  }

  setSpare(peerIndex: number, spareIndex: number): void {
    const peer = this.#peers.get(peerIndex)
    if (peer !== undefined) peer.spare = spareIndex
  }

  setOriginKeys(peerIndex: number, to: Uint8Array, from: Uint8Array): void {
    Object.assign(this.#peers.get(peerIndex) ?? {}, { origin: new MemoryOrigin(to, from) })
  }

  sendControl(receiverIndex: number, body: Uint8Array, endpoint?: EndpointParts, copies = 1): boolean {
    const session = this.#sessions.get(receiverIndex)
    const peer = session === undefined ? undefined : this.#peers.get(session.peerIndex)
    if (session === undefined || peer === undefined) return false
    // Seal only what can leave: a counter is not to be wasted on a peer without a path.
    if (endpoint === undefined && peer.via < 0 && !hasWay(peer)) return false
    for (let copy = 0; copy < copies; copy++) {
      const datagram = session.seal(Uint8Array.of(DATAGRAM_KIND.control, ...body), copies === 1)
      if (datagram === undefined) return false
      if (endpoint === undefined) return this.#sendTo(peer, datagram)
      this.#emit(datagram, endpoint)
    }
    return true
  }

  sendMeasured(...given: Parameters<EngineControl['sendMeasured']>): number {
    return measuredSent(this.#peers, given, this.#count.bind(this), this.#sendTo.bind(this))
  }

  takeRaw(token: Uint8Array | undefined): void {
    this.#rawToken = token
  }

  takeHanded(): HandedDatagrams[] {
    return this.#handed.take()
  }

  /** Whether there is something for `takeHanded`. */
  get hasHanded(): boolean {
    return !this.#handed.isEmpty
  }

  injectDatagrams(peerIndex: number, bundle: Uint8Array): void {
    const count = bundleCount(bundle)
    if (count !== undefined && !this.#intake.add(peerIndex, bundle)) this.#count('drop:intake-full', count)
  }

  counters(): Record<string, number> {
    return Object.fromEntries(this.#counters)
  }

  sessionTotals(receiverIndex: number): SessionTotals | undefined {
    return this.#sessions.get(receiverIndex)?.totals
  }

  // EngineLane

  tapRead(): number {
    this.#rowCount = 0
    while (this.#rowCount < this.rowsMax) {
      const tapFrame = this.#tapIn.shift()
      if (tapFrame === undefined) break
      const at = this.#startRow(-1, DATAGRAM_KIND.frame, tapFrame.flags ?? 0, 0)
      this.rows[at + ROW.gsoSize] = tapFrame.gsoSize ?? 0
      this.rows[at + ROW.checksum] = tapFrame.checksum ?? 0
      this.#endFrameRow(at, tapFrame.frame)
    }
    this.#count('tap-rx-frames', this.#rowCount)
    return this.#rowCount
  }

  udpRead(): number {
    if (this.#udpIn.size + this.#intake.size === 0) return -1
    this.#rowCount = this.#wayBytes = 0
    // A busy socket leaves some places for what came over links.
    const fromSocket = this.rowsMax - Math.min(this.#intake.size, Math.ceil(this.rowsMax * LINK_SHARE))
    for (let read = 0; read < this.rowsMax; read++) {
      const arrival = read < fromSocket ? this.#udpIn.shift() : undefined
      const bytes = arrival?.bytes ?? this.#intake.shift()
      if (bytes === undefined) break
      this.#count(arrival === undefined ? 'rx-injected' : 'rx-datagrams')
      if (arrival !== undefined) this.#count('rx-bytes', bytes.length)
      this.#open(bytes, arrival?.from, false)
    }
    return this.#rowCount
  }

  send(count: number): number {
    assert(count <= this.sendsMax, `${count} send rows of ${this.sendsMax}`)
    let sent = 0
    for (let i = 0; i < count; i++) if (this.#sendRow(i * SEND.columns)) sent++
    return sent
  }

  tapWrite(count: number): number {
    let written = 0
    for (let i = 0; i < count; i++) {
      const at = this.deliveries[i]! * ROW.columns
      const offset = this.rows[at + ROW.offset]!
      const frame = this.slab.slice(offset, offset + this.rows[at + ROW.length]!)
      const flags = this.rows[at + ROW.flags]! & FRAME_FLAGS_MASK
      const gsoSize = this.rows[at + ROW.gsoSize]!
      if (this.#tapOut.push({ frame, flags, gsoSize, checksum: this.rows[at + ROW.checksum]! })) written++
    }
    this.#count('tap-tx-frames', written)
    if (written < count) this.#count('drop:tap-full', count - written)
    return written
  }

  source(row: number): EndpointParts {
    return this.#sources[row] ?? NOWHERE
  }

  /** Never blocks: in one process on virtual time nothing can arrive meanwhile. */
  wait(mask: number, _timeoutMs: number): number {
    return mask & ((this.#tapIn.size > 0 ? READY.tap : 0) | (this.#udpIn.size + this.#intake.size > 0 ? READY.udp : 0))
  }

  countDrop(reason: SwitchDrop, count: number): void {
    this.#count(`drop:${reason}`, count)
  }

  countLocalMove(): void {
    this.#count('local-moves')
  }

  /** Has none: whoever has decided does so anew. */
  addShortcut(): void {}

  forgetShortcuts(): void {}

  // Rows

  #startRow(fromPeer: number, kind: number, flags: number, receiverIndex: number): number {
    const at = this.#rowCount * ROW.columns
    this.rows.fill(0, at, at + ROW.columns)
    this.rows[at + ROW.offset] = this.#rowCount * this.#rowBytes
    this.rows[at + ROW.kind] = kind
    this.rows[at + ROW.fromPeer] = fromPeer
    this.rows[at + ROW.originPeer] = fromPeer
    this.rows[at + ROW.flags] = flags
    this.rows[at + ROW.receiverIndex] = receiverIndex
    return at
  }

  /** Keeps the row that `startRow` began when its frame is sound. */
  #endFrameRow(at: number, frame: Uint8Array): boolean {
    const checksum = this.rows[at + ROW.checksum]!
    const isPartial = (this.rows[at + ROW.flags]! & FRAME_FLAG.checksumPartial) !== 0
    const checksumEnd = (checksum & 0xffff) + (checksum >>> 16) + 2
    if (isPartial && checksumEnd > frame.length) return this.#drop('malformed-frame')
    if (frame.length > this.#rowBytes) return this.#drop('too-big')
    if (isStillTagged(frame)) return this.#drop('vlan-tags')
    if (!fillFrameFields(this.rows, at, frame)) return this.#drop('malformed-frame')
    return this.#endRow(at, frame)
  }

  #endRow(at: number, bytes: Uint8Array): true {
    this.slab.set(bytes, this.rows[at + ROW.offset]!)
    this.rows[at + ROW.length] = bytes.length
    this.#rowCount++
    return true
  }

  // Receiving

  #open(datagram: Uint8Array, from: EndpointParts | undefined, isInner: boolean): boolean {
    if (datagram.length < DATAGRAM_BYTES_MIN) return this.#drop('short')
    if (from !== undefined && !isInner && isRawOf(this.#rawToken, datagram))
      return this.#endRow(this.#startRow(-1, RAW_ROW_KIND, 0, 0), datagram)
    if (datagram[0] !== DATAGRAM_TYPE_DATA) return this.#drop('type')
    const session = this.#sessions.get(viewOf(datagram).getUint32(4, true))
    const peer = session === undefined ? undefined : this.#peers.get(session.peerIndex)
    if (session === undefined || peer === undefined) return this.#drop('no-session')
    const plaintext = session.open(datagram)
    if (typeof plaintext === 'string') return this.#drop(plaintext)
    const isFromElsewhere = isInner || from === undefined
    const flags = isFromElsewhere ? ROW_FLAG.relayed : isAt(peer.endpoint, from) ? 0 : ROW_FLAG.moved
    if (plaintext[0] === DATAGRAM_KIND.fragment) return this.#piece(plaintext, session, from, flags)
    return this.#opened(plaintext, session, from, flags, isInner)
  }

  #piece(plaintext: Uint8Array, session: MemorySession, from: EndpointParts | undefined, flags: number): boolean {
    const whole = this.#pieces.add(session.peerIndex, plaintext)
    if (whole === 'malformed') return this.#drop('fragment')
    if (whole === undefined) return true
    this.#count('reassembled')
    const isFrame = whole[0] === DATAGRAM_KIND.frame || whole[0] === DATAGRAM_KIND.broadcast
    return isFrame ? this.#opened(whole, session, from, flags, true) : this.#drop('kind')
  }

  #opened(
    plaintext: Uint8Array,
    session: MemorySession,
    from: EndpointParts | undefined,
    flags: number,
    isInner: boolean,
  ): boolean {
    const kind = plaintext[0]!
    if (kind === DATAGRAM_KIND.relayed && !isInner) return this.#relay(plaintext, session.peerIndex, from)
    this.#sources[this.#rowCount] = from ?? NOWHERE
    const at = this.#startRow(session.peerIndex, kind, flags, session.receiverIndex)
    if (kind === DATAGRAM_KIND.frame) return this.#frameRow(at, plaintext, FRAME_HEADER_BYTES)
    if (kind === DATAGRAM_KIND.broadcast) return this.#broadcastRow(at, plaintext, session.peerIndex)
    if (kind !== DATAGRAM_KIND.control) return this.#drop('kind')
    if (plaintext.length - 1 > this.#rowBytes) return this.#drop('too-big')
    return this.#endRow(at, plaintext.subarray(1))
  }

  #frameRow(at: number, plaintext: Uint8Array, headerBytes: number): boolean {
    if (plaintext.length < headerBytes) return this.#drop('malformed-frame')
    const view = viewOf(plaintext)
    this.rows[at + ROW.flags]! |= plaintext[1]! & FRAME_FLAGS_MASK
    this.rows[at + ROW.gsoSize] = view.getUint16(2, true)
    this.rows[at + ROW.checksum] = view.getUint16(4, true) | (plaintext[6]! << 16)
    return this.#endFrameRow(at, plaintext.subarray(headerBytes))
  }

  #broadcastRow(at: number, plaintext: Uint8Array, from: number): boolean {
    const headerBytes = soundHeaderBytes(plaintext)
    if (headerBytes === undefined) return this.#drop('malformed-frame')
    const wayFrom = this.rowsMax * this.#rowBytes + this.#wayBytes
    if (wayFrom + headerBytes > this.slab.length) return this.#drop('rows-full')
    placeWay(this, at, plaintext.subarray(0, headerBytes), wayFrom, this.#indexOf)
    const origin = this.#peers.get(this.rows[at + ROW.originPeer]!)
    if (!isOrigin(origin, this.#peers.get(from), plaintext, headerBytes))
      this.rows[at + ROW.flags]! |= ROW_FLAG.unproved
    if (!this.#frameRow(at, plaintext, headerBytes)) return false
    this.#wayBytes += headerBytes
    return true
  }

  #relay(plaintext: Uint8Array, fromPeer: number, from: EndpointParts | undefined): boolean {
    if (plaintext.length < RELAYED_HEADER_BYTES + DATAGRAM_BYTES_MIN) return this.#drop('short')
    const destination = plaintext.subarray(16, 24)
    if (keyOf(destination) === keyOf(this.#self)) {
      return this.#open(plaintext.subarray(RELAYED_HEADER_BYTES), from, true)
    }
    const peer = this.#peers.get(this.#indexOf.get(keyOf(destination)) ?? -1)
    const hopLimit = Math.min(plaintext[1]!, HOP_LIMIT) - 1
    if (hopLimit <= 0) return this.#drop('hop-limit')
    if (peer === undefined) return this.#drop('relay-unknown')
    const next = onwardHop(this.#peers, peer, this.#peers.get(fromPeer))
    if (typeof next === 'string') return this.#drop(next)
    const onward = plaintext.slice()
    onward[1] = hopLimit
    if (!this.#sealTo(next, onward)) return false
    this.#count('relayed')
    return true
  }

  // Sending

  #sendRow(at: number): boolean {
    const peer = this.#peers.get(this.sends[at + SEND.peer]!)
    if (peer === undefined) return this.#drop('no-peer')
    if (peer.session === undefined) return this.#drop('no-session')
    if (peer.via < 0 && !hasWay(peer)) return this.#drop('no-path')
    const row = this.sends[at + SEND.row]! * ROW.columns
    const isBroadcast = this.sends[at + SEND.kind] === DATAGRAM_KIND.broadcast
    const way = isBroadcast ? wayOf(this, at, this.#peers) : undefined
    const headerBytes = way === undefined ? FRAME_HEADER_BYTES : BROADCAST_HEADER_BYTES + way.entries.length
    const offset = this.rows[row + ROW.offset]!
    const length = this.rows[row + ROW.length]!
    const plaintext = new Uint8Array(headerBytes + length)
    const view = viewOf(plaintext)
    plaintext[0] = isBroadcast ? DATAGRAM_KIND.broadcast : DATAGRAM_KIND.frame
    plaintext[1] = this.rows[row + ROW.flags]! & FRAME_FLAGS_MASK
    view.setUint16(2, this.rows[row + ROW.gsoSize]!, true)
    view.setUint16(4, this.rows[row + ROW.checksum]! & 0xffff, true)
    plaintext[6] = this.rows[row + ROW.checksum]! >>> 16
    plaintext.set(this.slab.subarray(offset, offset + length), headerBytes)
    if (way !== undefined) writeWay(plaintext, way, this, at, this.#self, this.#peers)
    if (isTooBig(peer, this.#peers, plaintext)) return this.#sendPieces(peer, peer.session, plaintext)
    const datagram = peer.session.seal(plaintext)
    return datagram === undefined ? this.#drop('counter-exhausted') : this.#sendTo(peer, datagram)
  }

  #sendPieces(peer: MemoryPeer, session: MemorySession, whole: Uint8Array): boolean {
    const pieces = cut(whole, pieceBytes(peer, this.#peers), this.#nextFragment++)
    if (pieces === undefined) return this.#drop('too-big')
    for (const piece of pieces) {
      const datagram = session.seal(piece)
      if (datagram === undefined) return this.#drop('counter-exhausted')
      if (!this.#sendTo(peer, datagram)) return false
    }
    this.#count('fragmented')
    return true
  }

  /** Sends what is sealed end to end for the peer: straight, or inside a datagram to the next hop. */
  #sendTo(peer: MemoryPeer, datagram: Uint8Array): boolean {
    if (peer.via < 0) return this.#leave(peer, datagram)
    const next = nextHop(this.#peers, peer)
    if (next === undefined) return this.#drop('no-path')
    const plaintext = new Uint8Array(RELAYED_HEADER_BYTES + datagram.length)
    plaintext[0] = DATAGRAM_KIND.relayed
    plaintext[1] = HOP_LIMIT
    plaintext.set(this.#self, 8)
    plaintext.set(peer.shortId, 16)
    plaintext.set(datagram, RELAYED_HEADER_BYTES)
    return this.#sealTo(next, plaintext)
  }

  #sealTo(next: MemoryPeer, plaintext: Uint8Array): boolean {
    if (next.session === undefined) return this.#drop('no-session')
    if (!hasWay(next)) return this.#drop('no-path')
    if (DATAGRAM_HEADER_BYTES + plaintext.length + DATAGRAM_TAG_BYTES > next.pathBytes) return this.#drop('too-big')
    const datagram = next.session.seal(plaintext)
    return datagram === undefined ? this.#drop('counter-exhausted') : this.#leave(next, datagram)
  }

  /** To a peer that is reached without a relay. */
  #leave(hop: MemoryPeer, datagram: Uint8Array): boolean {
    if (hop.via === VIA_LINK) {
      const handed = { peerIndex: this.#indexOf.get(hop.key)!, bundle: bundleOf(datagram) }
      if (!this.#handed.add(handed)) return this.#drop('link-out-full')
      this.#count('tx-handed')
      return true
    }
    if (hop.endpoint === undefined) return this.#drop('no-path')
    this.#emit(datagram, hop.endpoint)
    return true
  }

  #emit(datagram: Uint8Array, to: EndpointParts): void {
    this.#count('tx-datagrams')
    this.#count('tx-bytes', datagram.length)
    this.#onDatagram(datagram, to)
  }

  #count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by)
  }

  #drop(reason: string): false {
    this.#count(`drop:${reason}`)
    return false
  }
}
