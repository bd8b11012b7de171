#include "bundles.h"

#include <cstring>

#include "bytes.h"

namespace weave {

bool Handover::add(int peer, const uint8_t* datagram, int length) {
  int needed = BUNDLE_PREFIX + length;
  std::lock_guard<std::mutex> one(mutex_);
  Use& use = use_[peer];
  if (needed > BUNDLE_BYTES_MAX || use.bytes + needed > PEER_HANDED_BYTES_MAX || bytes_ + needed > HANDED_BYTES_MAX) return false;
  if (use.last == nullptr || use.last->bytes.size() + static_cast<size_t>(needed) > static_cast<size_t>(BUNDLE_BYTES_MAX)) {
    bundles_.push_back({peer, {}});
    use.last = &bundles_.back();
  }
  uint8_t prefix[BUNDLE_PREFIX];
  put_le16(prefix, static_cast<uint16_t>(length));
  std::vector<uint8_t>& bytes = use.last->bytes;
  bytes.insert(bytes.end(), prefix, prefix + BUNDLE_PREFIX);
  bytes.insert(bytes.end(), datagram, datagram + length);
  use.bytes += needed;
  bytes_ += needed;
  waiting_ = true;
  return true;
}

std::list<Bundle> Handover::take() {
  std::lock_guard<std::mutex> one(mutex_);
  std::list<Bundle> taken;
  taken.swap(bundles_);
  use_.clear();
  bytes_ = 0;
  waiting_ = told_ = false;
  return taken;
}

// Its index is soon another peer's.
void Handover::forget(int peer) {
  std::lock_guard<std::mutex> one(mutex_);
  auto found = use_.find(peer);
  if (found == use_.end()) return;
  bytes_ -= found->second.bytes;
  use_.erase(found);
  bundles_.remove_if([peer](const Bundle& bundle) { return bundle.peer == peer; });
}

bool Intake::add(int peer, const uint8_t* bundle, int length) {
  std::lock_guard<std::mutex> one(mutex_);
  if (length > BUNDLE_BYTES_MAX || bytes_ + length > INTAKE_BYTES_MAX) return false;
  auto found = queues_.find(peer);
  if (found != queues_.end() && found->second.bytes + length > PEER_INTAKE_BYTES_MAX) return false;
  Queue& queue = queues_[peer];
  queue.bundles.emplace_back(bundle, bundle + length);
  queue.bytes += length;
  bytes_ += length;
  waiting_.store(true, std::memory_order_release);
  return true;
}

int Intake::take(uint8_t* out) {
  std::lock_guard<std::mutex> one(mutex_);
  if (queues_.empty()) return 0;
  auto turn = queues_.upper_bound(last_);
  if (turn == queues_.end()) turn = queues_.begin();
  last_ = turn->first;
  Queue& queue = turn->second;
  int length = static_cast<int>(queue.bundles.front().size());
  memcpy(out, queue.bundles.front().data(), static_cast<size_t>(length));
  queue.bundles.pop_front();
  queue.bytes -= length;
  bytes_ -= length;
  if (queue.bundles.empty()) queues_.erase(turn);
  if (queues_.empty()) waiting_.store(false, std::memory_order_release);
  return length;
}

int bundle_count(const uint8_t* bundle, int length) {
  if (length == 0 || length > BUNDLE_BYTES_MAX) return -1;
  int count = 0;
  for (int at = 0; at < length; count++) {
    if (length - at < BUNDLE_PREFIX) return -1;
    int bytes = le16(bundle + at);
    if (bytes < DATAGRAM_BYTES_MIN || bytes > length - at - BUNDLE_PREFIX) return -1;
    at += BUNDLE_PREFIX + bytes;
  }
  return count;
}

}  // namespace weave
