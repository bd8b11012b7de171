// From frames to datagrams.
#include <unistd.h>

#include <cstring>

#include "bytes.h"
#include "icmp.h"
#include "lane.h"

namespace weave {

// False when the way of a broadcast is not where the row says.
bool Lane::prefix_of(const int32_t* send, Prefix& prefix) const {
  prefix = {send, send[SEND_KIND] == KIND_BROADCAST, {}, FRAME_HEADER};
  if (!prefix.broadcast) return true;
  Way& way = prefix.way;
  int64_t at = send[SEND_WAY_AT];
  int first = 0;
  if (at < 0) {
    at = -1 - at;
    if (at > WAYS_NUMBERS - WAYS_COLUMNS) return false;
    first = ways_[at + 1];
    way.below = first & ~PASSES_ONLY & 0xffff;
    if (at + (1 + way.below) * WAYS_COLUMNS > WAYS_NUMBERS) return false;
    way.own = ways_ + at + WAYS_COLUMNS;
  } else {
    // Between header and frame of its row.
    const int32_t* row = row_(send[SEND_ROW]);
    int64_t from = row[ROW_WAY_AT], end = row[ROW_OFFSET];
    if (row[ROW_KIND] != KIND_BROADCAST || from < BROADCAST_HEADER || at < from || at > end - WAY_ENTRY) return false;
    first = le16(slab_ + at);
    way.below = first & ~PASSES_ONLY;
    way.given = slab_ + at + WAY_ENTRY;
    if (at + WAY_ENTRY + way.bytes() > end) return false;
    way.header = slab_ + from - BROADCAST_HEADER;
    way.tag = slab_ + at + WAY_TAG_AT;
  }
  way.passes_only = (first & PASSES_ONLY) != 0;
  prefix.bytes = BROADCAST_HEADER + way.bytes();
  return way.below <= WAY_ENTRIES_MAX;
}

const uint8_t* Lane::digest_of(const uint8_t* header, const Delivery& frame) {
  uint64_t sequence = le64(header + SEQUENCE_AT);
  Hashed& hashed = hashed_[sequence % HASHED];
  if (!hashed.known || hashed.sequence != sequence) {
    hashed.sequence = sequence;
    hashed.known = digest_.of(header, frame.frame, frame.length, hashed.digest);
    if (!hashed.known) memset(hashed.digest, 0, sizeof hashed.digest);
  }
  return hashed.digest;
}

// Segment `index` of a frame from the TAP has a sequence of its own.
void Lane::write_prefix(const Prefix& prefix, const Delivery& frame, int index, uint8_t* plaintext) {
  const Way& way = prefix.way;
  if (way.header != nullptr) {
    // All that is under the tag stays as it came.
    memcpy(plaintext, way.header, ORIGIN_BYTES);
    memcpy(plaintext + TAG_AT, way.tag, 8);
  } else {
    plaintext[0] = prefix.broadcast ? KIND_BROADCAST : KIND_FRAME;
    plaintext[1] = static_cast<uint8_t>(frame.flags);
    put_le16(plaintext + 2, static_cast<uint16_t>(frame.flags & FLAG_GSO_ANY ? frame.gso_size : 0));
    put_le16(plaintext + 4, static_cast<uint16_t>(frame.checksum_start));
    plaintext[6] = static_cast<uint8_t>(frame.checksum_offset);
    plaintext[7] = 0;
    if (!prefix.broadcast) return;
    uint64_t low = static_cast<uint32_t>(prefix.send[SEND_SEQUENCE_LOW]);
    uint64_t high = static_cast<uint32_t>(prefix.send[SEND_SEQUENCE_HIGH]);
    put_le64(plaintext + SEQUENCE_AT, (high << 32 | low) + static_cast<uint64_t>(index));
    memcpy(plaintext + SOURCE_AT, engine_->self, 8);
    // The session proves who it is to whom it goes first.
    memset(plaintext + TAG_AT, 0, 8);
  }
  plaintext[PASSES_ONLY_AT] = way.passes_only ? 1 : 0;
  put_le16(plaintext + TAG_AT + 8, 0);
  put_le16(plaintext + ENTRIES_AT, static_cast<uint16_t>(way.below));
  const uint8_t* digest = way.own != nullptr && way.below > 0 ? digest_of(plaintext, frame) : nullptr;
  write_entries(engine_->table, way, digest, plaintext + BROADCAST_HEADER);
}

// One frame in one datagram, or in several; false when the counter of the key has come to its end.
bool Lane::send_whole(const Prefix& head, const Delivery& frame, int index, const Route& route) {
  int prefix = head.bytes;
  int room = room_of(route.payload_max, prefix);
  if (frame.length > room) {
    // Whoever may be told sends less from then on; until then, and whoever else it is, nothing is lost.
    if (!head.broadcast && route.is_found) tell_too_big(frame, room);
    return send_pieces(head, frame, index, route);
  }
  uint8_t* plaintext = sender_.begin(route, prefix + frame.length);
  write_prefix(head, frame, index, plaintext);
  memcpy(plaintext + prefix, frame.frame, static_cast<size_t>(frame.length));
  if (!head.broadcast && engine_->clamps.load(std::memory_order_relaxed)) {
    clamp_segment_size(plaintext + prefix, frame.length, room_of(route.payload_max, FRAME_HEADER),
                       (frame.flags & FLAG_CHECKSUM_PARTIAL) != 0);
  }
  return sender_.commit(route, prefix + frame.length);
}

bool Lane::send_pieces(const Prefix& head, const Delivery& frame, int index, const Route& route) {
  int prefix = head.bytes;
  int total = prefix + frame.length, room = room_of(route.payload_max, FRAGMENT_HEADER);
  if (total > 65535 || room < 1 || (total + room - 1) / room > FRAGMENTS_MAX) return count_(DROP_TOO_BIG), true;
  int pieces = (total + room - 1) / room, size = (total + pieces - 1) / pieces;
  uint8_t* header = header_.get();
  write_prefix(head, frame, index, header);
  uint32_t id = engine_->next_fragment.fetch_add(1, std::memory_order_relaxed);
  for (int at = 0; at < total; at += size) {
    int bytes = size < total - at ? size : total - at, taken = 0;
    uint8_t* plaintext = sender_.begin(route, FRAGMENT_HEADER + bytes);
    write_fragment_header(plaintext, total, at, id);
    if (at < prefix) {
      taken = prefix - at < bytes ? prefix - at : bytes;
      memcpy(plaintext + FRAGMENT_HEADER, header + at, static_cast<size_t>(taken));
    }
    if (taken < bytes) {
      memcpy(plaintext + FRAGMENT_HEADER + taken, frame.frame + at + taken - prefix, static_cast<size_t>(bytes - taken));
    }
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
  bool written = write(queue_for(vnet_and_frame + VNET_HEADER, length), vnet_and_frame, static_cast<size_t>(VNET_HEADER + length)) >= 0;
  count_(written ? TOO_BIG_TOLD : DROP_TAP_FULL);
}

void Lane::send_frame(const Prefix& head, const Delivery& given, const Route& route) {
  Delivery frame = given;
  int prefix = head.bytes, room = room_of(route.payload_max, prefix);
  SegmentPlan plan;
  // What is passed on stays as it came: whole, or in pieces.
  bool own = !head.broadcast || head.way.own != nullptr;
  bool cut = own && (frame.flags & FLAG_GSO_ANY) != 0;
  if (cut) {
    FrameShape shape = parse_frame(frame.frame, frame.length);
    if (frame.gso_size <= 0 || !describe_segments(frame.frame, frame.length, frame.flags, frame.checksum_start,
                                                  frame.checksum_offset, shape, plan)) {
      return count_(DROP_MALFORMED_FRAME);
    }
  } else if (!head.broadcast && frame.length > room && (frame.flags & FLAG_CHECKSUM_PARTIAL) &&
             frame.checksum_offset == 16) {
    // A TCP segment that is too long for the path but whose checksum is still open can be cut all the same.
    FrameShape shape = parse_frame(frame.frame, frame.length);
    int flags = frame.flags | (shape.version == 6 ? FLAG_GSO_TCP6 : FLAG_GSO_TCP4);
    cut = describe_segments(frame.frame, frame.length, flags, frame.checksum_start, frame.checksum_offset, shape, plan);
    if (cut) frame.flags = flags, frame.gso_size = 65535;
  }
  if (!cut) {
    send_whole(head, frame, 0, route);
    return;
  }
  bool joins = !plan.tcp && !head.broadcast && route.joins && route.is_found;
  if (joins && plan.header + 2 * frame.gso_size <= room && plan.payload > frame.gso_size) {
    SuperFrame super;
    super.first = frame;
    super.plan = plan;
    return send_joined(head, super, route);
  }
  // TCP may be cut finer than the sender asked; a UDP datagram may not, and goes in pieces. Nor may a broadcast: its
  // segments are the same for all.
  int fits = room - plan.header;
  bool finer = plan.tcp && !head.broadcast;
  bool whole = fits >= 1 && (finer || fits >= frame.gso_size || fits >= plan.payload);
  if (!whole && finer) return count_(DROP_TOO_BIG);
  set_segment_size(plan, whole && finer && fits < frame.gso_size ? fits : frame.gso_size);
  if (frame.gso_size > plan.size) frame.gso_size = plan.size;
  for (int i = 0; i < plan.count; i++) {
    int bytes = plan.header + (i + 1 < plan.count ? plan.size : plan.payload - i * plan.size);
    if (!whole) {
      Delivery segment = frame;
      segment.frame = segment_.get();
      segment.length = write_segment(plan, frame.frame, i, segment_.get());
      if (!send_whole(head, segment, i, route)) return;
      continue;
    }
    uint8_t* plaintext = sender_.begin(route, prefix + bytes);
    Delivery segment = frame;
    segment.frame = plaintext + prefix;
    segment.length = write_segment(plan, frame.frame, i, plaintext + prefix);
    write_prefix(head, segment, i, plaintext);
    if (!sender_.commit(route, prefix + bytes)) return;
  }
}

void Lane::send_joined(const Prefix& prefix, const SuperFrame& super, const Route& route) {
  const SegmentPlan& plan = super.plan;
  int size = super.first.gso_size;
  int most = (room_of(route.payload_max, prefix.bytes) - plan.header) / size;
  if (most > COALESCE_UDP_MAX) most = COALESCE_UDP_MAX;
  // All but the last are of one size, so where one ends follows from where it lies.
  const uint8_t* part = super.first.frame + plan.header;
  int left = plan.payload, next = super.chain;
  for (int index = 0; left > 0; index += most) {
    uint8_t* plaintext = sender_.begin(route, prefix.bytes + plan.header + most * size);
    uint8_t* frame = plaintext + prefix.bytes;
    memcpy(frame, super.first.frame, static_cast<size_t>(plan.header));
    int bytes = 0;
    while (left > 0 && bytes < most * size) {
      int taken = left < most * size - bytes ? left : most * size - bytes;
      memcpy(frame + plan.header + bytes, part, static_cast<size_t>(taken));
      bytes += taken;
      part += taken;
      left -= taken;
      if (left > 0 || next < 0) continue;
      part = coalescer_.link(next).payload;
      left = coalescer_.link(next).length;
      next = coalescer_.link(next).next;
    }
    if (plan.version == 4) {
      uint8_t* id = frame + plan.l3 + 4;
      put_be16(id, static_cast<uint16_t>(be16(id) + index));
    }
    Delivery joined = super.first;
    joined.frame = frame;
    joined.length = plan.header + bytes;
    fix_lengths(plan, frame, joined.length);
    write_prefix(prefix, joined, 0, plaintext);
    if (!sender_.commit(route, prefix.bytes + joined.length)) return;
  }
}

void Lane::send_held() {
  Route route;
  int routed = -1;
  for (int i = 0; i < coalescer_.count(); i++) {
    const SuperFrame& super = coalescer_.at(i);
    const int32_t* send = sends_ + static_cast<size_t>(super.first.send) * SEND_COLUMNS;
    Delivery frame;
    Prefix prefix;
    if (!row_frame(send[SEND_ROW], frame) || !prefix_of(send, prefix)) continue;
    if (send[SEND_PEER] != routed) {
      routed = -1;
      if (!sender_.route_to(send[SEND_PEER], route)) continue;
      routed = send[SEND_PEER];
    }
    route.datagram_class = class_of(row_(send[SEND_ROW])[ROW_FLAGS]);
    if (super.segments > 1) send_joined(prefix, super, route);
    else send_frame(prefix, frame, route);
  }
  coalescer_.begin();
}

int Lane::send(int count) {
  if (count > SENDS_MAX) count = SENDS_MAX;
  for (Hashed& hashed : hashed_) hashed.known = false;
  ReadGuard guard(engine_->lock);
  Route route;
  int routed = -1, room = 0;
  coalescer_.begin();
  for (int i = 0; i < count; i++) {
    const int32_t* send = sends_ + static_cast<size_t>(i) * SEND_COLUMNS;
    Delivery frame;
    Prefix prefix;
    if (!row_frame(send[SEND_ROW], frame) || !prefix_of(send, prefix)) {
      count_(DROP_MALFORMED_FRAME);
      continue;
    }
    if (send[SEND_PEER] != routed) {
      routed = -1;
      if (!sender_.route_to(send[SEND_PEER], route)) continue;
      routed = send[SEND_PEER];
      // What is small may pass where a path that is not searched yet carries nothing long.
      room = route.joins && route.is_found ? room_of(route.payload_max, FRAME_HEADER) : 0;
    }
    route.datagram_class = class_of(row_(send[SEND_ROW])[ROW_FLAGS]);
    frame.send = i;
    frame.peer = routed;
    bool joins = !prefix.broadcast && (frame.flags & FLAG_GSO_ANY) == 0 && 2 * frame.length <= room;
    // Nothing is held that it could overtake: what it takes to send it is known here.
    if (!joins && coalescer_.count() == 0) {
      send_frame(prefix, frame, route);
      continue;
    }
    // There is always room for one more: a batch has fewer frames than the coalescer, copies for several peers have not.
    if (coalescer_.is_full()) send_held();
    if (!joins) coalescer_.add_alone(frame);
    else if (!coalescer_.add(frame, false, true)) count_(DROP_MALFORMED_FRAME);
  }
  send_held();
  sender_.flush();
  return sender_.taken();
}

}  // namespace weave
