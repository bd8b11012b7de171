/** An address that was not seen for so long is unknown again. */
export const MAC_AGE_SECONDS = 600

/** Slots of a MAC table unless told otherwise: a power of two. */
export const MAC_TABLE_CAPACITY = 16_384

/** Slots that share one bucket of a MAC table or of a duplicate window. */
export const BUCKET_SLOTS = 8

/** How often a lane looks again at a bucket that another lane is writing before it goes on without it. */
export const MAC_SPIN_MAX = 64
/**
 * The same where giving up would leave an address with a peer that is gone: longer than a lane can be off its
 * processor.
 */
export const MAC_FORGET_SPIN_MAX = 2 ** 22

/** Broadcast ids that a lane remembers unless told otherwise: a power of two. */
export const DUPLICATE_WINDOW_CAPACITY = 16_384

/** A copy of a broadcast frame that comes later than this is taken for a new frame. */
export const DUPLICATE_EXPIRY_MS = 10_000

/** Bits of a duplicate id that a lane counts with; the rest name the lane. */
export const DUPLICATE_COUNTER_BITS = 28

/** Lanes of one peer that can make duplicate ids. */
export const LANES_MAX = 16

/** A lane says of at most so many peers in one second that it wants a way to them. */
export const WANTED_SLOTS = 1_024

/** No path carries less of a segmented frame in one datagram; bounds how many duplicate ids a super-frame can take. */
export const SEGMENT_BYTES_MIN = 256
