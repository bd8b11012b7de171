/**
 * The UDP datagram between two peers that hold a session.
 *
 *     0      1       2      3      4              8                        16
 *     | type | class | rsvd | rsvd | receiver idx | counter (64 bit, LE)   | ciphertext … | tag 16 |
 *
 * The 16 header bytes are the associated data. The AEAD nonce is 4 zero bytes and the counter: little-endian for
 * ChaCha20-Poly1305, big-endian for AES-256-GCM (Noise §12). The first plaintext byte is the kind:
 *
 *     frame      | kind | flags | gso size u16 | checksum start u16 | checksum offset u8 | rsvd | Ethernet frame … |
 *     broadcast  | kind | flags | gso size u16 | checksum start u16 | checksum offset u8 | passes only u8 |
 *                | sequence u64 | source short id (8) | tag (8) | rsvd u16 | entries u16 | entry … | Ethernet frame … |
 *     entry      | entries below u15, passes only u1 | short id (8) | tag (8) |
 *     relayed    | kind | hop limit | rsvd u16 | rsvd u32 | source short id (8) | destination short id (8) | datagram … |
 *     control    | kind | body … |
 *     fragment   | kind | rsvd | total u16 | offset u16 | rsvd u16 | id u32 | bytes of a frame or broadcast … |
 *
 * All integers are little-endian. A peer's short id is the first eight bytes of its PeerId. The entries of a broadcast are,
 * in preorder, the part of the source's tree below the receiver: children of one peer ascend by the bytes of their ids.
 * Who only passes on does not give the frame to its own bridge. The highest 4 bits of a sequence are the source's lane.
 */
export const DATAGRAM_TYPE_DATA = 1
/** In the clear: a test datagram of a measurement (measure-message.ts). */
export const DATAGRAM_TYPE_RAW = 2

/** Which datagrams go before others at the receiver: expedited ones. */
export const DATAGRAM_CLASS = { bulk: 0, expedited: 1 } as const

export const DATAGRAM_HEADER_BYTES = 16
export const DATAGRAM_TAG_BYTES = 16
export const FRAME_HEADER_BYTES = 8
/** Without entries. */
export const BROADCAST_HEADER_BYTES = 36
export const WAY_ENTRY_BYTES = 18
/** Of a broadcast's header, beside the frame, what its tags are for; the byte of `passes only` counts as 0. */
export const ORIGIN_BYTES = 24
export const ORIGIN_KEY_BYTES = 16
/** Bits of a sequence that a lane counts with; the rest name the lane. */
export const SEQUENCE_COUNTER_BITS = 60
export const RELAYED_HEADER_BYTES = 24
export const FRAGMENT_HEADER_BYTES = 12
export const SHORT_ID_BYTES = 8

export const DATAGRAM_KIND = { frame: 1, broadcast: 2, relayed: 3, control: 4, fragment: 5 } as const

/** Frame flags: the transport checksum is partial (only the pseudo-header is summed); and the GSO kind, if any. */
export const FRAME_FLAG = { checksumPartial: 1, gsoTcp4: 2, gsoTcp6: 4, gsoUdp: 8 } as const

/** Entries of a copy of a broadcast frame. */
export const WAY_ENTRIES_MAX = 2_048
/** In the first 16 bits of an entry, beside the number of entries below it, and in a broadcast's header. */
export const PASSES_ONLY = 0x8000

/** A relayed datagram crosses at most so many peers. */
export const HOP_LIMIT = 16

/** What is kept free for the header of a frame. A broadcast's may be longer: it never takes a relay, which has room of its own. */
const HEADER_ROOM_BYTES = 20
/** What a frame costs of a datagram's payload, the Ethernet header inside included. */
export const FRAME_OVERHEAD_BYTES = DATAGRAM_HEADER_BYTES + FRAME_HEADER_BYTES + 14 + DATAGRAM_TAG_BYTES
/** Bytes that an overlay frame costs on an IPv4 or IPv6 underlay, the Ethernet header inside the tunnel included. */
export const OVERHEAD_IPV4_BYTES = 20 + 8 + DATAGRAM_HEADER_BYTES + HEADER_ROOM_BYTES + 14 + DATAGRAM_TAG_BYTES
export const OVERHEAD_IPV6_BYTES = OVERHEAD_IPV4_BYTES + 20
/** What one more hop through a relay adds: an outer header and tag, and the relayed header. */
export const OVERHEAD_RELAY_BYTES = DATAGRAM_HEADER_BYTES + RELAYED_HEADER_BYTES + DATAGRAM_TAG_BYTES
