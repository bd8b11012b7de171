// What the switch (lib/overlay/forwarder.ts) decided of frames just before. The lane does the same with the next ones like them by
// itself: a thread that slept has forgotten its JavaScript, and who waits for the frame waits for that.
#pragma once
#include <cstddef>
#include <cstdint>

#include "constants.h"

namespace weave {

// A word of the table that the switch decided by, and what it was.
struct Witness {
  int at = -1;  // -1: none
  int32_t value = 0;
};

struct Shortcut {
  static constexpr int KEYS = 10;
  int32_t key[KEYS];        // columns of the row that it is of
  int peer = -1;            // who gets the frames; -1: the TAP
  Witness witness[2];
  int64_t until = 0;        // milliseconds of the monotonic clock
  int64_t large_until = 0;  // nobody needs to be told of large frames before
};

class Shortcuts {
 public:
  // The table, which other threads write to.
  void watch(const int32_t* words, size_t count);
  // For frames like that of the row. Not for all kinds: the next one is given to the switch then.
  void add(const int32_t* row, int peer, const Witness witness[2], int64_t until, int64_t large_until);
  void clear();
  // Whether `find` could find any.
  bool any(int64_t now) const { return now < latest_; }
  // Null when there is none, or when it does not hold any more.
  const Shortcut* find(const int32_t* row, int64_t now) const;

 private:
  bool holds(const Witness& witness) const;

  Shortcut place_[SHORTCUTS_MAX];
  const int32_t* words_ = nullptr;
  size_t count_ = 0;
  int64_t latest_ = 0;  // when the last of them ends
};

}  // namespace weave
