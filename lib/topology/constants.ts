/** Links that one `links` record can hold. */
export const PUBLISHED_LINKS_MAX = 256
/** Endpoints that one peer can advertise. */
export const ADVERTISED_ENDPOINTS_MAX = 16

/** The highest RTT class: 65.5 s and more. */
export const RTT_CLASS_MAX = 15
/** What is published of a link that carries the datagrams itself (TCP): any other way is better. */
export const TCP_RTT_CLASS = 15
/** A present next hop stays unless the best one costs at most this share of it. */
export const SWITCH_COST_SHARE = 0.8
/** Peers in a graph. */
export const VERTICES_MAX = 4_096
/** Claims of the peers in a graph, taken together: so many half-edges are the most that a search has to look at. */
export const EDGES_MAX = 65_536
/** Peers that others name and that are not linked, whose share of the places is known. */
export const SHARED_NAMES_MAX = 65_536
/** What a search does in about a millisecond: edges looked at, and four more for each peer settled. */
export const WORK_PER_MS = 10_000

/** Up to so many peers, everyone links to everyone. */
export const FULL_MESH_PEERS = 32
/** A mesh that was larger becomes a full one again only at so many peers. */
export const FULL_MESH_AGAIN_PEERS = 24
/**
 * Links that a peer of a larger mesh wants at least, and how many of them at least by rank: those keep the mesh whole.
 */
export const WANTED_MIN = 4
export const RANKED_MIN = 3
/**
 * Of the wanted peers so many are the nearest ones. They are chosen anew at most so often, for one that is half as far.
 */
export const NEAR_MAX = 2
export const NEAR_INTERVAL_MS = 600_000
export const NEAR_COST_SHARE = 0.5
/** Links are accepted up to this multiple of those wanted. */
export const ACCEPTED_FACTOR = 4
/** Peers that were passed over because they did not answer, and are dialled all the same. */
export const PASSED_OVER_MAX = 8
/**
 * A link that is not wanted any more is kept so long, give or take a quarter: until a mesh that was started at once is at
 * rest, for each link given up is told to all.
 */
export const RETIRE_AFTER_MS = 45_000
/** When one is given up, those go with it whose time comes so soon. */
export const RETIRE_TOGETHER_MS = 30_000
