/** An address that was not seen for so long is unknown again. */
export const MAC_AGE_SECONDS = 600

/** An address that moves so often in a row … */
export const MAC_MOVES_MAX = 5
/** … each time within so long of the last, is in use at two places at once … */
export const MAC_RETURN_SECONDS = 20
/** … and stays where it is until it was not seen there for so long. */
export const MAC_KEPT_SECONDS = 30
/** So long after an address moved, or was seen elsewhere, it is where it is, and nowhere else (RFC 7432 §15.1). */
export const MAC_SETTLED_SECONDS = 180
/** Until then a frame for it goes also to where it was, at most one in so long. */
export const MAC_FORMER_MS = 20

/** Slots of a MAC table unless told otherwise: a power of two. */
export const MAC_TABLE_CAPACITY = 16_384

/** Slots that share one bucket of a MAC table. */
export const BUCKET_SLOTS = 8
/** Of a bucket of a MAC table so many are addresses of this host; the rest is for those of others. */
export const BUCKET_LOCAL_MAX = 6
/** MAC addresses of which a lane remembers in which bucket they are: a power of two. */
export const HASHES_REMEMBERED = 256

/** How often a lane looks again at a bucket that another lane is writing before it goes on without it. */
export const MAC_SPIN_MAX = 64
/**
 * The same where giving up would leave an address with a peer that is gone: longer than a lane can be off its
 * processor.
 */
export const MAC_FORGET_SPIN_MAX = 2 ** 22

/** A host may have so many frames flooded in a second unless told otherwise, each container of it half of that … */
export const FLOOD_PER_SECOND = 10_000
/** … and as many at once as in so long. */
export const FLOOD_BURST_MS = 1_000
/** MAC addresses of this host whose floods are told apart. */
export const FLOOD_SOURCES_MAX = 1_024
/** A neighbour may pass on of others so many times what one host may have flooded. */
export const FLOOD_PASSED_FACTOR = 4
/** Neighbours, and hosts whose floods each of them passes on, that are told apart. */
export const FLOOD_NEIGHBOURS = 256
export const FLOOD_ORIGINS = 1_024

/** Frames that wait for a path to their peer: the newest of each … */
export const AWAITING_FRAMES_PER_PEER_MAX = 8
/** … of so many peers and bytes for each lane … */
export const AWAITING_PEERS_MAX = 64
export const AWAITING_BYTES_MAX = 262_144
/** … for so long. */
export const AWAITING_MS = 2_000

/** Lanes of one peer that can flood. */
export const LANES_MAX = 16

/** A lane says of at most so many peers in one second that it wants a way to them, and the like. */
export const PEER_SLOTS = 1_024
/** Control datagrams of one peer that a lane hands to the main thread in a second, and so many at once; */
export const CONTROL_PER_SECOND = 256
/** and how often in a second it tells that a peer was heard from elsewhere. */
export const MOVED_PER_SECOND = 32

/** No path carries less of a segmented frame in one datagram; bounds how many sequences a super-frame can take. */
export const SEGMENT_BYTES_MIN = 256

/** The largest datagram that a path is taken to carry when not even this is proved: IPv6's headers and 576 bytes. */
export const PATH_BYTES_MIN = 528
/** What is sent while nothing is proved: what fits IPv6's least MTU of 1280 (RFC 8899 §5.1.2). */
export const PATH_BYTES_BASE = 1_232
/** How often the size of a path that is in use is checked. */
export const SIZE_CHECK_MS = 500
/** The size of a path that carries no frames is searched for after this: a relay may need it, and most such paths end sooner. */
export const SIZE_REST_MS = 15_000
/** A size is taken not to pass when so many probes of it were not answered … */
export const SIZE_TRIES = 3
/** … each within this, and three round trips; at most within SIZE_WAIT_LAST_MS. */
export const SIZE_WAIT_MS = 150
export const SIZE_WAIT_LAST_MS = 1_500
/** Sizes between the largest that is proved and the least that failed: so many are probed at once. */
export const SIZE_PROBES_PER_STEP = 8
/** A path whose size is less than it need be is tried with more after this, doubling … */
export const SIZE_RAISE_FIRST_MS = 10_000
/** … up to this (RFC 8899 §5.1.1: PMTU_RAISE_TIMER). */
export const SIZE_RAISE_LAST_MS = 600_000
/** A frame goes in so many pieces at most. */
export const FRAGMENTS_MAX = 160
/** The pieces of a frame are waited for so long from the first one on. */
export const REASSEMBLY_MS = 1_000
/** Incomplete frames of one peer, their bytes, and those of all peers; what exceeds this takes the place of the oldest. */
export const PEER_PARTIAL_FRAMES_MAX = 64
export const PEER_PARTIAL_BYTES_MAX = 1_048_576
export const PARTIAL_BYTES_MAX = 8_388_608
/** VLAN tags that are looked behind: a frame with more is dropped. Linux takes off any number with VLAN id 0. */
export const VLAN_TAGS_MAX = 4
/** Bytes of sealed datagrams that wait to be taken for a link, for one peer and for all; */
export const PEER_HANDED_BYTES_MAX = 262_144
export const HANDED_BYTES_MAX = 4_194_304
/** and of those that came over links and wait for a lane, of one neighbour and of all. */
export const PEER_INTAKE_BYTES_MAX = 262_144
export const INTAKE_BYTES_MAX = 1_048_576
/** A lane sends so many messages at once, and then each second, that tell who sent a frame what would fit. */
export const TOO_BIG_BURST = 32
export const TOO_BIG_PER_SECOND = 32
/** The engine knows so many addresses of the bridge, from one of which those come. */
export const BRIDGE_ADDRESSES_MAX = 8
/** Frames longer than this, alone or several that may leave as one, may be lost by a path that became smaller: the lanes tell of them. */
export const LARGE_FRAME_BYTES = 400
/** … of those to one peer no more often than this. */
export const LARGE_TOLD_MS = 250
/** Frames about multicast groups that a lane hands on in a second, and how long they are at most; more are told of as one. */
export const GROUP_FRAMES_PER_SECOND = 512
export const GROUP_FRAME_BYTES_MAX = 9_216
/** Ways to the listeners of groups that a lane remembers. */
export const GROUP_WAYS_MAX = 1_024

/** Of the frames that pass a lane about so many are looked at in one span while somebody asks who talks … */
export const SAMPLES_PER_SPAN = 200
/** … of so long: below 2,000 frames a second each is seen. */
export const SAMPLE_SPAN_MS = 100
/** A sample ends by itself after so long. */
export const SAMPLE_MS_MAX = 70_000
/** Pairs of addresses that one sample tells apart; what is more is counted as of others. */
export const TALKS_MAX = 1_024
/** Samples of one data plane at once. */
export const FRAME_SAMPLES_MAX = 4

/** Test datagrams that are sent at once; what more is due after a pause is not made up for. */
export const MEASURED_BURST_MAX = 256
/** How often it is looked what is due. */
export const MEASURED_TICK_MS = 1
