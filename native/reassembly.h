// Puts frames together again that came in pieces (datagram kind `fragment`), within bounds of number, bytes and time.
#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "constants.h"

namespace weave {

// What a piece says of itself: | kind | rsvd | total u16 | offset u16 | rsvd u16 | id u32 | bytes … |
struct Fragment {
  int total = 0, offset = 0, length = 0;
  uint32_t id = 0;
  const uint8_t* bytes = nullptr;
};

// False when the plaintext is no fragment that makes sense.
bool parse_fragment(const uint8_t* plaintext, int length, Fragment& fragment);
void write_fragment_header(uint8_t* out, int total, int offset, uint32_t id);

// Not safe for several threads at once: the engine has one lock for it.
class Reassembler {
 public:
  // How many frames were given up in an `add`, by cause.
  struct Losses {
    int expired = 0;     // a piece did not come in time
    int full = 0;        // to make room
    int malformed = 0;   // pieces that overlap, or contradict each other
  };
  // The whole frame when this was its last piece: `length` bytes, else null. `now` in milliseconds.
  std::unique_ptr<uint8_t[]> add(int peer, const Fragment& fragment, int64_t now, int& length, Losses& losses);
  void forget(int peer);
  int frames() const { return static_cast<int>(partial_.size()); }
  int bytes() const { return bytes_; }

 private:
  struct Piece { int from, to; };
  struct Partial {
    int peer;
    uint32_t id;
    int total, received;
    int64_t expires_at;
    std::vector<Piece> pieces;
    std::unique_ptr<uint8_t[]> bytes;
  };
  struct Use { int frames = 0, bytes = 0; };
  using Position = std::list<Partial>::iterator;

  static uint64_t key(int peer, uint32_t id) { return static_cast<uint64_t>(static_cast<uint32_t>(peer)) << 32 | id; }
  void remove(Position position);
  bool make_room(int peer, int total, Losses& losses);

  std::list<Partial> partial_;  // the oldest first
  std::unordered_map<uint64_t, Position> by_key_;
  std::unordered_map<int, Use> use_;
  int bytes_ = 0;
};

}  // namespace weave
