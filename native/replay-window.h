// Sliding window over received counters (RFC 6479), of whose words one is always being cleared.
#pragma once
#include <cstdint>
#include <mutex>

namespace weave {

template <uint64_t BITS>
class ReplayWindow {
 public:
  static constexpr uint64_t WORDS = BITS / 64, SIZE = (WORDS - 1) * 64;

  // Whether the counter is worth the work of opening. Decides nothing: only `accept` does.
  bool is_fresh(uint64_t counter) {
    std::lock_guard<std::mutex> guard(mutex_);
    return fresh(counter);
  }

  // Records the counter of a datagram that has been authenticated; false when another lane was first.
  bool accept(uint64_t counter) {
    std::lock_guard<std::mutex> guard(mutex_);
    if (!fresh(counter)) return false;
    uint64_t word = counter >> 6, present = last_ >> 6;
    if (counter > last_) {
      uint64_t steps = word - present < WORDS ? word - present : WORDS;
      for (uint64_t i = 1; i <= steps; i++) bits_[(present + i) % WORDS] = 0;
      last_ = counter;
    }
    bits_[word % WORDS] |= 1ull << (counter & 63);
    return true;
  }

 private:
  bool fresh(uint64_t counter) const {
    if (counter > last_) return true;
    if (last_ - counter > SIZE) return false;
    return (bits_[(counter >> 6) % WORDS] & (1ull << (counter & 63))) == 0;
  }

  std::mutex mutex_;
  uint64_t last_ = 0;
  uint64_t bits_[WORDS] = {};
};

// Expedited datagrams are read ahead of bulk: as many counters lie between the two as the bulk socket holds datagrams, and
// some thousand small ones fit.
using SessionWindow = ReplayWindow<32768>;
using OriginWindow = ReplayWindow<8192>;

}  // namespace weave
