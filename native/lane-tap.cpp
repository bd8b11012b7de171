// The TAP side of a lane.
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "lane.h"

namespace weave {
namespace {

int flags_of_vnet(const uint8_t* vnet) {
  int flags = (vnet[0] & VNET_NEEDS_CSUM) ? FLAG_CHECKSUM_PARTIAL : 0;
  switch (vnet[1] & 0x7f) {
    case 0: return flags;
    case VNET_GSO_TCP4: return flags | FLAG_GSO_TCP4;
    case VNET_GSO_TCP6: return flags | FLAG_GSO_TCP6;
    case VNET_GSO_UDP_L4: return flags | FLAG_GSO_UDP;
    default: return -1;
  }
}

// At most.
int datagrams_of(const uint8_t* vnet, int flags, int length) {
  if (flags < 0 || (flags & FLAG_GSO_ANY) == 0) return 1;
  int size = le16(vnet + 4);
  return size > 0 ? length / size + 1 : 1;
}

// Of what is asked of the device, not of the moment.
bool is_refusal(int error) { return error == EINVAL || error == EIO || error == EOPNOTSUPP || error == EMSGSIZE; }

}  // namespace

void Lane::describe_frame(int32_t* row, const uint8_t* frame, int length, const FrameShape& shape) {
  static constexpr uint8_t BRIDGE_GROUP[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};
  row[ROW_LENGTH] = length;
  row[ROW_DESTINATION_HIGH] = be16(frame);
  row[ROW_DESTINATION_LOW] = static_cast<int32_t>(be32(frame + 2));
  row[ROW_SOURCE_HIGH] = be16(frame + 6);
  row[ROW_SOURCE_LOW] = static_cast<int32_t>(be32(frame + 8));
  row[ROW_ETHER_TYPE] = shape.ether_type;
  row[ROW_SOURCE_IPV4] = static_cast<int32_t>(shape.source_ipv4);
  if (shape.source_ipv6 != 0) {
    const uint8_t* source = frame + shape.source_ipv6;
    for (int i = 0; i < 3; i++) row[ROW_SOURCE_IPV6 + i] = static_cast<int32_t>(be32(source + 4 * i));
    row[ROW_SOURCE_IPV4] = static_cast<int32_t>(be32(source + 12));
    if (shape.neighbour_advertisement) row[ROW_FLAGS] |= FLAG_NEIGHBOUR_ADVERTISEMENT;
  }
  if (shape.dhcp_server) row[ROW_FLAGS] |= FLAG_DHCP_SERVER;
  if (shape.router_advertisement) row[ROW_FLAGS] |= FLAG_ROUTER_ADVERTISEMENT;
  if (memcmp(frame, BRIDGE_GROUP, 5) == 0 && frame[5] < 0x10) row[ROW_FLAGS] |= FLAG_BRIDGE_CONTROL;
}

int Lane::tap_read(int& error) {
  error = 0;
  if (ahead_ == READY_UDP) return 0;
  if (ahead_ == READY_TAP) return ahead_ = 0, rows_filled_;
  rows_filled_ = 0;
  was_lone_ = false;
  unsigned ready = 1;
  if (engine_->taps.size() > 1) {
    if (queues_ready_ == 0 && ask(asked_ | READY_TAP, 0) < 0) return error = errno, 0;
    ready = queues_ready_;
    queues_ready_ = 0;
  }
  uint8_t queues[TAP_QUEUES];
  int count = turns_.order(ready, now_us(), queues), used = 0;
  if (count == 0) return 0;
  int most = count > 1 || lone_ < LONE_MIN ? TAP_BATCH / count : 1;
  for (int i = 0; i < count && error == 0; i++) {
    if (used >= TAP_BATCH_BYTES) {
      turns_.skip(queues[i]);
      break;
    }
    read_queue(queues[i], most, used + TAP_BATCH_BYTES / count, used, error);
  }
  span_frames_ += rows_filled_;
  was_lone_ = rows_filled_ == 1 && used < TAP_BATCH_BYTES;
  if (rows_filled_ > 0) count_(TAP_RX_BATCHES);
  return rows_filled_;
}

void Lane::read_queue(int queue, int most, int bytes_most, int& used, int& error) {
  int descriptor = engine_->taps[static_cast<size_t>(queue)];
  bool waiting = most > 1;
  for (int i = 0; i < most && used < bytes_most; i++) {
    if (used + VNET_HEADER + FRAME_MAX > TAP_SLAB_BYTES) break;
    uint8_t* at = slab_ + used;
    ssize_t bytes = read(descriptor, at, VNET_HEADER + FRAME_MAX);
    if (bytes < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) error = errno;
      waiting = false;
      break;
    }
    if (bytes == 0) break;
    int length = static_cast<int>(bytes) - VNET_HEADER;
    int offloads = length < 14 ? -1 : flags_of_vnet(at);
    int datagrams = datagrams_of(at, offloads, length);
    bool is_sparse = turns_.charge(queue, static_cast<int>(bytes), datagrams);
    if (offloads < 0 || datagrams > TAP_SEGMENTS_MAX) {
      count_(DROP_MALFORMED_FRAME);
      continue;
    }
    const uint8_t* frame = at + VNET_HEADER;
    FrameShape shape = parse_frame(frame, length);
    if (shape.still_tagged) {
      count_(DROP_VLAN_TAGS);
      continue;
    }
    if (engine_->taps.size() > 1) engine_->flow_queues.note(flow_hash(frame, shape, length), queue);
    int32_t* row = row_(rows_filled_);
    memset(row, 0, sizeof(int32_t) * ROW_COLUMNS);
    row[ROW_OFFSET] = used + VNET_HEADER;
    row[ROW_KIND] = KIND_FRAME;
    row[ROW_FROM_PEER] = row[ROW_ORIGIN_PEER] = -1;
    row[ROW_FLAGS] = offloads | (is_sparse ? FLAG_EXPEDITED : 0);
    row[ROW_GSO_SIZE] = le16(at + 4);
    if (offloads & FLAG_CHECKSUM_PARTIAL) row[ROW_CHECKSUM] = le16(at + 6) | (le16(at + 8) & 0xff) << 16;
    describe_frame(row, frame, length, shape);
    message_of_row_[rows_filled_++] = NO_MESSAGE;
    used += (VNET_HEADER + length + 63) & ~63;
    count_(TAP_RX_FRAMES);
    count_(TAP_RX_BYTES, static_cast<uint64_t>(length));
  }
  turns_.set_waiting(queue, waiting);
}

int Lane::queue_for(const uint8_t* frame, int length) const {
  unsigned queues = static_cast<unsigned>(engine_->taps.size());
  if (queues == 1) return engine_->taps[0];
  return engine_->taps[engine_->flow_queues.choose(flow_hash(frame, parse_frame(frame, length), length), queues)];
}

ssize_t Lane::write_parts(int descriptor, int parts) {
  ssize_t written;
  do written = writev(descriptor, write_part_, parts);
  while (written < 0 && errno == EINTR);
  return written;
}

// The payloads behind the first frame; returns how many parts there are then.
int Lane::gather(const SuperFrame& frame, int parts) {
  uint8_t* end = gathered_.get();
  bool follows = false;
  for (int i = frame.chain; i >= 0; i = coalescer_.link(i).next) {
    const ChainLink& link = coalescer_.link(i);
    size_t length = static_cast<size_t>(link.length);
    if (length > GATHER_BYTES_MAX) {
      write_part_[parts++] = {link.payload, length};
      follows = false;
      continue;
    }
    memcpy(end, link.payload, length);
    if (follows) write_part_[parts - 1].iov_len += length;
    else write_part_[parts++] = {end, length};
    follows = true;
    end += length;
  }
  return parts;
}

void Lane::write_super_frame(SuperFrame& frame, bool join_udp) {
  uint8_t vnet[VNET_HEADER];
  coalescer_.finish(frame, vnet);
  int descriptor = queue_for(frame.first.frame, frame.first.length);
  if (vnet[1] == VNET_GSO_UDP_L4 && !join_udp) return write_singly(frame, vnet, descriptor);
  write_part_[0] = {vnet, VNET_HEADER};
  write_part_[1] = {frame.first.frame, static_cast<size_t>(frame.first.length)};
  if (write_parts(descriptor, gather(frame, 2)) >= 0) {
    count_(TAP_TX_WRITES);
    count_(TAP_TX_FRAMES, static_cast<uint64_t>(frame.segments));
    count_(TAP_TX_BYTES, static_cast<uint64_t>(frame.length));
    // Not written again and again: other lanes read what lies beside it.
    if (vnet[1] == VNET_GSO_UDP_L4 && !engine_->join_udp_proved.load(std::memory_order_relaxed)) {
      engine_->join_udp_proved.store(true, std::memory_order_relaxed);
    }
    return;
  }
  if (frame.segments > 1 && vnet[1] == VNET_GSO_UDP_L4 && is_refusal(errno)) {
    count_(TAP_GSO_REFUSED);
    write_singly(frame, vnet, descriptor);
    // One that never took any does not know them, whatever it said of its offloads; one that takes none singly either is down.
    if (frame.segments > 0 && !engine_->join_udp_proved.load(std::memory_order_relaxed)) {
      engine_->join_udp.store(false, std::memory_order_relaxed);
    }
    return;
  }
  frame.segments = refused(frame.segments);
}

// Counts; none of them was taken.
int Lane::refused(int frames) {
  bool full = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ENOMEM;
  count_(full ? DROP_TAP_FULL : DROP_TAP_REFUSED, static_cast<uint64_t>(frames));
  return 0;
}

// Every datagram of a super-frame by itself, as a kernel would cut it: peers may have joined them.
void Lane::write_singly(SuperFrame& frame, uint8_t* vnet, int descriptor) {
  memset(vnet + 1, 0, 5);
  const SegmentPlan& plan = frame.plan;
  uint8_t* header = segment_.get();
  memcpy(header, frame.first.frame, static_cast<size_t>(plan.header));
  uint16_t id = be16(header + plan.l3 + 4);
  int size = frame.first.gso_size, index = 0, taken = 0;
  write_part_[0] = {vnet, VNET_HEADER};
  write_part_[1] = {header, static_cast<size_t>(plan.header)};
  auto write_all = [&](uint8_t* payload, int bytes) {
    for (int at = 0; at < bytes; at += size, index++) {
      int length = size < bytes - at ? size : bytes - at;
      if (plan.version == 4) put_be16(header + plan.l3 + 4, static_cast<uint16_t>(id + index));
      fix_lengths(plan, header, plan.header + length);
      write_part_[2] = {payload + at, static_cast<size_t>(length)};
      if (write_parts(descriptor, 3) < 0) {
        refused(1);
        continue;
      }
      taken++;
      count_(TAP_TX_WRITES);
      count_(TAP_TX_FRAMES);
      count_(TAP_TX_BYTES, static_cast<uint64_t>(plan.header + length));
    }
  };
  write_all(frame.first.frame + plan.header, plan.payload);
  for (int i = frame.chain; i >= 0; i = coalescer_.link(i).next) write_all(coalescer_.link(i).payload, coalescer_.link(i).length);
  frame.segments = taken;
}

// Not before: what is passed on to others stays as it came.
void Lane::clamp(int count) {
  ReadGuard guard(engine_->lock);
  for (int i = 0; i < count; i++) {
    Delivery frame;
    if (!row_frame(deliveries_[i], frame)) continue;
    const Peer* peer = engine_->table.peer(row_(deliveries_[i])[ROW_FROM_PEER]);
    if (peer == nullptr) continue;
    clamp_segment_size(frame.frame, frame.length, room_of(peer->path_bytes, FRAME_HEADER),
                       (frame.flags & FLAG_CHECKSUM_PARTIAL) != 0);
  }
}

int Lane::tap_write(int count) {
  if (count > ROWS_MAX) count = ROWS_MAX;
  bool join_tcp = engine_->join_tcp.load(std::memory_order_relaxed);
  bool join_udp = engine_->join_udp.load(std::memory_order_relaxed);
  if (engine_->clamps.load(std::memory_order_relaxed)) clamp(count);
  coalescer_.begin();
  for (int i = 0; i < count; i++) {
    Delivery frame;
    if (!row_frame(deliveries_[i], frame) || !coalescer_.add(frame, join_tcp, join_udp)) count_(DROP_MALFORMED_FRAME);
  }
  int taken = 0;
  for (int i = 0; i < coalescer_.count(); i++) {
    write_super_frame(coalescer_.at(i), join_udp);
    taken += coalescer_.at(i).segments;
  }
  return taken;
}

}  // namespace weave
