// The kernel keeps the frames that wait in a TAP in several queues, each with some of the flows: whose turn it is to be read, and
// which flows are sparse.
#pragma once
#include <cstdint>

#include "constants.h"

namespace weave {

// Sparse is what sends little (RFC 8290 §1.3): a token bucket tells. Once that is empty it has to fill up again, so that what was sent
// before has arrived when a flow becomes sparse.
class SparseMeter {
 public:
  bool is_sparse(int64_t now) {
    // What was left waiting is not over.
    int64_t earned = behind_ ? 0 : (now - at_) * SPARSE_BYTES_PER_MS;
    at_ = now;
    tokens_ = earned < SPARSE_BURST_BYTES - tokens_ ? tokens_ + earned : SPARSE_BURST_BYTES;
    if (tokens_ == SPARSE_BURST_BYTES) sparse_ = true;
    return sparse_;
  }
  void take(int bytes) {
    tokens_ = bytes < tokens_ ? tokens_ - bytes : 0;
    if (tokens_ == 0) sparse_ = false;
  }
  void leave(bool waiting) { behind_ = waiting; }

 private:
  int64_t at_ = 0, tokens_ = SPARSE_BURST_BYTES;
  bool sparse_ = true, behind_ = false;
};

// Of one lane.
class TapTurns {
 public:
  // Writes those that are `ready` (a bit each) to `queues`: first the sparse ones, then the others, each when its turn comes. Returns how many
  // they are. Sets `sparse`: how many of them are.
  int order(unsigned ready, int64_t now, uint8_t queues[TAP_QUEUES], int& sparse);
  void took(int queue, int bytes) { meter_[queue].take(bytes); }
  // After a reading: whether frames may wait there still.
  void left(int queue, bool waiting) { meter_[queue].leave(waiting); }
  // It was left out, so it comes first among the others.
  void left_out(int queue) { turn_ = static_cast<unsigned>(queue); }

 private:
  SparseMeter meter_[TAP_QUEUES];
  unsigned turn_ = 0;
};

// Which of `count` queues a frame is written to. That is where the kernel then puts what comes the other way in the same flow
// (tun_flow_update of drivers/net/tun.c); a flow in one direction only it places by a hash of its own.
unsigned queue_of(const uint8_t* frame, int length, unsigned count);

}  // namespace weave
