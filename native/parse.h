// Reads what the switch wants to know of an Ethernet frame. Every length is checked against the frame's end.
#pragma once
#include <cstdint>

namespace weave {

struct FrameShape {
  int ether_type = 0;    // behind VLAN tags
  bool still_tagged = false;  // behind the last VLAN tag that is read comes another one, or the end: nobody looked further
  int l3 = 0;            // offset of the IP header, 0 when there is none that is well-formed
  int version = 0;       // 4 or 6
  int l4 = 0;            // offset of the transport header, 0 when unknown or a later fragment
  int protocol = -1;     // of the transport header
  bool fragment = false;
  bool router_advertisement = false;
  bool neighbour_advertisement = false;
  bool dhcp_server = false;
  int source_ipv6 = 0;   // offset of the source address of an IPv6 header, 0 when there is none
  uint32_t source_ipv4 = 0;
};

// `length` is at least 14.
FrameShape parse_frame(const uint8_t* frame, int length);

}  // namespace weave
