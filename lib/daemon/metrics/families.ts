/** What Prometheus knows under one name: how it is to be read, by what its samples differ, and what it says. */
export interface Family<Label extends string = string> {
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly labels: readonly Label[]
  /** One line, without a stop at its end; docs/metrics.md has the same. */
  readonly help: string
}

/** A peer is labelled by its id, and by its nickname for people. */
const OF_PEER = ['peer', 'nickname'] as const

/**
 * Every metric that the daemon has: a new one is a row here, `Samples.add` where its value is known, and a row of
 * docs/metrics.md. Units are the base units of Prometheus. The labels have few values, but for those of a peer, of which
 * SHOWN_PEERS_MAX are shown; none holds an address, the name of a container or a key.
 */
export const FAMILIES = {
  weave_ts_info: gauge('1, with the version of the daemon and the peer that it is', 'version', ...OF_PEER),
  weave_ts_ready: gauge('1 while it is of a mesh and can give addresses, else 0'),
  weave_ts_encrypted: gauge('1 with a mesh secret, 0 in a mesh that strangers may join'),
  weave_ts_store_writable: gauge('0 while the disk takes nothing of the state, else 1'),
  weave_ts_warnings: gauge('warnings that status shows'),

  weave_ts_connections: gauge('connections, by the state that status connections shows', 'state'),
  weave_ts_links: gauge('control links that are up'),
  weave_ts_links_established_total: counter('control links that came up since the start'),
  weave_ts_links_ended_total: counter('control links that were up, and ended'),
  weave_ts_links_refused_total: counter('connections refused before they were heard, by reason', 'reason'),
  weave_ts_link_bytes_total: counter('bytes over control links', 'direction'),
  weave_ts_peers: gauge('other peers that are known, by whether a control link leads to them', 'reachable'),
  weave_ts_paths: gauge('data paths, by kind: direct, relayed, tcp, or none, where frames are dropped', 'kind'),

  weave_ts_peer_reachable: gauge('1 while control links lead to the peer, else 0', ...OF_PEER),
  weave_ts_peer_path: gauge('1 for the kind that the data path to the peer is of now', ...OF_PEER, 'kind'),
  weave_ts_peer_bytes_total: counter(
    'sealed bytes to and from the peer, with what it relays for others and what it is probed with',
    ...OF_PEER,
    'direction',
  ),
  weave_ts_peer_datagrams_total: counter('datagrams to and from the peer, as the bytes', ...OF_PEER, 'direction'),
  weave_ts_peer_rtt_seconds: gauge('round trip of the last probe of the data path', ...OF_PEER),
  weave_ts_peer_loss_ratio: gauge('probes of the last minute that were lost, 0 to 1', ...OF_PEER),
  weave_ts_peer_mtu_bytes: gauge('largest packet of the underlay that the path carries', ...OF_PEER),
  weave_ts_peer_key_age_seconds: gauge('since the keys in use were agreed', ...OF_PEER),
  weave_ts_peer_rekeys_total: counter('keys that were agreed in place of others, while there was a path', ...OF_PEER),
  weave_ts_peer_link_rtt_seconds: gauge('round trip over the control link to the neighbour', ...OF_PEER),

  weave_ts_frames_total: counter('frames from and to containers here; one may hold many segments', 'direction'),
  weave_ts_frame_bytes_total: counter('bytes of these frames', 'direction'),
  weave_ts_datagrams_total: counter('datagrams over UDP', 'direction'),
  weave_ts_datagram_bytes_total: counter('bytes of these datagrams', 'direction'),
  weave_ts_link_datagrams_total: counter('datagrams that went over control links, for want of UDP', 'direction'),
  weave_ts_relayed_datagrams_total: counter('datagrams that were passed on for others'),
  weave_ts_fragmented_packets_total: counter('packets too large for their path, sent in pieces'),
  weave_ts_reassembled_packets_total: counter('packets put together of pieces'),
  weave_ts_too_big_told_total: counter('senders that were told by ICMP what fits'),
  weave_ts_local_moves_total: counter('addresses of virtual routers that moved from here to another peer'),
  weave_ts_offload_refused_total: counter('trains and super-frames of datagrams that a device did not take as such'),
  weave_ts_offload: gauge('1 for an offload that is on, else 0', 'offload'),
  weave_ts_lane_batches_total: counter(
    'times that a lane read or wrote at least one: by this the frames and datagrams give the mean size of a batch',
    'step',
  ),
  weave_ts_drops_total: counter('what was given up, by who did and why (docs/protocol.md, 13)', 'where', 'reason'),

  weave_ts_attachments: gauge('containers and namespaces that are attached'),
  weave_ts_docker_containers: gauge('attached containers of Docker, by state', 'state'),
  weave_ts_docker_following: gauge('1 while the events of Docker are heard, else 0; missing where they need not be'),
  weave_ts_driver_networks: gauge('networks of Docker that this driver has'),
  weave_ts_driver_endpoints: gauge('containers on these networks'),
  weave_ts_exposed_addresses: gauge('addresses of this host itself'),

  weave_ts_ledger_owners: gauge('peers of which the ledger holds records'),
  weave_ts_ledger_records: gauge('records of the ledger'),
  weave_ts_ledger_bytes: gauge('bytes of these records'),
  weave_ts_gossip_messages_total: counter('messages that carry or compare the ledger', 'direction'),
  weave_ts_gossip_bytes_total: counter('bytes of these messages, before they are sealed', 'direction'),

  weave_ts_ipam_range_addresses: gauge('addresses of the range'),
  weave_ts_ipam_owned_addresses: gauge(
    'addresses of blocks, by whose they are: own, others, unreachable, nobody',
    'owner',
  ),
  weave_ts_ipam_free_addresses: gauge('addresses that could be given here without asking anybody'),
  weave_ts_ipam_leased_addresses: gauge('addresses that containers here have'),
  weave_ts_ipam_lent_addresses: gauge('addresses of own blocks that other peers may use'),
  weave_ts_ipam_borrowed_addresses: gauge('addresses of containers here that others lend'),
  weave_ts_ipam_disputed_addresses: gauge('addresses of containers here that others may have too'),
  weave_ts_ipam_pending_requests: gauge('containers that wait for an address'),
  weave_ts_ipam_open_takeovers: gauge('takeovers of peers that are gone which too few have agreed to'),

  weave_ts_dns_listeners: gauge('addresses where DNS queries are answered'),
  weave_ts_dns_names: gauge('names in the whole mesh'),
  weave_ts_dns_own_entries: gauge('names of this host, once for each of their addresses'),
  weave_ts_dns_queries_total: counter('DNS queries that came in'),
  weave_ts_dns_forwarded_total: counter('DNS queries for other names, that other servers were asked'),
  weave_ts_dns_failed_total: counter('DNS queries that no other server answered'),
  weave_ts_dns_dropped_total: counter('DNS queries that could not be read, or were too many'),

  weave_ts_scrape_seconds: gauge('processor time of the main thread that the numbers before these took'),
  weave_ts_event_loop_busy_seconds_total: counter('time that the main thread was at work'),
  weave_ts_event_loop_lag_seconds: histogram('how late a timer of the main thread is, looked at four times a second'),
  process_cpu_seconds_total: counter('processor time of all threads'),
  process_resident_memory_bytes: gauge('memory that the process has in use'),
  process_start_time_seconds: gauge('when the process started, since 1970'),
  nodejs_heap_used_bytes: gauge('of the heap of the main thread, what is in use'),

  weave_connections: gauge('Weave Net: connections', 'state', 'type', 'encryption'),
  weave_connection_terminations_total: counter('Weave Net: connections that ended'),
  weave_ips: gauge('Weave Net: addresses in use here', 'state'),
  weave_max_ips: gauge('Weave Net: addresses of the range'),
  weave_dns_entries: gauge('Weave Net: DNS entries of this peer'),
  weave_ipam_unreachable_count: gauge('Weave Net: peers that own addresses and cannot be reached'),
  weave_ipam_unreachable_percentage: gauge('Weave Net: addresses of these, in percent of the range'),
  weave_ipam_pending_allocates: gauge('Weave Net: requests for addresses that wait'),
} as const satisfies Readonly<Record<string, Family>>

export type FamilyName = keyof typeof FAMILIES
type LabelOf<Name extends FamilyName> = (typeof FAMILIES)[Name]['labels'][number]
/** The labels that each sample of a family has, as the last argument; none, where it has none. */
export type LabelArguments<Name extends FamilyName> = [LabelOf<Name>] extends [never]
  ? []
  : [labels: Readonly<Record<LabelOf<Name>, string>>]

function gauge(help: string): Family<never>
function gauge<Label extends string>(help: string, ...labels: readonly [Label, ...Label[]]): Family<Label>
function gauge<Label extends string>(help: string, ...labels: readonly Label[]): Family<Label> {
  return { type: 'gauge', labels, help }
}

function counter(help: string): Family<never>
function counter<Label extends string>(help: string, ...labels: readonly [Label, ...Label[]]): Family<Label>
function counter<Label extends string>(help: string, ...labels: readonly Label[]): Family<Label> {
  return { type: 'counter', labels, help }
}

function histogram(help: string): Family<'le'> {
  return { type: 'histogram', labels: ['le'], help }
}
