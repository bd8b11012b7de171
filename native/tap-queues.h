// The kernel keeps the frames that wait in a TAP in several queues, each with some of the flows: whose turn it is to be read, and
// which flows are sparse.
#pragma once
#include <atomic>
#include <cstdint>

#include "constants.h"
#include "parse.h"

namespace weave {

// Sparse is what sends little (RFC 8290 §1.3): a token bucket tells. Once that is empty nothing may come for a while, so that what was sent
// before has arrived when a flow becomes sparse again.
class SparseMeter {
 public:
  bool is_sparse() const { return sparse_; }
  // Before a reading. Microseconds.
  void advance(int64_t now) {
    int64_t rest = waiting_ ? 0 : now - at_;
    at_ = now;
    if (rest >= SPARSE_AGAIN_US) sparse_ = true, tokens_ = SPARSE_BURST_BYTES;
    int64_t earned = rest * SPARSE_BYTES_PER_MS / 1000;
    tokens_ = earned < SPARSE_BURST_BYTES - tokens_ ? tokens_ + earned : SPARSE_BURST_BYTES;
  }
  // True while it is sparse with so much more, in so many datagrams.
  bool charge(int bytes, int datagrams) {
    if (bytes < datagrams * SPARSE_DATAGRAM_BYTES) bytes = datagrams * SPARSE_DATAGRAM_BYTES;
    if (bytes > tokens_) sparse_ = false;
    if (sparse_) tokens_ -= bytes;
    return sparse_;
  }
  // What was left waiting is not over.
  void set_waiting(bool waiting) { waiting_ = waiting; }

 private:
  int64_t at_ = 0, tokens_ = SPARSE_BURST_BYTES;
  bool sparse_ = true, waiting_ = false;
};

// Of one lane.
class TapTurns {
 public:
  // Writes those that are `ready` (a bit each) to `queues`: first the sparse ones, then the others, each when its turn comes. Returns how many
  // they are. `now`: microseconds.
  int order(unsigned ready, int64_t now, uint8_t queues[TAP_QUEUES]);
  // A frame was read, which becomes so many datagrams; true when its queue is sparse.
  bool charge(int queue, int bytes, int datagrams) { return meter_[queue].charge(bytes, datagrams); }
  // Whether more may wait there after a reading.
  void set_waiting(int queue, bool waiting) { meter_[queue].set_waiting(waiting); }
  // There was no room for it in this reading: it comes first among the others.
  void skip(int queue) { turn_ = static_cast<unsigned>(queue); }

 private:
  SparseMeter meter_[TAP_QUEUES];
  unsigned turn_ = 0;
};

// The queues of flows. What is written to one the kernel answers there (tun_flow_update of drivers/net/tun.c), for three seconds; else it
// places a flow by a hash of its own. A flow whose queue changed could overtake itself, so answers are written where its frames were read. Of all lanes.
class FlowQueues {
 public:
  void note(uint32_t flow, int queue);
  // Which of `count` a frame is written to.
  unsigned choose(uint32_t flow, unsigned count) const;

 private:
  // Of a flow: the hash without its lowest bits, in which the queue is, and a bit that says that it is there.
  std::atomic<uint32_t> known_[KNOWN_FLOWS_MAX] = {};
};

// The same in both directions. Ports count where the kernel counts them, so that what it takes for one flow has one: but for ESP, AH and what is in
// tunnels, which it tells apart further, and IPv6 with flow labels on kernels that looked at no ports then. 0: no IP; they are one flow.
uint32_t flow_hash(const uint8_t* frame, const FrameShape& shape, int length);

}  // namespace weave
