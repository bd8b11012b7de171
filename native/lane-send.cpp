// From frames to datagrams.
#include <unistd.h>

#include <cstring>

#include "bytes.h"
#include "icmp.h"
#include "lane.h"

namespace weave {
namespace {

int prefix_of(const int32_t* send) { return send[SEND_KIND] == KIND_BROADCAST ? BROADCAST_HEADER : FRAME_HEADER; }

}  // namespace

// Kind, flags and, for a broadcast, what loops are told by. Segment `index` of a frame has a duplicate id of its own.
void Lane::write_prefix(const int32_t* send, const Delivery& frame, int index, uint8_t* plaintext) {
  bool broadcast = send[SEND_KIND] == KIND_BROADCAST;
  plaintext[0] = broadcast ? KIND_BROADCAST : KIND_FRAME;
  plaintext[1] = static_cast<uint8_t>(frame.flags);
  put_le16(plaintext + 2, static_cast<uint16_t>(frame.flags & FLAG_GSO_ANY ? frame.gso_size : 0));
  put_le16(plaintext + 4, static_cast<uint16_t>(frame.checksum_start));
  plaintext[6] = static_cast<uint8_t>(frame.checksum_offset);
  plaintext[7] = 0;
  if (!broadcast) return;
  plaintext[7] = static_cast<uint8_t>(send[SEND_HOP_LIMIT]);
  put_le32(plaintext + 8, static_cast<uint32_t>(send[SEND_DUPLICATE_ID]) + static_cast<uint32_t>(index));
  const Peer* origin = engine_->table.peer(send[SEND_ORIGIN_PEER]);
  memcpy(plaintext + 12, origin != nullptr ? origin->short_id : engine_->self, 8);
}

// One frame in one datagram, or in several; false when the counter of the key has come to its end.
bool Lane::send_whole(const int32_t* send, const Delivery& frame, int index, const Route& route) {
  int prefix = prefix_of(send);
  int room = room_of(route.payload_max, prefix);
  if (frame.length > room) {
    // Whoever may be told sends less from then on; until then, and whoever else it is, nothing is lost.
    if (prefix == FRAME_HEADER && route.is_found) tell_too_big(frame, room);
    return send_pieces(send, frame, index, route);
  }
  uint8_t* plaintext = sender_.begin(route, prefix + frame.length);
  write_prefix(send, frame, index, plaintext);
  memcpy(plaintext + prefix, frame.frame, static_cast<size_t>(frame.length));
  if (engine_->clamps.load(std::memory_order_relaxed)) {
    clamp_segment_size(plaintext + prefix, frame.length, room_of(route.payload_max, FRAME_HEADER),
                       (frame.flags & FLAG_CHECKSUM_PARTIAL) != 0);
  }
  return sender_.commit(route, prefix + frame.length);
}

bool Lane::send_pieces(const int32_t* send, const Delivery& frame, int index, const Route& route) {
  int prefix = prefix_of(send);
  int total = prefix + frame.length, room = room_of(route.payload_max, FRAGMENT_HEADER);
  if (total > 65535 || room < 1 || (total + room - 1) / room > FRAGMENTS_MAX) return count_(DROP_TOO_BIG), true;
  int pieces = (total + room - 1) / room, size = (total + pieces - 1) / pieces;
  uint8_t header[BROADCAST_HEADER];
  write_prefix(send, frame, index, header);
  uint32_t id = engine_->next_fragment.fetch_add(1, std::memory_order_relaxed);
  for (int at = 0; at < total; at += size) {
    int bytes = size < total - at ? size : total - at, taken = 0;
    uint8_t* plaintext = sender_.begin(route, FRAGMENT_HEADER + bytes);
    write_fragment_header(plaintext, total, at, id);
    if (at < prefix) {
      taken = prefix - at < bytes ? prefix - at : bytes;
      memcpy(plaintext + FRAGMENT_HEADER, header + at, static_cast<size_t>(taken));
    }
    memcpy(plaintext + FRAGMENT_HEADER + taken, frame.frame + at + taken - prefix, static_cast<size_t>(bytes - taken));
    if (!sender_.commit(route, FRAGMENT_HEADER + bytes)) return false;
  }
  count_(FRAGMENTED);
  return true;
}

// `room`: the longest frame that the path carries.
void Lane::tell_too_big(const Delivery& frame, int room) {
  uint8_t vnet_and_frame[VNET_HEADER + TOO_BIG_FRAME_MAX] = {};
  FrameShape shape = parse_frame(frame.frame, frame.length);
  int length = write_too_big(frame.frame, frame.length, shape, room, engine_->bridge, vnet_and_frame + VNET_HEADER);
  if (length == 0) return;
  int64_t now = now_ms(), earned = (now - told_at_) * TOO_BIG_PER_SECOND / 1000;
  if (earned > 0) {
    tellings_ = tellings_ + earned < TOO_BIG_BURST ? tellings_ + static_cast<int>(earned) : TOO_BIG_BURST;
    told_at_ = now;
  }
  if (tellings_ == 0) return count_(TOO_BIG_UNTOLD);
  tellings_--;
  bool written = write(engine_->tap, vnet_and_frame, static_cast<size_t>(VNET_HEADER + length)) >= 0;
  count_(written ? TOO_BIG_TOLD : DROP_TAP_FULL);
}

void Lane::send_frame(const int32_t* send, const Delivery& given, const Route& route) {
  Delivery frame = given;
  int prefix = prefix_of(send), room = room_of(route.payload_max, prefix);
  SegmentPlan plan;
  bool cut = (frame.flags & FLAG_GSO_ANY) != 0;
  if (cut) {
    FrameShape shape = parse_frame(frame.frame, frame.length);
    if (frame.gso_size <= 0 || !describe_segments(frame.frame, frame.length, frame.flags, frame.checksum_start,
                                                  frame.checksum_offset, shape, plan)) {
      return count_(DROP_MALFORMED_FRAME);
    }
  } else if (frame.length > room && (frame.flags & FLAG_CHECKSUM_PARTIAL) && frame.checksum_offset == 16) {
    // A TCP segment that is too long for the path but whose checksum is still open can be cut all the same.
    FrameShape shape = parse_frame(frame.frame, frame.length);
    int flags = frame.flags | (shape.version == 6 ? FLAG_GSO_TCP6 : FLAG_GSO_TCP4);
    cut = describe_segments(frame.frame, frame.length, flags, frame.checksum_start, frame.checksum_offset, shape, plan);
    if (cut) frame.flags = flags, frame.gso_size = 65535;
  }
  if (!cut) {
    send_whole(send, frame, 0, route);
    return;
  }
  // TCP may be cut finer than the sender asked; a UDP datagram may not, and goes in pieces.
  int fits = room - plan.header;
  bool whole = fits >= 1 && (plan.tcp || fits >= frame.gso_size || fits >= plan.payload);
  if (!whole && plan.tcp) return count_(DROP_TOO_BIG);
  set_segment_size(plan, whole && fits < frame.gso_size ? fits : frame.gso_size);
  if (frame.gso_size > plan.size) frame.gso_size = plan.size;
  for (int i = 0; i < plan.count; i++) {
    int bytes = plan.header + (i + 1 < plan.count ? plan.size : plan.payload - i * plan.size);
    if (!whole) {
      Delivery segment = frame;
      segment.frame = segment_.get();
      segment.length = write_segment(plan, frame.frame, i, segment_.get());
      if (!send_whole(send, segment, i, route)) return;
      continue;
    }
    uint8_t* plaintext = sender_.begin(route, prefix + bytes);
    write_prefix(send, frame, i, plaintext);
    write_segment(plan, frame.frame, i, plaintext + prefix);
    if (!sender_.commit(route, prefix + bytes)) return;
  }
}

int Lane::send(int count) {
  if (count > SENDS_MAX) count = SENDS_MAX;
  ReadGuard guard(engine_->lock);
  Route route;
  int routed = -1;
  for (int i = 0; i < count; i++) {
    const int32_t* send = sends_ + static_cast<size_t>(i) * SEND_COLUMNS;
    Delivery frame;
    if (!row_frame(send[SEND_ROW], frame)) {
      count_(DROP_MALFORMED_FRAME);
      continue;
    }
    if (send[SEND_PEER] != routed) {
      routed = -1;
      if (!sender_.route_to(send[SEND_PEER], route)) continue;
      routed = send[SEND_PEER];
    }
    send_frame(send, frame, route);
  }
  sender_.flush();
  return sender_.taken();
}

}  // namespace weave
