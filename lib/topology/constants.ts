/** Links that one peer can publish. */
export const LINKS_MAX = 256
/** Endpoints that one peer can advertise. */
export const ADVERTISED_ENDPOINTS_MAX = 16
export const NICKNAME_BYTES_MAX = 63
export const SOFTWARE_VERSION_BYTES_MAX = 63
export const INCARNATION_BYTES = 8

/** The highest RTT class: 16.4 s and more. */
export const RTT_CLASS_MAX = 15
/** A present next hop stays unless the best one costs at most this share of it. */
export const SWITCH_COST_SHARE = 0.8
/** Shortest-path results kept with a graph: enough for a peer and all its neighbours. */
export const PATHS_CACHED_MAX = 320

/** Up to so many peers, everyone links to everyone. */
export const FULL_MESH_PEERS = 32
export const NEIGHBOURS_MIN = 8
/** Links are given up only above this multiple of the target. */
export const NEIGHBOURS_SURPLUS_FACTOR = 2
