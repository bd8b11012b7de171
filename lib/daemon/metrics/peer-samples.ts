import type { NodeReport } from '../../node/mod.ts'
import type { SessionTotals } from '../../overlay/mod.ts'
import { SHOWN_PEERS_MAX } from '../constants.ts'
import type { Samples } from './samples.ts'

/** The peers one by one, the nearest first; `trafficOf` gives what went to and came from a peer index. */
export function addPeers(
  samples: Samples,
  { peers, paths, neighbours }: NodeReport,
  trafficOf: (peerIndex: number) => SessionTotals | undefined,
): void {
  const pathTo = new Map(paths.map(path => [path.peerId, path]))
  const linkTo = new Map(neighbours.map(neighbour => [neighbour.peerId, neighbour]))
  for (const { peerId, nickname, index, isReachable } of peers.slice(0, SHOWN_PEERS_MAX)) {
    const labels = { peer: peerId, nickname }
    samples.add('weave_ts_peer_reachable', isReachable, labels)
    samples.add('weave_ts_peer_link_rtt_seconds', seconds(linkTo.get(peerId)?.rttMs), labels)
    addTraffic(samples, trafficOf(index), labels)
    const path = pathTo.get(peerId)
    if (path === undefined) continue
    const { state, size, epochAgeMs, lossPercent, rekeys } = path
    samples.add('weave_ts_peer_path', 1, { ...labels, kind: state.kind })
    samples.add('weave_ts_peer_rtt_seconds', state.kind === 'none' ? undefined : seconds(state.rttMs), labels)
    samples.add('weave_ts_peer_loss_ratio', lossPercent === undefined ? undefined : lossPercent / 100, labels)
    samples.add('weave_ts_peer_mtu_bytes', size?.mtu, labels)
    samples.add('weave_ts_peer_key_age_seconds', seconds(epochAgeMs), labels)
    samples.add('weave_ts_peer_rekeys_total', rekeys, labels)
  }
}

function addTraffic(
  samples: Samples,
  totals: SessionTotals | undefined,
  labels: { readonly peer: string; readonly nickname: string },
): void {
  if (totals === undefined) return
  const sent = { ...labels, direction: 'sent' }
  const received = { ...labels, direction: 'received' }
  samples.add('weave_ts_peer_bytes_total', totals.sentBytes, sent)
  samples.add('weave_ts_peer_bytes_total', totals.receivedBytes, received)
  samples.add('weave_ts_peer_datagrams_total', totals.sentDatagrams, sent)
  samples.add('weave_ts_peer_datagrams_total', totals.receivedDatagrams, received)
}

function seconds(millis: number | undefined): number | undefined {
  return millis === undefined ? undefined : millis / 1000
}
