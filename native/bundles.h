// Datagrams that go over a control link (TCP) in place of the socket, several in one bundle: | length u16 | datagram | …
// Lanes hand them to the main thread, and take from it what came over links.
#pragma once
#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "constants.h"

namespace weave {

struct Bundle {
  int peer = -1;
  std::vector<uint8_t> bytes;
};

// From the lanes to the main thread, within bounds for each peer and for all.
class Handover {
 public:
  // False when there is no room.
  bool add(int peer, const uint8_t* datagram, int length);
  // True once for all that waits, until it is taken: the main thread has to be told.
  bool tell() { return waiting_.load(std::memory_order_relaxed) && !told_.exchange(true); }
  // What `tell` would say.
  bool is_untold() const { return waiting_.load(std::memory_order_relaxed) && !told_.load(std::memory_order_relaxed); }
  std::list<Bundle> take();
  void forget(int peer);

 private:
  struct Use { int bytes = 0; Bundle* last = nullptr; };
  std::mutex mutex_;
  std::list<Bundle> bundles_;  // the oldest first
  std::unordered_map<int, Use> use_;
  int bytes_ = 0;
  std::atomic<bool> waiting_{false}, told_{false};
};

// From the main thread to the lane that reads the socket, within bounds for each neighbour and for all.
class Intake {
 public:
  // False when there is no room.
  bool add(int peer, const uint8_t* bundle, int length);
  bool waits() const { return waiting_.load(std::memory_order_acquire); }
  // Copies the oldest bundle of the neighbour whose turn it is; its length, 0 when there is none.
  int take(uint8_t* out);

 private:
  struct Queue { std::list<std::vector<uint8_t>> bundles; int bytes = 0; };
  std::mutex mutex_;
  std::map<int, Queue> queues_;  // of those that have something
  int last_ = -1;                // whose turn was
  int bytes_ = 0;
  std::atomic<bool> waiting_{false};
};

// How many datagrams a bundle holds, at least one; -1 when it is none, as `bundleCount` of lib/wire/datagram-bundle.ts.
int bundle_count(const uint8_t* bundle, int length);

}  // namespace weave
