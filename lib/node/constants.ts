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

/** Changes of the graph are gathered so long before routes and tables are made anew. */
export const VIEW_DELAY_MS = 50
/** Own links are published at most so often. */
export const LINKS_DELAY_MS = 100
export const COLLECT_INTERVAL_MS = 5_000

/** Probing of a path: while it is not proved, between the first and the last wait; once it is, at the interval. */
export const PROBE_FIRST_MS = 200
export const PROBE_LAST_MS = 10_000
export const PROBE_INTERVAL_MS = 5_000
/** How long a probe waits for its answer, and how many in a row may be missing before the path is down. */
export const PROBE_ANSWER_MS = 1_000
export const PROBE_MISSES_MAX = 4
/** A probe of the far side stands in for an own one, but not for longer than this after the last own one that was answered. */
export const PROBE_PROOF_MS = 10_000
export const CANDIDATES_MAX = 16
/** Paths on demand: to peers that are no neighbours, in a mesh beyond FULL_MESH_PEERS. */
export const PATHS_ON_DEMAND_MAX = 256
/** A path on demand ends when it carried no frame for so long, as seen by a look every now and then. */
export const PATH_IDLE_MS = 300_000
export const PATH_LOOK_MS = 30_000
/** One that cannot be used ends so long after it was last wanted. */
export const PATH_FUTILE_MS = 30_000
/** Where there are too many, one that carried nothing for so long makes room. */
export const PATH_SPARE_MS = 10_000

/** A routed message crosses at most so many peers. */
export const ROUTED_HOP_LIMIT = 16
/** No peer has more links than its `links` record can hold. */
export const LINKS_MAX = 256
/** Ends that `status connections` remembers of inbound attempts that failed. */
export const FAILED_INBOUND_MAX = 16
export const FAILED_INBOUND_SHOWN_MS = 120_000
/** Records of others are gathered so long before they are stored. */
export const FOREIGN_PERSIST_DELAY_MS = 2_000
/** How often links beyond what is useful are looked for. */
export const SURPLUS_INTERVAL_MS = 30_000
/** One line of a kind and source is logged at most so often; between, they are counted. */
export const LOG_INTERVAL_MS = 10_000
export const LOG_KEYS_MAX = 512
