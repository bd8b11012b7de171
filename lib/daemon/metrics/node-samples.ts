import { cidrSize, parseCidr } from '../../address/mod.ts'
import type { GossipReport, NodeReport } from '../../node/mod.ts'
import type { Samples } from './samples.ts'

const PATH_KINDS = ['direct', 'relayed', 'tcp', 'none'] as const

/** What follows from the report of a node, but for its peers one by one. */
export function addNode(samples: Samples, report: NodeReport): void {
  const { self, neighbours, peers, paths, ledger, drops } = report
  samples.add('weave_ts_info', 1, { version: self.software, peer: self.peerId, nickname: self.nickname })
  samples.add('weave_ts_links', neighbours.length)
  const reachable = peers.filter(peer => peer.isReachable).length
  samples.add('weave_ts_peers', reachable, { reachable: 'yes' })
  samples.add('weave_ts_peers', peers.length - reachable, { reachable: 'no' })
  for (const kind of PATH_KINDS)
    samples.add('weave_ts_paths', paths.filter(({ state }) => state.kind === kind).length, { kind })
  samples.add('weave_ts_ledger_owners', ledger.owners)
  samples.add('weave_ts_ledger_records', ledger.records)
  samples.add('weave_ts_ledger_bytes', ledger.bytes)
  for (const [reason, count] of Object.entries(drops))
    samples.add('weave_ts_drops_total', count, { where: 'node', reason })
  addGossip(samples, report)
  addAddresses(samples, report)
}

function addGossip(samples: Samples, { parts }: NodeReport): void {
  const gossip = parts['gossip'] as GossipReport | undefined
  for (const direction of ['sent', 'received'] as const) {
    samples.add('weave_ts_gossip_messages_total', gossip?.[direction].messages, { direction })
    samples.add('weave_ts_gossip_bytes_total', gossip?.[direction].bytes, { direction })
  }
}

function addAddresses(samples: Samples, { ipam, self }: NodeReport): void {
  const total = cidrSize(parseCidr(ipam.range)!)
  const others = ipam.perPeer.filter(({ peer }) => peer !== self.peerId)
  const away = others.filter(({ isReachable }) => !isReachable)
  const sum = (peers: typeof ipam.perPeer) => peers.reduce((all, { addresses }) => all + addresses, 0)
  const own = sum(ipam.perPeer) - sum(others)
  samples.add('weave_ts_ipam_range_addresses', total)
  samples.add('weave_ts_ipam_owned_addresses', own, { owner: 'own' })
  samples.add('weave_ts_ipam_owned_addresses', sum(others) - sum(away), { owner: 'others' })
  samples.add('weave_ts_ipam_owned_addresses', sum(away), { owner: 'unreachable' })
  samples.add('weave_ts_ipam_owned_addresses', (ipam.unownedBlocks * total) / ipam.blocks, { owner: 'nobody' })
  samples.add('weave_ts_ipam_free_addresses', ipam.ownFree)
  samples.add('weave_ts_ipam_leased_addresses', ipam.leases.length)
  samples.add('weave_ts_ipam_lent_addresses', ipam.lent.length)
  samples.add('weave_ts_ipam_borrowed_addresses', ipam.borrowed.length)
  samples.add('weave_ts_ipam_disputed_addresses', ipam.disputed.filter(({ isAsked }) => isAsked !== true).length)
  samples.add('weave_ts_ipam_pending_requests', ipam.pending.length)
  samples.add('weave_ts_ipam_open_takeovers', ipam.takeovers.filter(({ agreed, needed }) => agreed < needed).length)
  samples.add('weave_ips', ipam.leases.length, { state: 'local-used' })
  samples.add('weave_max_ips', total)
  samples.add('weave_ipam_unreachable_count', away.length)
  samples.add('weave_ipam_unreachable_percentage', (sum(away) * 100) / total)
  samples.add('weave_ipam_pending_allocates', ipam.pending.length)
}
