import type { DataPlaneFacts } from '../status/status.ts'
import type { Samples } from './samples.ts'

const DROP_PREFIX = 'drop:'

/** What the packet engine and the listener for links have counted. */
export function addEngine(
  samples: Samples,
  { counters, offloads, refused }: Pick<DataPlaneFacts, 'counters' | 'offloads' | 'refused'>,
): void {
  for (const [offload, isOn] of Object.entries(offloads)) samples.add('weave_ts_offload', isOn, { offload })
  for (const [reason, count] of Object.entries(refused)) samples.add('weave_ts_links_refused_total', count, { reason })
  for (const [name, count] of Object.entries(counters))
    if (name.startsWith(DROP_PREFIX))
      samples.add('weave_ts_drops_total', count, { where: 'engine', reason: name.slice(DROP_PREFIX.length) })
  const pair = (direction: 'sent' | 'received') => ({ direction })
  samples.add('weave_ts_frames_total', counters['tap-rx-frames'], { direction: 'from-containers' })
  samples.add('weave_ts_frames_total', counters['tap-tx-frames'], { direction: 'to-containers' })
  samples.add('weave_ts_frame_bytes_total', counters['tap-rx-bytes'], { direction: 'from-containers' })
  samples.add('weave_ts_frame_bytes_total', counters['tap-tx-bytes'], { direction: 'to-containers' })
  samples.add('weave_ts_datagrams_total', counters['tx-datagrams'], pair('sent'))
  samples.add('weave_ts_datagrams_total', counters['rx-datagrams'], pair('received'))
  samples.add('weave_ts_datagram_bytes_total', counters['tx-bytes'], pair('sent'))
  samples.add('weave_ts_datagram_bytes_total', counters['rx-bytes'], pair('received'))
  samples.add('weave_ts_link_datagrams_total', counters['tx-handed'], pair('sent'))
  samples.add('weave_ts_link_datagrams_total', counters['rx-injected'], pair('received'))
  samples.add('weave_ts_relayed_datagrams_total', counters['relayed'])
  samples.add('weave_ts_fragmented_packets_total', counters['fragmented'])
  samples.add('weave_ts_reassembled_packets_total', counters['reassembled'])
  samples.add('weave_ts_too_big_told_total', counters['too-big-told'])
  samples.add('weave_ts_local_moves_total', counters['local-moves'])
  samples.add('weave_ts_offload_refused_total', (counters['udp-gso-refused'] ?? 0) + (counters['tap-gso-refused'] ?? 0))
  samples.add('weave_ts_lane_batches_total', counters['tap-rx-batches'], { step: 'tap-read' })
  samples.add('weave_ts_lane_batches_total', counters['tap-tx-writes'], { step: 'tap-write' })
  samples.add('weave_ts_lane_batches_total', counters['rx-batches'], { step: 'udp-read' })
  samples.add('weave_ts_lane_batches_total', counters['tx-batches'], { step: 'udp-write' })
}
