/** The control protocol that this build speaks: lowest and highest version. */
export const PROTOCOL_VERSION_MIN = 1
export const PROTOCOL_VERSION_MAX = 1

/** A link that is not up by then is dropped. */
export const HANDSHAKE_DEADLINE_MS = 10_000
/** The longest frame before the handshake is complete. */
export const HANDSHAKE_FRAME_BYTES_MAX = 1_024
export const PING_INTERVAL_MS = 10_000
/** A ping of the far side stands in for an own one: the next own one comes so much later. */
export const PING_SPARED_MS = 15_000
/** The first pings follow sooner: what a link measures while it comes up says little of its round-trip time. */
export const EARLY_PING_INTERVAL_MS = 1_000
export const EARLY_PINGS = 3
/** Pings that are answered: at once, and then for each second. */
export const PING_BURST = 16
export const PINGS_PER_SECOND = 4
/** A link that was silent for so long is down. */
export const LINK_SILENCE_MS = 30_000
/** Of so many round trips the least counts. */
export const ROUND_TRIPS_KEPT = 6
