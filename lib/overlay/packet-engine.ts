import type { EndpointParts } from '../address/mod.ts'

/**
 * The seam between the switch, which decides, and the packet engine, which touches bytes. `io` implements it natively;
 * the simulator has an in-memory twin. One compliance suite runs on both.
 *
 * A *peer index* is a small local number (0 … PEER_INDEX_MAX) that the node gives to a PeerId. An engine peer holds:
 * the short id, the session that outgoing datagrams are sealed with, the endpoint they go to, and the sessions by which
 * datagrams from it are opened.
 */
export const PEER_INDEX_MAX = 65_535

/** In place of a relay's index: datagrams to the peer are handed over, for the control link to it. */
export const VIA_LINK = -2

export type CipherName = 'aes-256-gcm' | 'chacha20-poly1305'

export interface EngineSession {
  readonly peerIndex: number
  /** Ours: what the far side writes into the header of datagrams to us. Non-zero u32, unique among live sessions. */
  readonly receiverIndex: number
  /** Theirs: what we write. */
  readonly remoteIndex: number
  readonly cipher: CipherName
  /** 32 bytes each. */
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  /** First counter to send: 0 but in tests of exhaustion. */
  readonly firstCounter?: number
}

/** The control side, called by the daemon's main thread. Every call takes effect for the next batch of every lane. */
export interface EngineControl {
  /**
   * This peer's own short id (8 bytes): written as the source of what begins here; `relayed` datagrams to it are
   * opened.
   */
  setSelf(shortId: Uint8Array): void
  /** Makes or renames an engine peer. `shortId`: 8 bytes. */
  setPeer(peerIndex: number, shortId: Uint8Array): void
  /** Drops the peer with all its sessions. */
  removePeer(peerIndex: number): void
  /** Adds a session by which datagrams can be opened at once; it seals only when `sealWith` says so. */
  addSession(session: EngineSession): void
  removeSession(receiverIndex: number): void
  /** Outgoing datagrams to the peer are sealed with this session (0: none, frames are dropped as `no-session`). */
  sealWith(peerIndex: number, receiverIndex: number): void
  /** Where datagrams to the peer go (undefined: nowhere, frames are dropped as `no-path`). */
  setEndpoint(peerIndex: number, endpoint: EndpointParts | undefined): void
  /**
   * The largest UDP payload for the peer's path. `isFound`: that is known to be so, and whoever sends frames that do not
   * fit, and may not be fragmented, is told of it. `hasTrains`: several datagrams may be given to the kernel as one
   * (default: yes); something on the way may take a train for one long packet.
   */
  setPathBytes(peerIndex: number, bytes: number, isFound?: boolean, hasTrains?: boolean): void
  /** Whether the peer takes several datagrams of one flow in one of ours (default: no). */
  setJoining(peerIndex: number, isOn: boolean): void
  /**
   * The addresses of the bridge: who is told that a frame is too big hears it from one of them that is in his subnet,
   * else from whom the frame was for.
   */
  setBridgeAddresses(addresses: readonly BridgeAddress[]): void
  /**
   * Datagrams to the peer go sealed inside datagrams to `viaIndex`, are handed over (VIA_LINK: `takeHanded`), or go
   * directly (-1). Those to a relay that is reached by a link are handed over, too.
   */
  setVia(peerIndex: number, viaIndex: number): void
  /**
   * Through whom a relayed datagram for the peer is passed on that came from the very relay it would go to: that one's
   * way is gone, and this peer has not been told yet (-1: it is dropped as `relay-back`).
   */
  setSpare(peerIndex: number, spareIndex: number): void
  /**
   * The keys (16 bytes each) of what this peer floods and others pass on to that one, and the other way round. What was
   * taken by earlier keys is forgotten.
   */
  setOriginKeys(peerIndex: number, to: Uint8Array, from: Uint8Array): void
  /**
   * Seals one control datagram with the named session and sends it to `endpoint`, or when that is undefined to where
   * the peer's frames go. Returns false when there is no such session, path, or counter left. `copies`: so many times,
   * as one train.
   */
  sendControl(receiverIndex: number, body: Uint8Array, endpoint?: EndpointParts, copies?: number): boolean
  /**
   * Sends `body`, of a test datagram, `count` times (up to MEASURED_BURST_MAX) as control datagrams to where the peer's
   * frames go, sealed and in trains as those are; each with its number, from `first` on. Returns how many left: none
   * without a way, or when they do not fit it. `isRaw`: `body` is a whole datagram, which goes past the session, and only
   * to a peer that is reached directly.
   */
  sendMeasured(peerIndex: number, body: Uint8Array, first: number, count: number, isRaw: boolean): number
  /** Datagrams that carry this token (8 bytes, not all 0) past all sessions become rows of RAW_ROW_KIND. */
  takeRaw(token: Uint8Array | undefined): void
  /**
   * What was sealed for peers whose datagrams go over a link, the oldest first, each bundle for one next hop. What
   * exceeds PEER_HANDED_BYTES_MAX or HANDED_BYTES_MAX before it is taken is dropped as `link-out-full`.
   */
  takeHanded(): HandedDatagrams[]
  /**
   * Datagrams that came over the link of a peer: a lane opens them with its next batch, as from no endpoint. Beyond
   * PEER_INTAKE_BYTES_MAX of one peer, or INTAKE_BYTES_MAX of all, they are dropped as `intake-full`. What is no bundle is
   * left alone.
   */
  injectDatagrams(peerIndex: number, bundle: Uint8Array): void
  /** Totals since the start: `rx-datagrams`, `tx-bytes`, … and `drop:<reason>`. */
  counters(): Record<string, number>
  /** Per-session totals; undefined when there is no such session. Counters are datagrams, bytes are UDP payload. */
  sessionTotals(receiverIndex: number): SessionTotals | undefined
}

/** Sealed datagrams, in a bundle (lib/wire/datagram-bundle.ts) for the link to this peer. */
export interface HandedDatagrams {
  readonly peerIndex: number
  readonly bundle: Uint8Array
}

/** An address and the bits of its prefix. */
export interface BridgeAddress {
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array
  readonly prefix: number
}

export interface SessionTotals {
  readonly sentDatagrams: number
  readonly sentBytes: number
  readonly receivedDatagrams: number
  readonly receivedBytes: number
}

/** In place of a DATAGRAM_KIND: a test datagram that came past all sessions, from its type on; of no peer. */
export const RAW_ROW_KIND = 6

/** Columns of a frame row. MAC addresses are split into their upper 16 and lower 32 bits. */
export const ROW = {
  /** Where the Ethernet frame (or the control body) starts in `slab`. */
  offset: 0,
  length: 1,
  /** A DATAGRAM_KIND; frames read from the TAP say `frame`. */
  kind: 2,
  /** The peer whose session opened the datagram; -1 for the TAP. */
  fromPeer: 3,
  /** FRAME_FLAG bits and ROW_FLAG bits. */
  flags: 4,
  gsoSize: 5,
  /** checksum start | checksum offset << 16 */
  checksum: 6,
  destinationHigh: 7,
  destinationLow: 8,
  sourceHigh: 9,
  sourceLow: 10,
  etherType: 11,
  /** broadcast and relayed: the peer where the frame began, or -1 when its short id is unknown here. */
  originPeer: 12,
  /** broadcast: where in `slab` the entries are (lib/wire/datagram.ts); how many says the u16 before them. */
  wayAt: 13,
  /** The IPv4 source address of an IPv4 or ARP frame, the last 32 bits of the source of an IPv6 frame, else 0. */
  sourceIpv4: 14,
  /** The receiver index (its 32 bits) of the session that opened the datagram; 0 for the TAP. */
  receiverIndex: 15,
  /** The first three times 32 bits of the source address of an IPv6 frame, else 0. */
  sourceIpv6: 16,
  columns: 19,
} as const

export const ROW_FLAG = {
  /** The datagram came from another endpoint than the peer's present one: `source(row)` tells. */
  moved: 1 << 16,
  /** An ICMPv6 router advertisement or redirect. */
  routerAdvertisement: 1 << 17,
  /** Link-local control of bridges (01:80:c2:00:00:0x): never leaves the host. */
  bridgeControl: 1 << 18,
  /**
   * The datagram came end to end sealed through a relay, or over a link: `source(row)` is the relay's endpoint or
   * nothing, never the peer's.
   */
  relayed: 1 << 19,
  /** An ICMPv6 neighbour advertisement, which claims an address for a MAC. */
  neighbourAdvertisement: 1 << 20,
  /** From the port of a DHCP server to that of a client, of IPv4 or IPv6. */
  dhcpServer: 1 << 21,
  /** broadcast: it is not for this peer, which only passes it on. */
  passesOnly: 1 << 22,
  /**
   * broadcast: that it began where it says is not proved. Whoever passed it on, or its source, lies, or its keys are not
   * known here.
   */
  unproved: 1 << 23,
  /** Of a flow that sends little, or from a datagram of that class: it goes before others (`DATAGRAM_CLASS`). */
  expedited: 1 << 24,
} as const

/** Columns of a send row: which frame row goes to which peer, how. */
export const SEND = {
  row: 0,
  peer: 1,
  /** DATAGRAM_KIND.frame or .broadcast */
  kind: 2,
  /**
   * broadcast: the entry of the peer, which gets what is below it. Of a frame that is passed on where it is in `slab`, within
   * the row's way; of one from the TAP −1 less its place in `ways`.
   */
  wayAt: 3,
  /**
   * broadcast from the TAP: when the engine cuts the frame into segments, segment n (from 0) carries this and n. Within one
   * `send` a sequence is of one frame alone. What is passed on keeps the sequence that it came with.
   */
  sequenceLow: 4,
  sequenceHigh: 5,
  columns: 6,
} as const

/**
 * An entry in `ways`: peer index; how many entries below it follow, and PASSES_ONLY if it is not to have the frame itself.
 */
export const WAYS_COLUMNS = 2

/** In place of its short id an entry of a received frame that is a child of this peer has the peer index, or −1 (i32). */
export const WAY_CHILD_AT = 2

/** What `wait` found ready. */
export const READY = { tap: 1, udp: 2, woken: 4 } as const

/**
 * One lane: used by one thread only. `tapRead` and `udpRead` fill `rows` from row 0 and make the rows of the call
 * before invalid. The caller decides, fills `sends` or `deliveries`, and calls `send` or `tapWrite` before it reads
 * again; `send` (perhaps several times) leaves the slab as it was, `tapWrite` comes last and may alter it. Datagrams may stay
 * in the slab, behind what `tapRead` fills, for a later `udpRead`, of which `wait` tells. Nothing allocates per frame.
 */
export interface EngineLane {
  readonly slab: Uint8Array
  readonly rows: Int32Array
  readonly sends: Int32Array
  /** The ways of frames from the TAP. The caller's: the engine reads it in `send`. */
  readonly ways: Int32Array
  /** Row numbers to hand to the TAP, in order. */
  readonly deliveries: Int32Array
  readonly rowsMax: number
  readonly sendsMax: number
  /** Reads what the TAP has, without blocking; how many rows were filled. */
  tapRead(): number
  /**
   * Reads, checks and opens what the socket has, without blocking; how many rows were filled. -1: nothing was there.
   */
  udpRead(): number
  /** Segments, seals and transmits the first `count` send rows. Returns how many datagrams the kernel took. */
  send(count: number): number
  /** Coalesces and writes the first `count` deliveries. Returns how many frames the TAP took. */
  tapWrite(count: number): number
  /** The source endpoint of the datagram that a row of the last `udpRead` came in. */
  source(row: number): EndpointParts
  /** Blocks until the TAP (mask READY.tap) or the socket (READY.udp) can be read, the lane is woken, or time is up. */
  wait(mask: number, timeoutMs: number): number
  /** Counts a drop decided by the caller, under `drop:<reason>`. */
  countDrop(reason: SwitchDrop, count: number): void
  /**
   * Counts an address of a virtual router that was local and turned up at a peer, under `local-moves`: another router
   * took over. All other local addresses stay so until they are forgotten (`MacTable`).
   */
  countLocalMove(): void
  /**
   * What the caller did with a row of the last reading, and would do with every other that has the same addresses, type and
   * `fromPeer`: it sent it to `peer` alone, as a `frame`, or handed it to the TAP (-1). The engine may do so by itself in `wait`
   * for `validMs`, while the two words of the shared table (`word` -1: none) have these values and until `forgetShortcuts`;
   * with a batch of long frames to one peer only for `largeMs`. What it read there and did not deal with is what the next
   * reading gives.
   */
  addShortcut(
    row: number,
    peer: number,
    word: number,
    value: number,
    otherWord: number,
    otherValue: number,
    validMs: number,
    largeMs: number,
  ): void
  forgetShortcuts(): void
}

/** Drops that the switch decides, counted with the engine's own. */
export const SWITCH_DROPS = [
  'no-destination',
  'spoofed-source',
  'spoofed-neighbour',
  'router-advertisement',
  'bridge-control',
  'flood-origin',
  'hop-limit',
  'unknown-origin',
  'malformed-frame',
  'duplicate-mac',
  'flood-limit',
  'path-awaited',
  'dhcp-server',
  'no-listener',
  'measure-unasked',
] as const
export type SwitchDrop = (typeof SWITCH_DROPS)[number]
