#include "coalesce.h"

#include <cstring>

#include "bytes.h"

namespace weave {
namespace {

constexpr uint8_t TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_URG = 0x20, TCP_CWR = 0x80;
constexpr int PACKET_MAX = 65535;
constexpr uint8_t IPV4_DF = 0x40;

// Peers send datagrams of one flow joined already.
int segments_in(const SegmentPlan& plan, int size) { return plan.tcp ? 1 : (plan.payload + size - 1) / size; }

bool same(const uint8_t* a, const uint8_t* b, int from, int to) {
  return memcmp(a + from, b + from, static_cast<size_t>(to - from)) == 0;
}

// Addresses, protocol and ports: what must keep its order.
bool same_flow(const SegmentPlan& a, const uint8_t* x, const SegmentPlan& b, const uint8_t* y) {
  if (a.version != b.version || a.tcp != b.tcp || memcmp(x + a.l4, y + b.l4, 4) != 0) return false;
  return a.version == 4 ? memcmp(x + a.l3 + 12, y + b.l3 + 12, 8) == 0 : memcmp(x + a.l3 + 8, y + b.l3 + 8, 32) == 0;
}

// A frame that a router may fragment has an id that counts: whoever cuts the super-frame again must come to the same one.
// With DF the id says nothing (RFC 6864 §4.1).
bool id_follows(const SuperFrame& into, const uint8_t* ip) {
  const uint8_t* first = into.first.frame + into.plan.l3;
  if (into.plan.version != 4 || (first[6] & IPV4_DF) != 0) return true;
  return be16(ip + 4) == static_cast<uint16_t>(be16(first + 4) + into.segments);
}

// A datagram that its sender's kernel left the checksum of to whoever sends it on can be a segment, as if that kernel had cut
// it from a longer one. Only where nothing stands between and behind the headers: the super-frame has room for neither.
bool is_lone_datagram(const Delivery& delivery, const FrameShape& shape) {
  constexpr int PROTOCOL_UDP = 17, ETHERNET = 14;
  if (shape.protocol != PROTOCOL_UDP || shape.l3 != ETHERNET || shape.l4 == 0 || shape.fragment) return false;
  const uint8_t* ip = delivery.frame + shape.l3;
  int bytes = delivery.length - shape.l3;
  if (shape.version == 4 ? shape.l4 != ETHERNET + 20 || be16(ip + 2) != bytes
                         : shape.l4 != ETHERNET + 40 || be16(ip + 4) != bytes - 40) return false;
  int datagram = delivery.length - shape.l4;
  return datagram > 8 && be16(delivery.frame + shape.l4 + 4) == datagram;
}

// Every header byte that does not differ by nature between segments of one super-frame.
bool same_headers(const SegmentPlan& a, const uint8_t* x, const SegmentPlan& b, const uint8_t* y) {
  if (a.l3 != b.l3 || a.l4 != b.l4 || a.header != b.header || !same(x, y, 0, a.l3)) return false;
  const uint8_t *ip = x + a.l3, *other_ip = y + b.l3;
  int ip_bytes = a.l4 - a.l3;
  bool ip_same = a.version == 4 ? same(ip, other_ip, 0, 2) && same(ip, other_ip, 6, 10) && same(ip, other_ip, 12, ip_bytes)
                                : same(ip, other_ip, 0, 4) && same(ip, other_ip, 6, ip_bytes);
  if (!ip_same || !a.tcp) return ip_same;
  const uint8_t *tcp = x + a.l4, *other = y + b.l4;
  constexpr uint8_t ENDING = TCP_FIN | TCP_PSH;
  return same(tcp, other, 8, 13) && (tcp[13] | ENDING) == (other[13] | ENDING) && same(tcp, other, 14, 16) &&
         same(tcp, other, 18, a.header - a.l4);
}

}  // namespace

SuperFrame* Coalescer::flow_of(const SegmentPlan& plan, const uint8_t* frame) {
  for (int i = open_ - 1; i >= 0; i--) {
    SuperFrame& candidate = frame_[open_list_[i]];
    if (same_flow(candidate.plan, candidate.first.frame, plan, frame)) {
      if (!candidate.is_open) return nullptr;
      return &candidate;
    }
  }
  return nullptr;
}

bool Coalescer::append(SuperFrame& into, const SegmentPlan& plan, const Delivery& delivery) {
  int size = into.first.gso_size, segments = segments_in(plan, delivery.gso_size);
  // The last datagram of a super-frame may be shorter. A TCP segment says with what it belongs.
  bool is_shorter = !plan.tcp && segments == 1 && plan.payload < size && plan.payload == delivery.gso_size;
  if ((delivery.gso_size != size && !is_shorter) || (plan.tcp && plan.payload > size)) return false;
  if (delivery.peer != into.first.peer) return false;
  int most = plan.tcp ? COALESCE_MAX : COALESCE_UDP_MAX;
  if (into.segments + segments > most || into.length + plan.payload - plan.l3 > PACKET_MAX) return false;
  const uint8_t* tcp = delivery.frame + plan.l4;
  if (plan.tcp && be32(tcp + 4) != into.next_sequence) return false;
  if (!same_headers(into.plan, into.first.frame, plan, delivery.frame)) return false;
  if (!id_follows(into, delivery.frame + plan.l3)) return false;
  int index = links_++;
  link_[index] = {delivery.frame + plan.header, plan.payload, -1};
  (into.chain_end < 0 ? into.chain : link_[into.chain_end].next) = index;
  into.chain_end = index;
  into.length += plan.payload;
  into.segments += segments;
  into.next_sequence += static_cast<uint32_t>(plan.payload);
  if (plan.payload % size != 0) into.is_open = false;
  if (plan.tcp && (tcp[13] & (TCP_FIN | TCP_PSH)) != 0) {
    into.first.frame[into.plan.l4 + 13] |= tcp[13] & (TCP_FIN | TCP_PSH);
    into.is_open = false;
  }
  return true;
}

// A frame that cannot be joined must not be overtaken by later segments of its flow.
void Coalescer::close_transport(const FrameShape& shape, const uint8_t* frame, int length) {
  for (int i = 0; i < open_; i++) {
    SuperFrame& candidate = frame_[open_list_[i]];
    if (shape.l4 == 0 || shape.version != candidate.plan.version || length < shape.l4 + 4) {
      if (shape.l3 != 0) candidate.is_open = false;
      continue;
    }
    const uint8_t* first = candidate.first.frame;
    if (memcmp(first + candidate.plan.l4, frame + shape.l4, 4) == 0) candidate.is_open = false;
  }
}

SuperFrame& Coalescer::begin_frame(const Delivery& delivery) {
  SuperFrame& fresh = frame_[frames_];
  fresh.first = delivery;
  fresh.length = delivery.length;
  fresh.segments = 1;
  fresh.chain = fresh.chain_end = -1;
  fresh.is_open = fresh.is_flow = false;
  return fresh;
}

void Coalescer::add_alone(const Delivery& delivery) {
  begin_frame(delivery);
  if (open_ > 0) close_transport(parse_frame(delivery.frame, delivery.length), delivery.frame, delivery.length);
  frames_++;
}

bool Coalescer::add(const Delivery& delivery, bool join_tcp, bool join_udp) {
  SuperFrame& fresh = begin_frame(delivery);
  bool partial = (delivery.flags & FLAG_CHECKSUM_PARTIAL) != 0;
  if ((delivery.flags & FLAG_GSO_ANY) != 0) {
    FrameShape shape = parse_frame(delivery.frame, delivery.length);
    return delivery.gso_size > 0 && begin_flow(fresh, delivery, shape, join_tcp, join_udp);
  }
  int start = delivery.checksum_start, offset = delivery.checksum_offset;
  if (partial && (start < 14 || offset < 0 || start + offset + 2 > delivery.length)) return false;
  if ((partial && join_udp) || open_ > 0) {
    FrameShape shape = parse_frame(delivery.frame, delivery.length);
    if (partial && join_udp && is_lone_datagram(delivery, shape)) {
      Delivery segment = delivery;
      segment.flags |= FLAG_GSO_UDP;
      segment.gso_size = delivery.length - shape.l4 - 8;
      if (begin_flow(fresh, segment, shape, join_tcp, join_udp)) return true;
    }
    close_transport(shape, delivery.frame, delivery.length);
  }
  frames_++;
  return true;
}

// False when the frame does not match its flags.
bool Coalescer::begin_flow(SuperFrame& fresh, const Delivery& delivery, const FrameShape& shape, bool join_tcp, bool join_udp) {
  SegmentPlan& plan = fresh.plan;
  plan = SegmentPlan();
  if (!describe_segments(delivery.frame, delivery.length, delivery.flags, delivery.checksum_start, delivery.checksum_offset,
                         shape, plan)) {
    return false;
  }
  fresh.first = delivery;
  fresh.is_flow = true;
  fresh.segments = segments_in(plan, delivery.gso_size);
  bool joining = plan.tcp ? join_tcp : join_udp;
  SuperFrame* flow = joining ? flow_of(plan, delivery.frame) : nullptr;
  if (flow != nullptr) {
    if (append(*flow, plan, delivery)) return true;
    flow->is_open = false;
  }
  frames_++;
  if (!joining) return true;
  uint8_t flags = plan.tcp ? delivery.frame[plan.l4 + 13] : 0;
  if (plan.tcp) fresh.next_sequence = be32(delivery.frame + plan.l4 + 4) + static_cast<uint32_t>(plan.payload);
  fresh.is_open = (plan.tcp ? plan.payload == delivery.gso_size : plan.payload % delivery.gso_size == 0) &&
                  (flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_URG | TCP_CWR)) == 0;
  if (!fresh.is_open) return true;
  int kept = 0;
  for (int i = 0; i < open_; i++) {
    if (frame_[open_list_[i]].is_open) open_list_[kept++] = open_list_[i];
  }
  open_ = kept;
  if (open_ == FLOWS_MAX) {
    frame_[open_list_[0]].is_open = false;
    memmove(open_list_, open_list_ + 1, sizeof(int) * (FLOWS_MAX - 1));
    open_--;
  }
  open_list_[open_++] = frames_ - 1;
  return true;
}

void Coalescer::finish(SuperFrame& frame, uint8_t vnet[VNET_HEADER]) const {
  memset(vnet, 0, VNET_HEADER);
  const Delivery& first = frame.first;
  if ((first.flags & FLAG_CHECKSUM_PARTIAL) != 0) {
    vnet[0] = VNET_NEEDS_CSUM;
    put_le16(vnet + 6, static_cast<uint16_t>(first.checksum_start));
    put_le16(vnet + 8, static_cast<uint16_t>(first.checksum_offset));
  }
  if (!frame.is_flow) return;
  fix_lengths(frame.plan, first.frame, frame.length);
  if (frame.length - frame.plan.header <= first.gso_size) return;
  vnet[1] = !frame.plan.tcp ? VNET_GSO_UDP_L4 : frame.plan.version == 4 ? VNET_GSO_TCP4 : VNET_GSO_TCP6;
  put_le16(vnet + 2, static_cast<uint16_t>(frame.plan.header));
  put_le16(vnet + 4, static_cast<uint16_t>(first.gso_size));
}

}  // namespace weave
