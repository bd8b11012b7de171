/** Waits between dials of one target: at once, then from the first to the last, doubling, with jitter of a half. */
export const RETRY_FIRST_MS = 1_000
export const RETRY_LAST_MS = 120_000
/** A link that was up for so long begins its target's waits anew. */
export const LASTING_LINK_MS = 10_000
/** A dial, or a resolution, that took so long has failed. */
export const DIAL_DEADLINE_MS = 10_000
/** The peer with the larger id waits so long before it dials a peer that it discovered: usually the other dials first. */
export const DISCOVERED_DIAL_DELAY_MS = 1_500
export const TARGETS_MAX = 1_024
/** A target that was told "other mesh" or "other secret" is tried again only so late. */
export const REFUSED_RETRY_MS = 60_000

/** Anti-entropy with one random neighbour. */
export const DIGEST_INTERVAL_MS = 5_000
/** Bytes of ledger deltas sent in answer to one digest. */
export const DELTA_BUDGET_BYTES = 512 * 1024

/**
 * Changes of the graph are gathered so long before routes and tables are made anew: while the mesh is restless ever longer,
 * unless it is this peer's own link that came or went; after the calm time as at first.
 */
export const VIEW_DELAY_MS = 50
export const VIEW_DELAY_LAST_MS = 400
export const VIEW_CALM_MS = 2_000
/** A rebuild of routes and trees does so much at a time (WORK_PER_MS), and then rests so many times as long as it took. */
export const WORK_PER_SLICE = 50_000
export const REBUILD_REST_FACTOR = 10
/** Between two publications of the own links: at first, doubling with each up to the last; after the quiet time anew. */
export const PUBLISH_GAP_FIRST_MS = 200
export const PUBLISH_GAP_LAST_MS = 3_200
export const PUBLISH_QUIET_MS = 10_000
/** A new link is published when its data path is up, or after so long. */
export const PUBLISH_PATH_WAIT_MS = 1_000
/** How often it is looked whether round-trip times have changed so that it should be told. */
export const PUBLISH_RTT_INTERVAL_MS = 30_000
export const COLLECT_INTERVAL_MS = 5_000

/** Probing of a path: while it is not proved, between the first and the last wait; once it is, at the interval. */
export const PROBE_FIRST_MS = 200
export const PROBE_LAST_MS = 10_000
export const PROBE_INTERVAL_MS = 5_000
/** How long a probe waits for its answer, and how many in a row may be missing before the path is down. */
export const PROBE_ANSWER_MS = 1_000
export const PROBE_MISSES_MAX = 4
export const CANDIDATES_MAX = 16
/** Peers that sessions are kept with even though they are not neighbours. */
export const SESSIONS_MAX = 256

/** A routed message crosses at most so many peers. */
export const ROUTED_HOP_LIMIT = 16
/** No peer has more neighbours than its `links` record can name. Above the second it makes room for newcomers. */
export const NEIGHBOURS_MAX = 256
export const NEIGHBOURS_CROWDED = 240
/** Known peers that nobody reaches: so many are dialled at a time. */
export const HEALING_MAX = 2
/** A peer that was passed over because it did not answer is counted again after this. */
export const PASSED_OVER_MS = 600_000
/** Ends that `status connections` remembers of inbound attempts that failed. */
export const FAILED_INBOUND_MAX = 16
export const FAILED_INBOUND_SHOWN_MS = 120_000
/** Records of others are gathered so long before they are stored. */
export const FOREIGN_PERSIST_DELAY_MS = 2_000
/** One line of a kind and source is logged at most so often; between, they are counted. */
export const LOG_INTERVAL_MS = 10_000
export const LOG_KEYS_MAX = 512
