// Who began a broadcast, proved by a tag for each receiver (docs/protocol.md §9.3).
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>

#include "constants.h"
#include "replay-window.h"

namespace weave {

// Resolves SHA-256 and tries it and SipHash on known answers, once per process. Null, or what is wrong.
const char* origin_load();

// The first 16 bytes of a SHA-256 of what a tag is for: the first ORIGIN_BYTES of a broadcast's header and the frame. Used
// by one thread at a time.
class OriginDigest {
 public:
  OriginDigest();
  ~OriginDigest();
  OriginDigest(const OriginDigest&) = delete;
  OriginDigest& operator=(const OriginDigest&) = delete;
  // The byte of the header that differs from copy to copy counts as 0. False when OpenSSL fails.
  bool of(const uint8_t* header, const uint8_t* frame, int length, uint8_t digest[16]);

 private:
  void* context_;
};

// The two keys with one peer, and what was taken from it that others passed on.
class OriginKeys {
 public:
  OriginKeys(const uint8_t to[16], const uint8_t from[16]);
  ~OriginKeys();
  // Of a frame of this peer for that one.
  uint64_t tag(const uint8_t digest[16]) const;
  // Of a frame of that peer: whether it could be new, is genuine, and was new.
  bool is_fresh(uint64_t sequence);
  bool is_genuine(const uint8_t digest[16], uint64_t tag) const;
  bool accept(uint64_t sequence);

 private:
  uint8_t to_[16], from_[16];
  std::mutex mutex_;
  std::unique_ptr<OriginWindow> windows_[LANES_MAX];  // of the lanes of that peer, by the highest bits of a sequence
};

}  // namespace weave
