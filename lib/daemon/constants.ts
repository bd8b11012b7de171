export const DIAL_TIMEOUT_MS = 10_000
/** Of a dial that a neighbour asks for, to see whether it can be reached; it waits no longer for what comes of that. */
export const DIAL_BACK_TIMEOUT_MS = 2_000
export const CHECK_WAIT_MS = 3_000
/** So many neighbours are asked to dial back at once, and what they say holds so long. */
export const DIAL_BACKS_MAX = 16
export const CHECKS_KEPT_MS = 1_000
/** How often the host is compared with what it should be: attachments, firewall. */
export const RECONCILE_INTERVAL_MS = 30_000
export const ATTACHMENT_PREFIX = 'attach/'
/** In which boot of the host the daemon ran last. */
export const BOOT_KEY = 'boot'
/** How long after a boot it is waited for namespaces that were attached, and how often it is looked for them. */
export const RETURN_UPTIME_S_MAX = 900
export const RETURN_LOOK_MS = 1_000
export const EXPOSURE_PREFIX = 'expose/'
/** This host, among those that hold addresses. */
export const EXPOSED_ID = 'weave:expose'
export const EXPOSURE_NAMES_KEY = 'exposure-names'
/** Addresses of the overlay that one host may have. */
export const EXPOSURES_MAX = 64
/** Addresses of the bridge at which DNS answers. */
export const DNS_LISTENERS_MAX = 64
/** Name servers of a resolv.conf: no resolver asks more of them. */
export const RESOLV_CONF_SERVERS_MAX = 3
/** Before an address that has a name and is no container's here. */
export const EXTERNAL_PREFIX = 'weave:extern/'
/** Of a container's id, as `ps` and Docker show it. */
export const CONTAINER_ID_SHOWN = 12
/** Peers that a status shows, the nearest first: a ledger has places for many more, which others can fill. */
export const SHOWN_PEERS_MAX = 1_000
/** A status is kept so many times as long as it took to make: those who ask take at most this part of the time. */
export const STATUS_KEPT_FACTOR = 10
/** What the disk refused waits in memory, up to this; beyond, the daemon ends rather than go on without memory. */
export const PENDING_WRITES_BYTES_MAX = 16 * 1024 * 1024
/** Requests for addresses that are given to the node at once, and share a durable write. */
export const GROUP_REQUESTS_MAX = 128
/** How often a store in trouble is looked at. */
export const STORE_LOOK_INTERVAL_MS = 1_000
/** Containers that are brought in line at the same time, and those that may wait for it. */
export const MEND_AT_ONCE = 8
export const MEND_KEYS_MAX = 4_096
/** How long until one that failed is tried again: doubled each time, up to the second. */
export const MEND_RETRY_FIRST_MS = 250
export const MEND_RETRY_MAX_MS = 10_000
/** Containers that were removed lately, as a status shows them. */
export const VANISHED_SHOWN_MAX = 16
/** Of a kind so many are warned of one by one: containers that are not attached as they should be, peers, paths. */
export const WARNINGS_SHOWN_MAX = 8
/** Networks of Docker, and places of containers on them. */
export const DRIVER_NETWORKS_MAX = 256
export const DRIVER_ENDPOINTS_MAX = 4_096
export const DRIVER_NETWORK_PREFIX = 'docker-network/'
export const DRIVER_ENDPOINT_PREFIX = 'docker-endpoint/'
/** The socket in Docker's plugin directory; without its suffix, what the driver is called there. */
export const DRIVER_NAME = 'weave-ts'
/** What Docker does not know of a network is given up after this long: it may be about to. */
export const DRIVER_ORPHAN_MS = 30_000

/** Pings of the operator: what is sent at once, and on the average. */
export const PATH_PINGS_BURST = 20
export const PATH_PINGS_PER_SECOND = 20

/** Of `--metrics` when it names none: Weave Net's. */
export const METRICS_PORT = 6782

/** What `history` tells of: so many steps of so long; and peers that have a series of their own. */
export const HISTORY_STEP_MS = 10_000
export const HISTORY_STEPS = 360
export const HISTORY_PEERS_MAX = 64
/** Edges that `graph` shows, those of the nearest peers first. */
export const SHOWN_EDGES_MAX = 8_192

/** Measurements of which the results are kept. */
export const PERF_HISTORY_MAX = 256
export const PERF_PREFIX = 'perf/'
/** Pings before a measurement, and how long from one to the next then and while it goes on. */
export const PERF_IDLE_PINGS = 5
export const PERF_IDLE_PING_GAP_MS = 100
export const PERF_PING_GAP_MS = 200
export const PERF_PING_WAIT_MS = 1_000
