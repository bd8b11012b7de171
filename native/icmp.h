// Tells who sent a frame that does not fit its path, and may not be fragmented, what does (RFC 1191, RFC 8201).
#pragma once
#include <cstdint>

#include "parse.h"

namespace weave {

// An address of the bridge, IPv4 written IPv4-mapped; `prefix` counts from the first of the 128 bits.
struct BridgeAddress {
  uint8_t ip[16] = {};
  int prefix = 0;
};

constexpr int BRIDGE_ADDRESSES_MAX = 8;
struct BridgeAddresses {
  BridgeAddress at[BRIDGE_ADDRESSES_MAX];
  int count = 0;
};

constexpr int TOO_BIG_FRAME_MAX = 1400;  // an ICMPv6 message of 1280 bytes, Ethernet header and VLAN tags

// Writes the frame to `out` (TOO_BIG_FRAME_MAX bytes) and returns its length; 0 when nobody is to be told of this frame.
// `room`: the longest frame that fits.
int write_too_big(const uint8_t* frame, int length, const FrameShape& shape, int room, const BridgeAddresses& bridge,
                  uint8_t* out);

// Lowers the segment size that a TCP SYN announces to what fits in a frame of `room` bytes. `partial`: the checksum is
// still open.
void clamp_segment_size(uint8_t* frame, int length, int room, bool partial);

}  // namespace weave
