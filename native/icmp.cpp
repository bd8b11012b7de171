#include "icmp.h"

#include <cstring>

#include "bytes.h"
#include "constants.h"

namespace weave {
namespace {

constexpr int PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_ICMPV6 = 58;
constexpr uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr uint8_t IPV4_DF = 0x40, TCP_SYN = 0x02, TCP_OPTION_END = 0, TCP_OPTION_NOP = 1, TCP_OPTION_MSS = 2;
constexpr int IPV4_QUOTED_MAX = 576 - 20 - 8, IPV6_QUOTED_MAX = 1280 - 40 - 8;
constexpr int IPV4_MTU_MIN = 68, IPV6_MTU_MIN = 1280, SEGMENT_SIZE_MIN = 216;

bool in_subnet(const BridgeAddress& address, const uint8_t* ip) {
  int bytes = address.prefix / 8, bits = address.prefix % 8;
  if (memcmp(address.ip, ip, static_cast<size_t>(bytes)) != 0) return false;
  return bits == 0 || (address.ip[bytes] ^ ip[bytes]) >> (8 - bits) == 0;
}

// The bridge speaks, where it has an address that the sender takes for a neighbour's; else whom the frame was for: from
// him the sender's kernel hears whatever its source filter is.
const uint8_t* speaker(const BridgeAddresses& bridge, const uint8_t* sender, const uint8_t* destination) {
  for (int i = 0; i < bridge.count; i++) {
    if (in_subnet(bridge.at[i], sender) && memcmp(bridge.at[i].ip, sender, 16) != 0) return bridge.at[i].ip;
  }
  return destination;
}

uint16_t checksum(const uint8_t* bytes, int length, uint32_t seed) {
  uint32_t sum = fold16(seed) + sum16(bytes, length & ~1);
  if (length & 1) sum += static_cast<uint32_t>(bytes[length - 1]) << 8;
  return static_cast<uint16_t>(~fold16(sum));
}

// An error is never answered by an error (RFC 1122 §3.2.2, RFC 4443 §2.4).
bool is_icmp_error(const uint8_t* frame, int length, const FrameShape& shape) {
  if (shape.l4 == 0 || length <= shape.l4) return false;
  int type = frame[shape.l4];
  if (shape.version == 6) return shape.protocol == PROTOCOL_ICMPV6 && type < 128;
  return shape.protocol == PROTOCOL_ICMP && (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

int start_frame(const uint8_t* frame, const FrameShape& shape, uint8_t* out) {
  // From whom it was for: the bridge knows that address at this port, its own it would wonder about.
  memcpy(out, frame + 6, 6);
  memcpy(out + 6, frame, 6);
  memcpy(out + 12, frame + 12, static_cast<size_t>(shape.l3 - 12));
  return shape.l3;
}

int write_ipv4(const uint8_t* frame, int length, const FrameShape& shape, int mtu, const BridgeAddresses& bridge, uint8_t* out) {
  const uint8_t* ip = frame + shape.l3;
  int bytes = be16(ip + 2);
  if (bytes > length - shape.l3) bytes = length - shape.l3;
  if ((ip[6] & IPV4_DF) == 0 || shape.fragment || bytes <= mtu || mtu < IPV4_MTU_MIN) return 0;
  if (ip[12] == 0 || ip[12] == 127 || ip[12] >= 224 || ip[16] >= 224) return 0;
  uint8_t sender[16], destination[16];
  memcpy(sender, MAPPED, 12);
  memcpy(sender + 12, ip + 12, 4);
  memcpy(destination, MAPPED, 12);
  memcpy(destination + 12, ip + 16, 4);
  int quoted = bytes < IPV4_QUOTED_MAX ? bytes : IPV4_QUOTED_MAX;
  int at = start_frame(frame, shape, out);
  uint8_t* header = out + at;
  memset(header, 0, 28);
  header[0] = 0x45;
  header[1] = 0xc0;  // internetwork control (RFC 1812 §4.3.2.5)
  put_be16(header + 2, static_cast<uint16_t>(28 + quoted));
  header[8] = 64;
  header[9] = PROTOCOL_ICMP;
  memcpy(header + 12, speaker(bridge, sender, destination) + 12, 4);
  memcpy(header + 16, ip + 12, 4);
  put_be16(header + 10, checksum(header, 20, 0));
  uint8_t* icmp = header + 20;
  icmp[0] = 3;
  icmp[1] = 4;
  put_be16(icmp + 6, static_cast<uint16_t>(mtu));
  memcpy(icmp + 8, ip, static_cast<size_t>(quoted));
  put_be16(icmp + 2, checksum(icmp, 8 + quoted, 0));
  return at + 28 + quoted;
}

int write_ipv6(const uint8_t* frame, int length, const FrameShape& shape, int mtu, const BridgeAddresses& bridge, uint8_t* out) {
  const uint8_t* ip = frame + shape.l3;
  static constexpr uint8_t NOBODY[16] = {};
  int bytes = 40 + be16(ip + 4);
  if (bytes > length - shape.l3) bytes = length - shape.l3;
  // Nobody need send less than this (RFC 8200 §5): it goes in pieces, and nobody is told.
  if (mtu < IPV6_MTU_MIN) mtu = IPV6_MTU_MIN;
  if (bytes <= mtu || ip[8] == 0xff || ip[24] == 0xff || memcmp(ip + 8, NOBODY, 16) == 0) return 0;
  int quoted = bytes < IPV6_QUOTED_MAX ? bytes : IPV6_QUOTED_MAX;
  int at = start_frame(frame, shape, out);
  uint8_t* header = out + at;
  memset(header, 0, 48);
  header[0] = 0x60;
  put_be16(header + 4, static_cast<uint16_t>(8 + quoted));
  header[6] = PROTOCOL_ICMPV6;
  header[7] = 64;
  memcpy(header + 8, speaker(bridge, ip + 8, ip + 24), 16);
  memcpy(header + 24, ip + 8, 16);
  uint8_t* icmp = header + 40;
  icmp[0] = 2;
  put_be32(icmp + 4, static_cast<uint32_t>(mtu));
  memcpy(icmp + 8, ip, static_cast<size_t>(quoted));
  uint32_t pseudo = sum16(header + 8, 32) + static_cast<uint32_t>(8 + quoted) + PROTOCOL_ICMPV6;
  put_be16(icmp + 2, checksum(icmp, 8 + quoted, pseudo));
  return at + 48 + quoted;
}

}  // namespace

int write_too_big(const uint8_t* frame, int length, const FrameShape& shape, int room, const BridgeAddresses& bridge,
                  uint8_t* out) {
  if (shape.l3 == 0 || (frame[0] & 1) != 0 || is_icmp_error(frame, length, shape)) return 0;
  int mtu = room - shape.l3;
  return shape.version == 4   ? write_ipv4(frame, length, shape, mtu, bridge, out)
         : shape.version == 6 ? write_ipv6(frame, length, shape, mtu, bridge, out)
                              : 0;
}

void clamp_segment_size(uint8_t* frame, int length, int room, bool partial) {
  FrameShape shape = parse_frame(frame, length);
  if (shape.l4 == 0 || shape.protocol != PROTOCOL_TCP || length < shape.l4 + 20) return;
  uint8_t* tcp = frame + shape.l4;
  if ((tcp[13] & TCP_SYN) == 0) return;
  int end = shape.l4 + (tcp[12] >> 4) * 4;
  if (end > length) return;
  int most = room - shape.l3 - (shape.version == 6 ? 40 : 20) - 20;
  if (most < SEGMENT_SIZE_MIN) most = SEGMENT_SIZE_MIN;
  for (int at = shape.l4 + 20; at < end;) {
    int option = frame[at];
    if (option == TCP_OPTION_END) return;
    if (option == TCP_OPTION_NOP) { at++; continue; }
    if (at + 2 > end || frame[at + 1] < 2 || at + frame[at + 1] > end) return;
    if (option == TCP_OPTION_MSS && frame[at + 1] == 4) {
      int announced = be16(frame + at + 2);
      if (announced <= most) return;
      put_be16(frame + at + 2, static_cast<uint16_t>(most));
      if (partial) return;
      // RFC 1624, equation 3. An option at an odd place changes the bytes of two words.
      uint16_t before = static_cast<uint16_t>(announced), after = static_cast<uint16_t>(most);
      if ((at - shape.l4) & 1) {
        before = static_cast<uint16_t>(before << 8 | before >> 8);
        after = static_cast<uint16_t>(after << 8 | after >> 8);
      }
      uint32_t sum = static_cast<uint16_t>(~be16(tcp + 16));
      sum += static_cast<uint16_t>(~before);
      sum += after;
      put_be16(tcp + 16, static_cast<uint16_t>(~fold16(sum)));
      return;
    }
    at += frame[at + 1];
  }
}

}  // namespace weave
