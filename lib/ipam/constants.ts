export const BLOCK_PREFIX_DEFAULT = 26

/** A subnet, a range or a block has at least four addresses: the first and the last of a subnet are never given. */
export const SUBNET_PREFIX_MAX = 30

/** More blocks than this (a /8 in /26 blocks) would not fit into the records that one peer may own. */
export const BLOCKS_MAX = 262_144

/** The largest range: as many blocks of the usual size as there may be. */
export const RANGE_PREFIX_MIN = 8

/** Consecutive blocks whose registers share one record, or several sheets of one. */
export const SEGMENT_BLOCKS = 256

/** A title that was handed on so often since its root is handed on no further: what proves it would grow for ever. */
export const CHAIN_MAX = 16

/** Grants, and roots, that one record of blocks names; a value has room for so many. */
export const GRANTS_MAX = 120
export const ROOTS_MAX = 16

/** Proved grants that are remembered, so that none is verified twice. */
export const PROVED_MAX = 32_768
/** Of that many peers the key that they gave blocks with is remembered, so that it need not be hashed again. */
export const GIVER_KEYS_MAX = 256

/** Signatures of grants that are verified for what one peer states: so many at once, and each second. */
export const PROOFS_BURST = 2048
export const PROOFS_PER_SECOND = 128

/** Records whose proof has to wait, for more tokens or for a takeover that is not known yet. */
export const UNPROVED_MAX = 1024

/** A freed address rests so long before another container gets it: neighbours' ARP caches outlive the container. */
export const REST_MS = 30_000

/** Addresses remembered for containers that gave them back, so that they get the same again. */
export const REMEMBERED_MAX = 4096

/** A peer that was asked for blocks has so long to answer, and its grant so long to arrive by the ledger. */
export const ANSWER_TIMEOUT_MS = 2000

/** An allocation or claim that cannot be satisfied fails after this. */
export const WAIT_MS = 10_000

/** When every owner has refused, how long to listen for blocks that just changed hands before giving up. */
export const FULL_GRACE_MS = 500

/** Allocations and claims that wait at one time. */
export const PENDING_MAX = 1024

/** Peers whose last answers are kept, in the store too, so that a repeated request gets the same one. */
export const REQUESTERS_MAX = 1024

/** Answers kept of each. */
export const ANSWERS_PER_REQUESTER = 16

/** So many ids of requests are set aside in the store at once. */
export const REQUEST_IDS_RESERVED = 1024
/** A start leaps over so many ids at most, at random. */
export const REQUEST_IDS_AT_START = 2 ** 32

/** An answer that calls an id stale can lift the own ids by so much. */
export const REQUEST_ID_LEAP_MAX = 2 ** 40

/** Consecutive addresses whose assignments share one record. */
export const ASSIGNED_STRIP = 256

/** Addresses outside of its blocks that one peer says to have, and that nobody else is given for that. */
export const USED_PER_PEER_MAX = 1024

/** What is given back is said again after this, until the ledger shows that it has arrived. */
export const RETURN_RETRY_MS = 5000

/** A lease in a block of another peer that does not lend it: that peer is asked again after this. */
export const ADOPT_RETRY_MS = 10_000

/** What was lent to an ephemeral peer is the owner's again when that peer could not be reached for so long. */
export const RECLAIM_MS = 600_000

/** Leases for which owners are asked at one time. */
export const ADOPTING_MAX = 32

/** A peer that has owned no block for so long asks for some, wanted or not: its join can be taken back until then. */
export const EAGER_AFTER_MS = 30_000

/** It waits for a random part of this besides, for each peer that it reaches: each grant is told to all of them. */
export const EAGER_SPREAD_MS = 500

/** For each of them so much instead, once so many peers that it reaches own some: then no few deaths take all of them along. */
export const EAGER_OWNERS = 8
export const EAGER_REST_MS = 10_000

/** A peer that owns no block, and was given none, asks again after this. */
export const EAGER_RETRY_MS = 30_000

/** Outputs that may wait to be polled. */
export const OUTPUTS_MAX = 65_536

/** Runs of blocks that one takeover names; whoever owned more is taken over in several. */
export const TAKEOVER_RUNS_MAX = 1024

/** Takeovers that one peer publishes, and that are listened to; and that all together do. */
export const TAKEOVERS_PER_PEER_MAX = 64
export const TAKEOVERS_MAX = 800

/** Takeovers that one peer agrees to, more than are known; the oldest that are known no more give way. */
export const ACKS_MAX = 900

/** A peer agrees that another one is gone when it could not be reached for so long, since this one started. */
export const ACK_AFTER_MS = 3000
/** What others saw settled is believed when the victim could not be reached for so long: no restart takes that long. */
export const ADOPT_AFTER_MS = 30_000
/** Blocks of which no owner is known are taken over only while all members have been reached for so long. */
export const ALL_REACHED_MS = 5_000
/** All were reached, and nobody owned them, for so long: then a peer takes them over without being told to. */
export const ORPHAN_AFTER_MS = 20_000
/** How far the term of a takeover of such blocks may be above what a peer knows: others may know more of the past. */
export const ORPHAN_TERMS_MAX = 64

/** Sheets from here on state what a recent takeover replaced. */
export const REPLACED_SHEET_MIN = 128

/** From so many grants on a peer makes a new root for what it owns, no more often than this. */
export const RENEW_AT = 8
export const RENEW_EVERY_MS = 60_000

/** What somebody else was given too gets a new root at once, but no more often than this. */
export const RENEW_RIVALLED_MS = 5_000

/** Peers that handed blocks on twice, and are remembered for that. */
export const TWICE_GIVERS_MAX = 16

/** A takeover that no title rests on any more is forgotten after this. */
export const TAKEOVER_KEPT_MS = 600_000

/** Who was reached for so long by the author of a takeover objects to being its victim. */
export const FAMILIAR_AFTER_MS = 60_000

/** Addresses in use that an error names. */
export const IN_USE_SHOWN_MAX = 16

/** No word of others lifts the ids of this peer's requests to here: what is left lasts for ever. */
export const REQUEST_ID_MAX = 2 ** 52

/** Terms of takeovers that are read. */
export const TERM_MAX = 0x7fff_ffff
/**
 * How far the term of a takeover may be above what a peer knows of its blocks: it may have been away while there were as
 * many. Whoever lies needs two million of them, one after the other, until there is no greater term.
 */
export const TERM_LEAP_MAX = 1024
/** The same for blocks of which a peer knows nothing, as who joins: what is left lasts for ever. */
export const TERM_UNKNOWN_MAX = 0x4000_0000
