#include "parse.h"

#include "bytes.h"
#include "constants.h"

namespace weave {
namespace {

constexpr int ETHER_IPV4 = 0x0800, ETHER_ARP = 0x0806, ETHER_IPV6 = 0x86dd, ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8;
constexpr int EXTENSION_HEADERS_MAX = 16;
constexpr int NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_AUTHENTICATION = 51, NEXT_OPTIONS = 60,
              NEXT_ICMPV6 = 58, NEXT_MOBILITY = 135;
constexpr int PROTOCOL_UDP = 17;
constexpr int ICMPV6_ROUTER_ADVERTISEMENT = 134, ICMPV6_REDIRECT = 137, ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136;

void parse_ipv4(const uint8_t* frame, int length, FrameShape& shape) {
  int l3 = shape.l3;
  if (length < l3 + 20 || frame[l3] >> 4 != 4) { shape.l3 = 0; return; }
  int header = (frame[l3] & 15) * 4;
  if (header < 20 || length < l3 + header) { shape.l3 = 0; return; }
  shape.version = 4;
  shape.source_ipv4 = be32(frame + l3 + 12);
  int fragment = be16(frame + l3 + 6);
  shape.fragment = (fragment & 0x3fff) != 0;
  if ((fragment & 0x1fff) != 0) return;
  shape.protocol = frame[l3 + 9];
  shape.l4 = l3 + header;
}

bool is_vlan(int ether_type) { return ether_type == ETHER_VLAN || ether_type == ETHER_QINQ; }

// A first fragment whose headers do not reach the upper layer could hide what is not to pass from us and not from the
// container (RFC 7113 §2), so it is taken for all of it.
void parse_ipv6(const uint8_t* frame, int length, FrameShape& shape) {
  int l3 = shape.l3;
  if (length < l3 + 40 || frame[l3] >> 4 != 6) { shape.l3 = 0; return; }
  shape.version = 6;
  shape.source_ipv6 = l3 + 8;
  int next = frame[l3 + 6], at = l3 + 40;
  for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
    if (next == NEXT_FRAGMENT) {
      if (length < at + 8) break;
      shape.fragment = true;
      if ((be16(frame + at + 2) & 0xfff8) != 0) return;
      next = frame[at];
      at += 8;
    } else if (next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_OPTIONS || next == NEXT_MOBILITY) {
      if (length < at + 8) break;
      next = frame[at];
      at += (frame[at + 1] + 1) * 8;
    } else if (next == NEXT_AUTHENTICATION) {
      if (length < at + 8) break;
      next = frame[at];
      at += (frame[at + 1] + 2) * 4;
    } else {
      if (next == NEXT_ICMPV6) {
        if (length < at + 1) break;
        int type = frame[at];
        shape.router_advertisement = type == ICMPV6_ROUTER_ADVERTISEMENT || type == ICMPV6_REDIRECT;
        shape.neighbour_advertisement = type == ICMPV6_NEIGHBOUR_ADVERTISEMENT;
      }
      shape.protocol = next;
      shape.l4 = at <= length ? at : 0;
      return;
    }
  }
  shape.router_advertisement = shape.neighbour_advertisement = shape.dhcp_server = true;
}

// A UDP header over IPv6 that is not all there is taken for a DHCP server's: a first fragment can end before the ports.
bool is_dhcp_server(const uint8_t* frame, int length, const FrameShape& shape) {
  if (shape.protocol != PROTOCOL_UDP) return false;
  if (shape.l4 == 0 || length < shape.l4 + 4) return shape.version == 6;
  int source = be16(frame + shape.l4), destination = be16(frame + shape.l4 + 2);
  return shape.version == 4 ? source == 67 && destination == 68 : source == 547 && destination == 546;
}

}  // namespace

FrameShape parse_frame(const uint8_t* frame, int length) {
  FrameShape shape;
  int at = 12;
  shape.ether_type = be16(frame + at);
  for (int tags = 0; is_vlan(shape.ether_type) && tags < VLAN_TAGS_MAX && length >= at + 6; tags++) {
    at += 4;
    shape.ether_type = be16(frame + at);
  }
  shape.still_tagged = is_vlan(shape.ether_type);
  shape.l3 = at + 2;
  if (shape.ether_type == ETHER_IPV4) {
    parse_ipv4(frame, length, shape);
    shape.dhcp_server = is_dhcp_server(frame, length, shape);
  } else if (shape.ether_type == ETHER_IPV6) {
    parse_ipv6(frame, length, shape);
    shape.dhcp_server |= is_dhcp_server(frame, length, shape);
  } else {
    if (shape.ether_type == ETHER_ARP && length >= shape.l3 + 28) shape.source_ipv4 = be32(frame + shape.l3 + 14);
    shape.l3 = 0;
  }
  return shape;
}

}  // namespace weave
