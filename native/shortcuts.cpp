#include "shortcuts.h"

#include <cstring>

namespace weave {
namespace {

static_assert((SHORTCUTS_MAX & (SHORTCUTS_MAX - 1)) == 0, "a power of two");

// All that decides what becomes of a plain frame from one address to another.
void key_of(const int32_t* row, int32_t key[Shortcut::KEYS]) {
  key[0] = row[ROW_FROM_PEER];
  memcpy(key + 1, row + ROW_DESTINATION_HIGH, 5 * sizeof(int32_t));  // to ROW_ETHER_TYPE
  key[6] = row[ROW_SOURCE_IPV4];
  memcpy(key + 7, row + ROW_SOURCE_IPV6, 3 * sizeof(int32_t));
}
static_assert(ROW_ETHER_TYPE - ROW_DESTINATION_HIGH == 4 && ROW_COLUMNS - ROW_SOURCE_IPV6 == 3, "columns of a key");

size_t place_of(const int32_t key[Shortcut::KEYS]) {
  uint32_t hash = 0;
  for (int i = 0; i < Shortcut::KEYS; i++) hash = (hash ^ static_cast<uint32_t>(key[i])) * 0x9e3779b1u;
  return (hash >> 16) & (SHORTCUTS_MAX - 1);
}

// What is looked at frame by frame has no shortcut: what claims something, came from elsewhere than before, or is flooded.
bool is_plain(const int32_t* row) {
  constexpr int HARMLESS = FLAG_WIRE_MASK | FLAG_RELAYED | FLAG_EXPEDITED, GROUP_BIT = 0x100;
  return row[ROW_KIND] == KIND_FRAME && (row[ROW_FLAGS] & ~HARMLESS) == 0 && (row[ROW_DESTINATION_HIGH] & GROUP_BIT) == 0;
}

}  // namespace

void Shortcuts::watch(const int32_t* words, size_t count) {
  clear();
  words_ = words;
  count_ = count;
}

void Shortcuts::clear() {
  if (latest_ == 0) return;
  for (Shortcut& place : place_) place.until = 0;
  latest_ = 0;
}

void Shortcuts::add(const int32_t* row, int peer, const Witness witness[2], int64_t until, int64_t large_until) {
  if (!is_plain(row)) return;
  Shortcut fresh;
  key_of(row, fresh.key);
  fresh.peer = peer;
  fresh.witness[0] = witness[0];
  fresh.witness[1] = witness[1];
  fresh.until = until;
  fresh.large_until = large_until;
  Shortcut& place = place_[place_of(fresh.key)];
  bool is_same = place.until > 0 && place.peer == peer && memcmp(place.key, fresh.key, sizeof fresh.key) == 0;
  if (is_same && place.large_until > large_until) fresh.large_until = place.large_until;
  place = fresh;
  if (until > latest_) latest_ = until;
}

bool Shortcuts::holds(const Witness& witness) const {
  if (witness.at < 0) return true;
  size_t at = static_cast<size_t>(witness.at);
  return at < count_ && __atomic_load_n(words_ + at, __ATOMIC_ACQUIRE) == witness.value;
}

const Shortcut* Shortcuts::find(const int32_t* row, int64_t now) const {
  if (!is_plain(row)) return nullptr;
  int32_t key[Shortcut::KEYS];
  key_of(row, key);
  const Shortcut& place = place_[place_of(key)];
  if (now >= place.until || memcmp(place.key, key, sizeof key) != 0) return nullptr;
  return holds(place.witness[0]) && holds(place.witness[1]) ? &place : nullptr;
}

}  // namespace weave
