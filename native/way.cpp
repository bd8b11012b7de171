#include "way.h"

#include <cstring>

#include "bytes.h"

namespace weave {

bool resolve_children(const SessionTable& table, uint8_t* entries, int count) {
  uint8_t before[8];
  for (int at = 0; at < count;) {
    uint8_t* entry = entries + static_cast<size_t>(at) * WAY_ENTRY;
    int below = le16(entry) & ~PASSES_ONLY;
    if (below >= count - at) return false;
    if (at > 0 && memcmp(before, entry + WAY_CHILD_AT, 8) >= 0) return false;
    memcpy(before, entry + WAY_CHILD_AT, 8);
    put_le32(entry + WAY_CHILD_AT, static_cast<uint32_t>(table.index_of(before)));
    at += 1 + below;
  }
  return true;
}

void write_entries(const SessionTable& table, const Way& way, const uint8_t digest[16], uint8_t* out) {
  if (way.own == nullptr) {
    if (way.below > 0) memcpy(out, way.given, static_cast<size_t>(way.bytes()));
    return;
  }
  static constexpr uint8_t NOBODY[8] = {};
  for (int i = 0; i < way.below; i++, out += WAY_ENTRY) {
    const Peer* peer = table.peer(way.own[i * WAYS_COLUMNS]);
    put_le16(out, static_cast<uint16_t>(way.own[i * WAYS_COLUMNS + 1]));
    memcpy(out + WAY_CHILD_AT, peer != nullptr ? peer->short_id : NOBODY, 8);
    put_le64(out + WAY_TAG_AT, peer != nullptr && peer->origin != nullptr ? peer->origin->tag(digest) : 0);
  }
}

}  // namespace weave
