// Joins consecutive segments of one flow into super-frames (what GRO does), for one batch of what is written to the TAP, or of
// what leaves for peers.
#pragma once
#include <cstdint>

#include "constants.h"
#include "segment.h"

namespace weave {

// A frame that came in, as a row tells it. `frame` stays valid and may be written to until the batch is written.
struct Delivery {
  uint8_t* frame = nullptr;
  int length = 0, flags = 0, gso_size = 0, checksum_start = 0, checksum_offset = 0;
  int send = -1, peer = -1;  // of one that leaves: which of the sends it is, and to whom
};

// One write to the TAP, or what leaves together: a whole first frame, then the payloads of further segments.
struct SuperFrame {
  Delivery first;
  SegmentPlan plan;
  bool is_flow = false;    // a segment that could be joined with others; `plan` is valid
  bool is_open = false;    // more may follow
  int length = 0;          // of the joined frame
  int segments = 0;
  uint32_t next_sequence = 0;
  int chain = -1, chain_end = -1;  // further segments
};

struct ChainLink {
  uint8_t* payload;
  int length;
  int next;
};

class Coalescer {
 public:
  void begin() { frames_ = links_ = open_ = 0; }
  // False when the frame does not match its flags: it must not reach a kernel.
  bool add(const Delivery& delivery, bool join_tcp, bool join_udp);
  // Corrects the headers of a joined frame, and writes its vnet header to `vnet`.
  void finish(SuperFrame& frame, uint8_t vnet[VNET_HEADER]) const;
  // One that is not joined with others, and that no later segment of its flow overtakes.
  void add_alone(const Delivery& delivery);
  int count() const { return frames_; }
  // Of either kind of place.
  bool is_full() const { return frames_ + links_ >= ROWS_MAX; }
  SuperFrame& at(int index) { return frame_[index]; }
  const ChainLink& link(int index) const { return link_[index]; }

 private:
  SuperFrame* flow_of(const SegmentPlan& plan, const uint8_t* frame);
  bool append(SuperFrame& into, const SegmentPlan& plan, const Delivery& delivery);
  bool begin_flow(SuperFrame& fresh, const Delivery& delivery, const FrameShape& shape, bool join_tcp, bool join_udp);
  void close_transport(const FrameShape& shape, const uint8_t* frame, int length);

  SuperFrame& begin_frame(const Delivery& delivery);

  int frames_ = 0, links_ = 0, open_ = 0;
  SuperFrame frame_[ROWS_MAX];
  ChainLink link_[ROWS_MAX];
  int open_list_[FLOWS_MAX];  // newest last
};

}  // namespace weave
