/** Limits and times of handshakes, link ciphers and data sessions (design: docs/protocol.md). Times in milliseconds. */

/** The largest Noise message (Noise §3). */
export const NOISE_MESSAGE_BYTES_MAX = 65_535
export const NOISE_KEY_BYTES = 32
export const NOISE_TAG_BYTES = 16

/** First messages of links that are remembered, so that a recorded one costs nothing: about 130 bytes each. */
export const FIRST_MESSAGES_MAX = 4_096

/**
 * After so many messages in one direction a link must be replaced; its 64-bit counter would last 65 536 times longer.
 */
export const LINK_MESSAGES_MAX = 2 ** 48

/**
 * Bits in the replay window of a session; one word of 64 is being refilled, so that 32,704 below the highest counter can be
 * accepted. Expedited datagrams overtake what waits of bulk, which are thousands.
 */
export const REPLAY_WINDOW_BITS = 32_768
/** Of a lane of a broadcast's source. */
export const ORIGIN_WINDOW_BITS = 8_192
/** How many bits of a window below the highest counter cannot be accepted any more. */
export const REPLAY_WINDOW_REFILLED = 64
/** Counters from here on are refused: upper 32 bits of 2^60. */
export const REPLAY_COUNTER_HIGH_MAX = 2 ** 28

/**
 * An initiation without an answer is sent anew after the first wait, then doubling up to the last, each up to the jitter
 * longer: one that crosses a restart is lost with the link that it went over.
 */
export const HANDSHAKE_RETRY_FIRST_MS = 300
export const HANDSHAKE_RETRY_MS = 5_000
export const HANDSHAKE_RETRY_JITTER_MS = 500
/** Then the attempt has failed. */
export const HANDSHAKE_GIVE_UP_MS = 90_000
/** Pause after the first failed attempt; doubles up to the limit, with a quarter of jitter. */
export const HANDSHAKE_BACK_OFF_MS = 10_000
export const HANDSHAKE_BACK_OFF_MAX_MS = 120_000
/** So long the peer of the larger id leaves the first initiation to the other, */
export const AWAIT_FIRST_MS = 500
/** and so long whoever answered one waits for the keys to be used. */
export const AWAIT_INITIATION_MS = 5_000

/** The initiator of a session replaces it at this age; the responder does if nothing came until its own. */
export const REKEY_AFTER_MS = 120_000
export const REKEY_FALL_BACK_MS = 165_000
/**
 * Sealing ends before the key dies, since the two ends begin to count up to HANDSHAKE_RETRY_MS + JITTER apart: so no
 * end forgets a key that the other still seals with.
 */
export const SEAL_UNTIL_MS = 170_000
export const SESSION_DIES_MS = 180_000

/** Keys kept for one remote peer. More can only come from a remote that handshakes without need. */
export const EPOCHS_MAX = 8
/** Undrained outputs of one machine. */
export const SESSION_OUTPUTS_MAX = 64
