#include "reassembly.h"

#include <cstring>

#include "bytes.h"

namespace weave {

bool parse_fragment(const uint8_t* plaintext, int length, Fragment& fragment) {
  if (length <= FRAGMENT_HEADER) return false;
  fragment.total = le16(plaintext + 2);
  fragment.offset = le16(plaintext + 4);
  fragment.id = le32(plaintext + 8);
  fragment.bytes = plaintext + FRAGMENT_HEADER;
  fragment.length = length - FRAGMENT_HEADER;
  return fragment.offset + fragment.length <= fragment.total;
}

void write_fragment_header(uint8_t* out, int total, int offset, uint32_t id) {
  out[0] = KIND_FRAGMENT;
  out[1] = 0;
  put_le16(out + 2, static_cast<uint16_t>(total));
  put_le16(out + 4, static_cast<uint16_t>(offset));
  put_le16(out + 6, 0);
  put_le32(out + 8, id);
}

void Reassembler::remove(Position position) {
  Use& use = use_[position->peer];
  use.frames--;
  use.bytes -= position->total;
  bytes_ -= position->total;
  if (use.frames == 0) use_.erase(position->peer);
  by_key_.erase(key(position->peer, position->id));
  partial_.erase(position);
}

// A peer makes room of its own first: what it sends costs others nothing until all have too much.
bool Reassembler::make_room(int peer, int total, Losses& losses) {
  auto own = use_.find(peer);
  while (own != use_.end() && (own->second.frames >= PEER_PARTIAL_FRAMES_MAX || own->second.bytes + total > PEER_PARTIAL_BYTES_MAX)) {
    auto oldest = partial_.begin();
    while (oldest != partial_.end() && oldest->peer != peer) ++oldest;
    if (oldest == partial_.end()) return false;
    remove(oldest);
    losses.full++;
    own = use_.find(peer);
  }
  while (bytes_ + total > PARTIAL_BYTES_MAX && !partial_.empty()) {
    remove(partial_.begin());
    losses.full++;
  }
  return true;
}

std::unique_ptr<uint8_t[]> Reassembler::add(int peer, const Fragment& fragment, int64_t now, int& length, Losses& losses) {
  while (!partial_.empty() && partial_.front().expires_at <= now) {
    remove(partial_.begin());
    losses.expired++;
  }
  auto found = by_key_.find(key(peer, fragment.id));
  if (found == by_key_.end()) {
    if (!make_room(peer, fragment.total, losses)) return nullptr;
    std::unique_ptr<uint8_t[]> bytes(new uint8_t[static_cast<size_t>(fragment.total)]);
    partial_.push_back({peer, fragment.id, fragment.total, 0, now + REASSEMBLY_MS, {}, std::move(bytes)});
    found = by_key_.emplace(key(peer, fragment.id), std::prev(partial_.end())).first;
    Use& use = use_[peer];
    use.frames++;
    use.bytes += fragment.total;
    bytes_ += fragment.total;
  }
  Position position = found->second;
  Partial& partial = *position;
  int from = fragment.offset, to = fragment.offset + fragment.length;
  bool sound = partial.total == fragment.total && partial.pieces.size() < static_cast<size_t>(FRAGMENTS_MAX);
  for (const Piece& piece : partial.pieces) sound = sound && (to <= piece.from || from >= piece.to);
  if (!sound) {
    remove(position);
    losses.malformed++;
    return nullptr;
  }
  memcpy(partial.bytes.get() + from, fragment.bytes, static_cast<size_t>(fragment.length));
  partial.pieces.push_back({from, to});
  partial.received += fragment.length;
  // No two overlap, so that so many bytes are all of them.
  if (partial.received < partial.total) return nullptr;
  length = partial.total;
  std::unique_ptr<uint8_t[]> whole = std::move(partial.bytes);
  remove(position);
  return whole;
}

void Reassembler::forget(int peer) {
  for (auto position = partial_.begin(); position != partial_.end();) {
    auto next = std::next(position);
    if (position->peer == peer) remove(position);
    position = next;
  }
}

}  // namespace weave
