/** Our table of nftables; that of a bridge of another name has the name behind it. */
export const TABLE_NAME = 'weave-ts'
/** The bridge that containers plug into. */
export const BRIDGE_NAME = 'weave'
/** The packet engine's TAP device, a port of the bridge. */
export const TAP_NAME = 'weave-tap'
/** The interface inside a target. */
export const GUEST_NAME = 'ethwe'
/** Host ends of veth pairs: this and eight hex characters. */
export const VETH_PREFIX = 'vethwe'
/** Guest ends that are not placed in a target yet: this and the same eight. */
export const LOOSE_PREFIX = 'vethwg'
/** The kernel keeps no longer alias of an interface. */
export const ALIAS_BYTES_MAX = 255
/**
 * Marks what is ours: the alias of a host end is this and the target's id; the comment of a firewall rule is its stem.
 */
export const ALIAS_PREFIX = 'weave-ts:'

/** The longest interface name (IFNAMSIZ less its terminator). */
export const INTERFACE_NAME_CHARACTERS_MAX = 15

/** Packets that wait for the TAP's reader while it is busy, in each of its queues. */
export const TAP_QUEUE_PACKETS = 1_000

export const OVERLAY_MTU_MAX = 65_000
/** The least that every IPv4 host takes (RFC 791). */
export const OVERLAY_MTU_MIN = 576
/** The least link MTU of IPv6 (RFC 8200 §5); the kernel turns IPv6 off below it. */
export const OVERLAY_MTU_IPV6_MIN = 1_280
/** Assumed where no route tells. */
export const UNDERLAY_MTU_DEFAULT = 1_500

/** How long a new bridge port may take to forward. */
export const PORT_FORWARDING_WAIT_MS = 2_000
export const PORT_FORWARDING_POLL_MS = 10

/** Addresses that one target may hold. */
export const ADDRESSES_PER_TARGET_MAX = 64
/** Host changes that may wait for their turn. */
export const PENDING_CHANGES_MAX = 256

/** A burst of changes of the firewall is waited for before it is looked at. */
export const FIREWALL_QUIET_MS = 200
/** The firewall is looked at no more often, whatever changes. */
export const FIREWALL_CHECK_INTERVAL_MS = 2_000
/** Several host ends that vanish at once are one look … */
export const LINKS_QUIET_MS = 20
/** … and looks are apart, whatever vanishes. */
export const LINKS_CHECK_INTERVAL_MS = 250
/** When changes can no longer be heard of, what they concern is looked at, and listened to again, this often. */
export const MONITOR_RESTART_MS = 8_000

/** No resolv.conf of ours is larger. */
export const RESOLV_CONF_READ_BYTES_MAX = 4_096

/** Neighbour entries of a guest age this fast, so that an address that moved is found again within seconds. */
export const NEIGHBOUR_REACHABLE_MS = 5_000
export const NEIGHBOUR_PROBE_DELAY_SECONDS = 2
export const NEIGHBOUR_UNICAST_PROBES = 1
