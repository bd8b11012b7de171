// Frames as a TAP gives them: a vnet header, then Ethernet, IPv4, TCP or UDP, with the checksum of the transport open.
#pragma once
#include <cstdint>
#include <vector>

namespace weave {

// `segment`: payload bytes of each when it is a super-frame, 0 when it is none.
struct FrameWish {
  bool tcp = false;
  int payload = 0, segment = 0;
  uint32_t sequence = 0;
  bool may_be_cut = true;  // by routers: without the bit "don't fragment"
};

std::vector<uint8_t> tap_frame(const FrameWish& wish);

// What is wrong with what was written to a TAP; null when a kernel may take it.
const char* fault_of_written(const uint8_t* bytes, int length);

}  // namespace weave
