#include "session-table.h"

#include <cstring>

#include "bytes.h"

namespace weave {

bool Endpoint::equals(const Endpoint& other) const {
  return is_set == other.is_set && port == other.port && memcmp(ip, other.ip, 16) == 0;
}

bool Endpoint::is_ipv4() const {
  static constexpr uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return memcmp(ip, MAPPED, 12) == 0;
}

Session::Session(int peer_index, uint32_t receiver, uint32_t remote, Cipher cipher, const uint8_t* send_key,
                 const uint8_t* receive_key, uint64_t first_counter)
    : peer(peer_index), receiver_index(receiver), remote_index(remote), cipher_(cipher),
      counter_limit_(cipher == Cipher::aes256gcm ? COUNTER_LIMIT_GCM : COUNTER_LIMIT), next_counter_(first_counter) {
  memcpy(send_key_, send_key, 32);
  memcpy(receive_key_, receive_key, 32);
}

Session::~Session() {
  cleanse(send_key_, 32);
  cleanse(receive_key_, 32);
}

bool Session::seal(int slot, uint8_t* datagram, int length, uint8_t datagram_class) {
  AeadKey& key = sealing_[slot];
  if (!key.ready() && !key.init(cipher_, send_key_, true)) return false;
  // Refused attempts go on counting, yet cannot carry the counter from 2^60 round to 0.
  uint64_t counter = next_counter_.fetch_add(1, std::memory_order_relaxed);
  if (counter >= counter_limit_) return false;
  put_le32(datagram, DATAGRAM_TYPE_DATA);
  datagram[CLASS_AT] = datagram_class;
  put_le32(datagram + 4, remote_index);
  put_le64(datagram + 8, counter);
  if (!key.seal(counter, datagram, DATAGRAM_HEADER, datagram + DATAGRAM_HEADER, length)) return false;
  sent_datagrams.fetch_add(1, std::memory_order_relaxed);
  sent_bytes.fetch_add(static_cast<uint64_t>(DATAGRAM_HEADER + length + DATAGRAM_TAG), std::memory_order_relaxed);
  return true;
}

bool Session::open(int slot, uint64_t counter, uint8_t* datagram, int length) {
  AeadKey& key = opening_[slot];
  if (!key.ready() && !key.init(cipher_, receive_key_, false)) return false;
  return key.open(counter, datagram, DATAGRAM_HEADER, datagram + DATAGRAM_HEADER,
                  length - DATAGRAM_HEADER - DATAGRAM_TAG);
}

void SessionTable::set_peer(int index, const uint8_t short_id[8]) {
  if (static_cast<int>(peers_.size()) <= index) peers_.resize(static_cast<size_t>(index) + 1);
  auto& slot = peers_[static_cast<size_t>(index)];
  if (!slot) {
    slot = std::make_unique<Peer>();
    slot->index = index;
  } else {
    auto found = by_short_id_.find(le64(slot->short_id));
    if (found != by_short_id_.end() && found->second == index) by_short_id_.erase(found);
  }
  memcpy(slot->short_id, short_id, 8);
  by_short_id_[le64(short_id)] = index;
}

void SessionTable::remove_peer(int index) {
  Peer* gone = peer(index);
  if (gone == nullptr) return;
  for (auto entry = sessions_.begin(); entry != sessions_.end();) {
    entry = entry->second->peer == index ? sessions_.erase(entry) : std::next(entry);
  }
  auto found = by_short_id_.find(le64(gone->short_id));
  if (found != by_short_id_.end() && found->second == index) by_short_id_.erase(found);
  peers_[static_cast<size_t>(index)].reset();
}

int SessionTable::index_of(const uint8_t short_id[8]) const {
  auto found = by_short_id_.find(le64(short_id));
  return found == by_short_id_.end() ? -1 : found->second;
}

const char* SessionTable::add_session(std::unique_ptr<Session> session) {
  if (peer(session->peer) == nullptr) return "the session's peer does not exist";
  if (sessions_.size() >= static_cast<size_t>(ENGINE_SESSIONS_MAX)) return "too many sessions";
  uint32_t index = session->receiver_index;
  if (!sessions_.emplace(index, std::move(session)).second) return "the receiver index is taken by another session";
  return nullptr;
}

void SessionTable::remove_session(uint32_t receiver_index) {
  auto found = sessions_.find(receiver_index);
  if (found == sessions_.end()) return;
  Peer* owner = peer(found->second->peer);
  if (owner != nullptr && owner->sealing == found->second.get()) owner->sealing = nullptr;
  sessions_.erase(found);
}

}  // namespace weave
