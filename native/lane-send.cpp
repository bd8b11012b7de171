// From frames to datagrams.
#include <cstring>

#include "bytes.h"
#include "lane.h"

namespace weave {

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

void Lane::send_frame(const int32_t* send, const Delivery& given, const Route& route) {
  Delivery frame = given;
  int prefix = send[SEND_KIND] == KIND_BROADCAST ? BROADCAST_HEADER : FRAME_HEADER;
  int room = route.payload_max - DATAGRAM_HEADER - DATAGRAM_TAG - prefix;
  SegmentPlan plan;
  bool cut = (frame.flags & FLAG_GSO_ANY) != 0;
  if (!cut && frame.length > room && (frame.flags & FLAG_CHECKSUM_PARTIAL) && frame.checksum_offset == 16) {
    // A TCP segment that is too long for the path but whose checksum is still open can be cut all the same.
    FrameShape shape = parse_frame(frame.frame, frame.length);
    frame.flags |= shape.version == 6 ? FLAG_GSO_TCP6 : FLAG_GSO_TCP4;
    frame.gso_size = 65535;
    cut = true;
  }
  if (cut) {
    FrameShape shape = parse_frame(frame.frame, frame.length);
    if (frame.gso_size <= 0 || !describe_segments(frame.frame, frame.length, frame.flags, frame.checksum_start,
                                                  frame.checksum_offset, shape, plan)) {
      return count_(DROP_MALFORMED_FRAME);
    }
    int fits = room - plan.header;
    // TCP may be cut finer than the sender asked; a UDP datagram may not.
    if (fits < 1 || (!plan.tcp && fits < frame.gso_size && fits < plan.payload)) return count_(DROP_TOO_BIG);
    set_segment_size(plan, frame.gso_size < fits ? frame.gso_size : fits);
    if (frame.gso_size > plan.size) frame.gso_size = plan.size;
    for (int i = 0; i < plan.count; i++) {
      int bytes = plan.header + (i + 1 < plan.count ? plan.size : plan.payload - i * plan.size);
      uint8_t* plaintext = sender_.begin(route, prefix + bytes);
      write_prefix(send, frame, i, plaintext);
      write_segment(plan, frame.frame, i, plaintext + prefix);
      if (!sender_.commit(route, prefix + bytes)) return;
    }
    return;
  }
  if (frame.length > room) return count_(DROP_TOO_BIG);
  uint8_t* plaintext = sender_.begin(route, prefix + frame.length);
  write_prefix(send, frame, 0, plaintext);
  memcpy(plaintext + prefix, frame.frame, static_cast<size_t>(frame.length));
  sender_.commit(route, prefix + frame.length);
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
