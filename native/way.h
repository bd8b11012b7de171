// The way of a broadcast: in preorder, the part of the source's tree below whoever gets the copy (lib/wire/datagram.ts).
#pragma once
#include <cstdint>

#include "constants.h"
#include "session-table.h"

namespace weave {

// What one copy says of its way: from `ways` of a lane (frames of the TAP), or from the frame that is passed on.
struct Way {
  int below = 0;                     // entries
  bool passes_only = false;          // the peer that the copy is for
  const int32_t* own = nullptr;      // the entries: numbers of the lane …
  const uint8_t* given = nullptr;    // … or bytes of the frame
  const uint8_t* header = nullptr;   // of the frame that is passed on …
  const uint8_t* tag = nullptr;      // … and the tag of the peer that the copy is for
  int bytes() const { return below * WAY_ENTRY; }
};

// Checks the entries of a copy that came: that they make sense as far as this peer has to read them, and that no child of
// it comes twice. Writes over the short id of each child the index it is known by, or -1. False: they do not.
bool resolve_children(const SessionTable& table, uint8_t* entries, int count);

// Writes the entries below the peer that the way is for. `digest`: of a frame from the TAP, which the tags are for.
void write_entries(const SessionTable& table, const Way& way, const uint8_t digest[16], uint8_t* out);

}  // namespace weave
