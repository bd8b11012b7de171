// Cuts a TCP or UDP super-frame into frames that fit the path (what TSO and USO hardware does).
#pragma once
#include <cstdint>

#include "constants.h"
#include "parse.h"

namespace weave {

// The layers of a super-frame, checked; the payload starts at `header`.
struct SegmentPlan {
  int l3 = 0, l4 = 0, header = 0;
  int version = 0;
  bool tcp = false;
  int payload = 0;   // bytes behind the headers
  int size = 0;      // payload bytes per segment, the last may be shorter
  int count = 0;
  uint32_t pseudo_sum = 0;  // addresses and protocol
  uint32_t ip_sum = 0;      // IPv4 header without length, id and checksum
};

// What a frame with GSO flags must be; false when the headers do not agree with the flags and the checksum start.
bool describe_segments(const uint8_t* frame, int length, int flags, int checksum_start, int checksum_offset,
                       const FrameShape& shape, SegmentPlan& plan);

// Sets how many payload bytes a segment carries. `size` is positive.
void set_segment_size(SegmentPlan& plan, int size);

// Writes segment `index` to `out` (headers corrected for its length, checksum partial); returns its length.
int write_segment(const SegmentPlan& plan, const uint8_t* frame, int index, uint8_t* out);

// The longest frame that a datagram of so many bytes holds behind a frame's header.
constexpr int room_of(int payload_max, int prefix) { return payload_max - DATAGRAM_HEADER - DATAGRAM_TAG - prefix; }

// Corrects IP length, IPv4 header checksum, UDP length and the partial transport checksum of a frame of `length` bytes.
void fix_lengths(const SegmentPlan& plan, uint8_t* frame, int length);

}  // namespace weave
