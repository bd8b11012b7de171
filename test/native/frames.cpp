#include "frames.h"

#include <netinet/in.h>

#include "../../native/bytes.h"
#include "../../native/constants.h"
#include "../../native/segment.h"

namespace weave {
namespace {

constexpr int IP_AT = 14, TRANSPORT_AT = IP_AT + 20;
constexpr uint8_t SYN_NEVER_ACK_ALWAYS = 0x10;

}  // namespace

std::vector<uint8_t> tap_frame(const FrameWish& wish) {
  int transport = wish.tcp ? 20 : 8, header = TRANSPORT_AT + transport, length = header + wish.payload;
  std::vector<uint8_t> bytes(static_cast<size_t>(VNET_HEADER + length));
  uint8_t* vnet = bytes.data();
  uint8_t* frame = vnet + VNET_HEADER;
  vnet[0] = VNET_NEEDS_CSUM;
  if (wish.segment > 0) {
    vnet[1] = wish.tcp ? VNET_GSO_TCP4 : VNET_GSO_UDP_L4;
    put_le16(vnet + 2, static_cast<uint16_t>(header));
    put_le16(vnet + 4, static_cast<uint16_t>(wish.segment));
  }
  put_le16(vnet + 6, TRANSPORT_AT);
  put_le16(vnet + 8, wish.tcp ? 16 : 6);
  frame[0] = frame[6] = 2;
  frame[5] = 1;
  frame[11] = 2;
  put_be16(frame + 12, 0x0800);
  uint8_t* ip = frame + IP_AT;
  ip[0] = 0x45;
  ip[6] = wish.may_be_cut ? 0 : 0x40;
  ip[8] = 64;
  ip[9] = wish.tcp ? IPPROTO_TCP : IPPROTO_UDP;
  put_be32(ip + 12, 0x0a000001);
  put_be32(ip + 16, 0x0a000002);
  put_be16(frame + TRANSPORT_AT, 7000);
  put_be16(frame + TRANSPORT_AT + 2, 7001);
  if (wish.tcp) {
    put_be32(frame + TRANSPORT_AT + 4, wish.sequence);
    frame[TRANSPORT_AT + 12] = 5 << 4;
    frame[TRANSPORT_AT + 13] = SYN_NEVER_ACK_ALWAYS;
  }
  for (int i = 0; i < wish.payload; i++) frame[header + i] = static_cast<uint8_t>(i * 7);
  SegmentPlan plan;
  int flags = FLAG_CHECKSUM_PARTIAL | (wish.tcp ? FLAG_GSO_TCP4 : FLAG_GSO_UDP);
  if (describe_segments(frame, length, flags, TRANSPORT_AT, wish.tcp ? 16 : 6, parse_frame(frame, length), plan)) {
    fix_lengths(plan, frame, length);
  }
  return bytes;
}

const char* fault_of_written(const uint8_t* bytes, int length) {
  int frame = length - VNET_HEADER;
  if (frame < 14) return "shorter than an Ethernet header";
  int gso = bytes[1], header = le16(bytes + 2), start = le16(bytes + 6), offset = le16(bytes + 8);
  if (bytes[0] == 0) return gso == 0 ? nullptr : "a super-frame without an open checksum";
  if (start < 14 || start + offset + 2 > frame) return "a checksum that is open beyond the end";
  if (gso == 0) return nullptr;
  if (header <= start || header > frame) return "headers that end beyond the frame, or before the transport";
  return le16(bytes + 4) > 0 ? nullptr : "segments of nothing";
}

}  // namespace weave
