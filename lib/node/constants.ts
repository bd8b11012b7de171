/** Waits between dials of one contact: at once, then from the first to the last, doubling, with jitter of a half. */
export const RETRY_FIRST_MS = 1_000
export const RETRY_LAST_MS = 120_000
/** The last for who has no link at all, and waits for a contact of the operator. */
export const RETRY_ALONE_MS = 20_000
/** A link that was up for so long begins its contact's waits anew. */
export const LASTING_LINK_MS = 10_000
/** A dial, or a resolution, that took so long has failed. */
export const DIAL_DEADLINE_MS = 10_000
/**
 * The peer with the larger id waits so long before it dials a peer that it discovered: usually the other dials first.
 */
export const DISCOVERED_DIAL_DELAY_MS = 1_500
export const CONTACTS_MAX = 1_024
/** Addresses that proved to be this peer's own. */
export const OWN_ENDPOINTS_MAX = 64
/**
 * Who knows of more than FULL_MESH_PEERS others dials its contacts at a start, or a contact that nobody reaches any more,
 * within so long for each of them, and within these bounds: they may all have been started, or have lost it, at this
 * moment. Meanwhile it finds the mesh by others.
 */
export const SPREAD_PER_PEER_MS = 10
export const SPREAD_FIRST_MS = 2_000
export const SPREAD_LAST_MS = 10_000
/** Bytes of a contact that a `forget` record names. */
export const CONTACT_BYTES_MAX = 256
/** `forget` records whose count is remembered; the oldest is forgotten first. */
export const FORGETS_SEEN_MAX = 4_096
/** A contact that said "other mesh", "collision" or "forger" is dialled again only so late (`RETRY_LATE_CODES`). */
export const REFUSED_RETRY_MS = 60_000

/** Ledgers are compared with one random neighbour. */
export const SYNC_INTERVAL_MS = 5_000
/** Records of others wait so long for company before they are passed on. */
export const RELAY_DELAY_MS = 20
/** So long after news ledgers are compared with one neighbour outside the tree. */
export const ANNOUNCE_DELAY_MS = 1_500
/** So long after news that had to be asked for it is looked whether that was all. */
export const COMPARE_AGAIN_MS = 700
/**
 * After so many pushes in a row without news each further one makes the link lazy with this chance, one link in so
 * long.
 */
export const DUPLICATES_TO_PRUNE = 2
export const PRUNE_SHARE = 1 / 5
export const PRUNE_GAP_MS = 300
/**
 * With more eager links than this a peer asks one of them to find itself another: at first so soon, later so seldom.
 */
export const EAGER_LINKS_MAX = 8
export const CROWD_GAP_FIRST_MS = 300
export const CROWD_GAP_LAST_MS = 60_000
/** Records that wait to be pushed to one neighbour; beyond, ledgers are compared. */
export const OUTBOX_RECORDS_MAX = 1_024
/** Wants of one neighbour that wait for their answer. */
export const WANTS_PER_NEIGHBOUR_MAX = 1_024
/** Answers to one neighbour: at once, and then for each second. */
export const ANSWER_BURST_BYTES = 512 * 1024
export const ANSWER_BYTES_PER_SECOND = 256 * 1024
/** So much of it in one go, so long apart. */
export const ANSWER_SLICE_BYTES = 64 * 1024
export const ANSWER_SLICE_GAP_MS = 10
/** Comparisons that are taken of one neighbour: bytes at once, and then for each second. */
export const SYNC_BURST_BYTES = 128 * 1024
export const SYNC_BYTES_PER_SECOND = 16 * 1024
/** Records that are taken of one neighbour: at once, and then for each second. Each may cost a signature check. */
export const MERGE_BURST = 4_096
export const MERGES_PER_SECOND = 512
/**
 * False signatures that are taken of one neighbour: at once, and then for each second. An honest one sends none, for it
 * has verified what it passes on; one with a damaged store sends the same few again with every comparison.
 */
export const FORGERY_BURST = 32
export const FORGERIES_PER_SECOND = 1
/** No link is wanted with a neighbour that sent more: for the first time so long, then for twice as long each time. */
export const SHUN_FIRST_MS = 60_000
export const SHUN_LAST_MS = 3_600_000
/** What a shunned peer did is forgotten so long after its pause. */
export const SHUN_MEMORY_MS = 3_600_000
export const SHUNNED_MAX = 1_024
/** Owners whose records were asked for: nobody else is asked for them for so long. */
export const WANT_TIMEOUT_MS = 2_000
/** A neighbour that did not send what it said it had is asked for nothing: at first so long, doubling with each time. */
export const UNBELIEVED_FIRST_MS = 4_000
export const UNBELIEVED_LAST_MS = 60_000
export const WANTS_UNDER_WAY_MAX = 4_096

/**
 * Changes of the graph are gathered so long before routes and tables are made anew: while the mesh is restless ever
 * longer, unless it is this peer's own link that came or went; after the calm time as at first.
 */
export const VIEW_DELAY_MS = 50
export const VIEW_DELAY_LAST_MS = 400
export const VIEW_CALM_MS = 2_000
/**
 * A rebuild of routes and trees does so much at a time (WORK_PER_MS), and then rests so many times as long as it took,
 * where this peer's own link came or went; or so many times for what befell others, which in a large mesh is always
 * something.
 */
export const WORK_PER_SLICE = 50_000
export const REBUILD_REST_FACTOR = 10
export const REBUILD_CALM_FACTOR = 40
/** It waits no longer than so for them, unless the first of the two rests is longer. */
export const REBUILD_CALM_LAST_MS = 2_000
/**
 * Between two publications of the own links: at first, doubling with each up to so much for each peer that is reached,
 * and the last; after the quiet time anew.
 */
export const PUBLISH_GAP_FIRST_MS = 500
export const PUBLISH_GAP_PER_PEER_MS = 60
export const PUBLISH_GAP_LAST_MS = 8_000
/** That a link was lost, or the data path of one that was told of came or went, waits no longer than so. */
export const PUBLISH_TOLD_GAP_LAST_MS = 4_000
export const PUBLISH_QUIET_MS = 10_000
/** A new link is published when its data path is up, or after so long. */
export const PUBLISH_PATH_WAIT_MS = 1_000
/** Or after so long, when one end has no other link. */
export const PUBLISH_FIRST_WAIT_MS = 150
/** A link that the far side gave up is told of by it: this side leaves it out of its list so much later. */
export const PUBLISH_RETIRED_WAIT_MS = 150_000
/** How often it is looked whether round-trip times have changed so that it should be told. */
export const PUBLISH_RTT_INTERVAL_MS = 15_000
export const COLLECT_INTERVAL_MS = 5_000

/** Probing of a path that is not proved: between the first and the last wait; beside a relay that works, at the interval. */
export const PROBE_FIRST_MS = 200
export const PROBE_LAST_MS = 10_000
export const PROBE_INTERVAL_MS = 5_000
/** A proved path that carried frames within the last PROBE_INTERVAL_MS is probed so often. */
export const PROBE_BUSY_MS = 1_000
/** How long a probe waits for its answer: four round trips of the path, within these bounds. */
export const PROBE_ANSWER_MIN_MS = 300
export const PROBE_ANSWER_MAX_MS = 1_000
/** Then the path is suspect, and probed so often, by itself and through a relay, */
export const PROBE_SUSPECT_MS = 250
/** and given up after so long without an answer where a relay answers, */
export const SUSPECT_RELAYED_MS = 900
/** or where none does. */
export const SUSPECT_ALONE_MS = 4_000
/** Sooner those who go through the peer look for another relay: if it was loss only, they have lost nothing by that. */
export const SUSPECT_LASTING_MS = 600
/** A path that works, and has followed its peer to another address, stays there for one to three times as long. */
export const FOLLOW_GAP_MS = 1_000
/** Where neither an endpoint nor a relay has answered for so long the control link is tried. */
export const LINK_DETOUR_AFTER_MS = 1_500
/**
 * Bytes of datagrams that are under way on one link: at first, and within these bounds, as long as they are taken within
 * this time more than at rest.
 */
export const DATAGRAM_WINDOW_FIRST_BYTES = 65_536
export const DATAGRAM_WINDOW_MIN_BYTES = 16_384
export const DATAGRAM_WINDOW_MAX_BYTES = 1_048_576
export const DATAGRAM_DELAY_MS = 50
/** Of the window so much is kept, at least and at most, when they took longer. */
export const DATAGRAM_WINDOW_KEPT_MIN = 0.25
export const DATAGRAM_WINDOW_KEPT_MAX = 0.7
/** So often what is under way is let run empty, and the least time is seen anew (as BBR does). */
export const DATAGRAM_LEAST_SPAN_MS = 10_000
/** Those that wait for the window: twice as many, within these bounds; and for all links. */
export const DATAGRAM_QUEUE_MIN_BYTES = 32_768
export const DATAGRAM_QUEUE_MAX_BYTES = 262_144
export const DATAGRAM_QUEUES_BYTES_MAX = 8_388_608
/** While frames of the peer still come. */
export const SUSPECT_HEARD_MS = 15_000
/** Probes of one path whose answers are awaited; the oldest is forgotten first. */
export const PROBES_OUTSTANDING_MAX = 64
/** The loss of a path is that of its probes within this time, of so many at most, and not told of fewer than the last. */
export const LOSS_SPAN_MS = 60_000
export const LOSS_PROBES_MAX = 256
export const LOSS_PROBES_MIN = 10
/** Probes of the size of one path whose answers are awaited. */
export const SIZE_PROBES_OUTSTANDING_MAX = 64
/**
 * A proved path that carries no frames is probed by one side after so long: middleboxes forget one that rests for 30 s.
 */
export const PROBE_IDLE_MS = 20_000
/** A process that wakes so much too late was not there: what it missed meanwhile does not count against others. */
export const STALL_MS = 500
/** Each stall makes it more patient with others, up to this score; each calm time less. */
export const HEALTH_SCORE_MAX = 8
export const HEALTH_CALM_MS = 5_000
/**
 * A neighbour whose path does not answer is asked over its link, and the link given up when nothing comes for so long:
 * the first when all its other neighbours have lost their path to it, too, the last when none has.
 */
export const SUSPECT_LINK_MS = 3_000
export const SUSPECT_LINK_LAST_MS = 6_000
/** A suspected neighbour is looked at so often. */
export const SUSPECT_LINK_LOOK_MS = 500
export const CANDIDATES_MAX = 16
/**
 * A rendezvous: so many probes of each candidate from both sides, the second so long after the first, doubling. The next
 * one comes after the first time, then the rest, doubling up to the last, or while frames take a detour the busy time;
 * a NAT forgets a port after 30 s without traffic.
 */
export const RENDEZVOUS_PROBES = 5
export const RENDEZVOUS_PROBE_FIRST_MS = 100
export const RENDEZVOUS_FIRST_MS = 4_000
export const RENDEZVOUS_REST_FIRST_MS = 35_000
export const RENDEZVOUS_REST_LAST_MS = 300_000
export const RENDEZVOUS_BUSY_MS = 70_000
/** Whatever changes: not more often than this. */
export const RENDEZVOUS_GAP_MS = 2_000
/** Who has not told for so long where it is seen does not know of it: what is behind its NAT is probed like all else. */
export const RENDEZVOUS_ANSWER_MS = 2_000
/** What others see of this peer counts so long: paths at rest are probed every 40 s; and so many of them are asked. */
export const MAPPING_LASTS_MS = 60_000
export const MAPPING_OBSERVERS_MAX = 64
/** An observer may lie: so many endpoints of it are believed that no other one sees, and one more after each such time. */
export const OBSERVER_NEWS_MAX = 3
export const OBSERVER_NEWS_MS = 600_000
/** Of all observers together: so many changes begin rounds at once, and one more after each such time. */
export const MAPPING_NEWS_MAX = 6
export const MAPPING_NEWS_MS = 60_000
/** Rounds that a peer asks for to which there is a sound path: so many, and one more after each such time. */
export const RENDEZVOUS_SOUND_MAX = 2
export const RENDEZVOUS_SOUND_MS = 60_000
/** Pings of the operator that wait for their end, and how often it is looked whether one can be sent. */
export const PINGS_MAX = 64
export const PING_LOOK_MS = 50
/** Questions of `doctor` to neighbours that wait for their end. */
export const CHECKS_MAX = 1_024
/** Such questions of one neighbour that are answered: at once, and then for each second. */
export const CHECK_BURST = 6
export const CHECKS_PER_SECOND = 1
/** Paths on demand: to peers that are no neighbours, in a mesh beyond FULL_MESH_PEERS. */
export const PATHS_ON_DEMAND_MAX = 256
/** A path on demand ends when it carried no frame for so long, as seen by a look every now and then. */
export const PATH_IDLE_MS = 60_000
export const PATH_LOOK_MS = 30_000
/** One that cannot be used ends so long after it was last wanted. */
export const PATH_FUTILE_MS = 30_000
/** Where there are too many, one that carried nothing for so long makes room. */
export const PATH_SPARE_MS = 10_000

/** A routed message crosses at most so many peers. */
export const ROUTED_HOP_LIMIT = 16
/** Routed messages that are taken of one neighbour: bytes at once, and then for each second. */
export const ROUTED_BURST_BYTES = 256 * 1024
export const ROUTED_BYTES_PER_SECOND = 64 * 1024
/** Of so many peers it is known over which neighbour a message of theirs came last. */
export const WAYS_BACK_MAX = 256
/** Links to peers beyond the few that connect the mesh are dialled so much later, up to twice. */
export const SPARE_DIAL_DELAY_MS = 3_000
/** So long after its first link a peer takes the mesh for as large as its neighbours say. */
export const NEWCOMER_MS = 5_000
/**
 * No peer has more neighbours than its `links` record can name. Above the second, which is more than a mesh where all link
 * to all comes to, it makes room for newcomers: where hundreds come at once, nearly all places are to be theirs.
 */
export const NEIGHBOURS_MAX = 256
export const NEIGHBOURS_CROWDED = 64
/** Known peers that nobody reaches are dialled after so long; so many at a time. */
export const HEALING_DELAY_MS = 2_000
export const HEALING_MAX = 2
/** A peer without any link, as after a start, dials so many at once. */
export const HEALING_ALONE_MAX = 4
/** A peer that was passed over because it did not answer is counted again after this. */
export const PASSED_OVER_MS = 600_000
/** Links of other peers that a report tells of, those of the nearest peers first: each of many peers may claim many. */
export const REPORTED_LINKS_MAX = 4_096
/** Ends that `status connections` remembers of inbound attempts that failed. */
export const FAILED_INBOUND_MAX = 16
export const FAILED_INBOUND_SHOWN_MS = 120_000
/** Records of others are gathered so long before they are stored. */
export const FOREIGN_PERSIST_DELAY_MS = 2_000
/** One line of a kind and source is logged at most so often; between, they are counted. */
export const LOG_INTERVAL_MS = 10_000
export const LOG_KEYS_MAX = 512
/** All lines together: so many at once, then so many per second; errors are counted apart. */
export const LOG_BURST = 100
export const LOG_ERRORS_BURST = 50
export const LOG_LINES_PER_SECOND = 2

/**
 * After a start on stored state that knows other members nothing is given so long, unless a comparison with one of them
 * is complete earlier; then it goes on, and says so.
 */
export const PAST_HOLD_MS = 8_000
/** A comparison with one neighbour that takes longer gives way to one with another. */
export const PAST_COMPARE_MS = 1_000
/** So long after what this peer wrote was told to others a double of it has heard of it, and has answered. */
export const PAST_SETTLE_MS = 2_000
/** That a neighbour says that another process has this peer's identity is heeded once in so long. */
export const PAST_HEED_MS = 60_000
/**
 * Who was cut off from more than half of the others gives nothing for so long after it found a member again that it had
 * lost for so long, unless a comparison with it is complete earlier.
 */
export const REUNION_HOLD_MS = 2_000
export const REUNION_AFTER_MS = 3_000
/** It is compared with so many of them at once. */
export const REUNION_PEERS_MAX = 4
/** A neighbour that was compared with is not asked again for peers that are found behind it so soon after. */
export const REUNION_COMPARED_MS = 5_000
/** It is held so by others for so long at most, and then for so long of each second. */
export const REUNION_BUDGET_MS = 6_000
export const REUNION_BUDGET_PER_SECOND_MS = 100
/** A double that is heard of through the ledger counts as there so long, */
export const DOUBLE_LASTS_MS = 30_000
/** and one that was met on a link until it is sure to be dialled again. */
export const DOUBLE_MET_LASTS_MS = 200_000
/** Blocks that came back are given from so long after, at the earliest: as long as an address rests. */
export const RECOVERED_REST_MS = 30_000

/** An ephemeral peer looks so often, up to half as often, whether it has blocks to hand on. */
export const HAND_ON_AFTER_MS = 5_000

/** Removed peers whose nicknames are remembered, the newest ones. */
export const REMOVED_MAX = 256
/** Members whose ids are stored, so that they count although their records were lost; others count only with those. */
export const MEMBERS_STORED_MAX = 1_024
/** A member of an earlier run that no record tells of counts so long. */
export const LOST_MEMBER_KEPT_MS = 24 * 3_600_000
/** Peers whose statements about the election are kept; as many may take part in `--ipalloc-init consensus=N`. */
export const ELECTION_PEERS_MAX = 512
/** What is new of the election is told so long after it was stored, and gathered meanwhile. */
export const ELECTION_DELAY_MS = 30
/** The elector with the smallest id proposes after so long without news. */
export const PROPOSE_FIRST_MS = 250
/** Another one after so long, up to twice. */
export const PROPOSE_LATER_MS = 2_000
/** Whoever is elected and has not said for so long that it founded is taken for gone, or never there. */
export const FOUNDER_AWAITED_MS = 5_000

/** Election messages that are taken of one neighbour: bytes at once, and then for each second. */
export const ELECTION_BURST_BYTES = 1_048_576
export const ELECTION_BYTES_PER_SECOND = 65_536
/** Peers with another `--ipalloc-init` that are named. */
export const ELECTION_NAMED_MAX = 8

/** Addresses of others that peers sent frames from: so many are remembered, and shown for so long after the last. */
export const IMPOSTURES_MAX = 64
export const IMPOSTURE_SHOWN_MS = 60_000
/** Hosts of which too much is to be flooded: so many are remembered, and shown for so long after the last drop. */
export const FLOODS_MAX = 64
export const FLOOD_SHOWN_MS = 10_000
/** Broadcasts that are not proved are told of so long after they came, unless new keys came by then, … */
export const FLOOD_ORIGIN_DOUBT_MS = 10_000
/** … and shown so long. */
export const FLOOD_ORIGIN_SHOWN_MS = 60_000
export const FLOOD_ORIGINS_MAX = 64
/** Peers whose keys for that are made in one turn. */
export const ORIGIN_KEYS_PER_TURN = 8
/** MAC addresses that are in use twice: so many are remembered, and shown for so long after the last drop. */
export const MAC_CONFLICTS_MAX = 64
export const MAC_CONFLICT_SHOWN_MS = 180_000

/** Everybody on the own bridge is asked so often which multicast groups they listen to (RFC 3376 §8.2) … */
export const GROUP_QUERY_MS = 125_000
/** … once more so soon after the start … */
export const GROUP_QUERY_AGAIN_MS = 1_000
/** … and answers within so long. */
export const GROUP_RESPONSE_MS = 1_000
/** So long after its start a peer knows who listens here; until then it says that it listens to everything. */
export const GROUPS_LEARNT_MS = 3_000
/** A group is asked after so long without a report whether anybody listens still (RFC 3376 §8.4). */
export const GROUP_LASTS_MS = 260_000
/** Whom a group has left is asked so often, so far apart, before it has no listener any more. */
export const GROUP_CHECKS = 2
export const GROUP_CHECK_MS = 1_000
/** A multicast router was here so short a time ago (RFC 3376 §8.5), or so many groups, or frames that were not seen: all is listened to. */
export const GROUPS_DOUBT_MS = 255_000
/** That nobody listens to a group any more is told so long after. */
export const GROUPS_LEFT_MS = 5_000
/** What is new is told so soon, with what else comes in that moment, */
export const GROUPS_GATHER_MS = 50
/** but so many times in so long at most. */
export const GROUPS_TOLD_MAX = 3
export const GROUPS_TOLD_MS = 10_000

/** Measurements: how long one may last … */
export const MEASURE_MS_MAX = 60_000
/** … and of those that others ask for so many seconds at once, and so many in a second. */
export const MEASURE_BURST_S = 120
export const MEASURE_SHARE = 0.25
/** Test datagrams are no shorter, as UDP payload. */
export const MEASURE_DATAGRAM_BYTES_MIN = 64
/** A peer that does not answer is asked again, and given up. */
export const MEASURE_ASK_AGAIN_MS = 300
export const MEASURE_ASK_MS = 5_000
/** Who counts tells so often how far it is … */
export const MEASURE_REPORT_MS = 500
/** … and who sends stops when it has not heard that for so long, or has no way any more, which is looked at so often. */
export const MEASURE_SILENCE_MS = 2_500
export const MEASURE_LOOK_MS = 200
/** The end is told again until the counts are told, and given up. */
export const MEASURE_END_AGAIN_MS = 200
export const MEASURE_END_MS = 3_000
/** What is late is waited for so long, before the counts are told. */
export const MEASURE_LATE_MS = 200
/** Who counts gives up when nothing new comes for so long. */
export const MEASURE_EMPTY_MS = 3_000
