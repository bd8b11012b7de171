// Peers and their sessions. Changed under the engine's lock held for writing, read by lanes under the lock held for reading.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "aead.h"
#include "constants.h"
#include "origin.h"
#include "replay-window.h"

namespace weave {

// An address as 16 bytes (IPv4 is written IPv4-mapped) and a port.
struct Endpoint {
  uint8_t ip[16] = {};
  uint16_t port = 0;
  bool is_set = false;

  bool equals(const Endpoint& other) const;
  bool is_ipv4() const;
};

class Session {
 public:
  Session(int peer, uint32_t receiver_index, uint32_t remote_index, Cipher cipher, const uint8_t* send_key,
          const uint8_t* receive_key, uint64_t first_counter);
  ~Session();

  // Writes the header of the next datagram at `datagram` and seals the `length` plaintext bytes behind it in place. False
  // when the counter has come to its hard stop.
  bool seal(int slot, uint8_t* datagram, int length, uint8_t datagram_class = CLASS_BULK);
  // Opens the datagram in place. `length` is that of the whole datagram.
  bool open(int slot, uint64_t counter, uint8_t* datagram, int length);
  bool exhausted() const { return next_counter_.load(std::memory_order_relaxed) >= counter_limit_; }

  const int peer;
  const uint32_t receiver_index, remote_index;
  SessionWindow replay;
  alignas(64) std::atomic<uint64_t> sent_datagrams{0};
  std::atomic<uint64_t> sent_bytes{0};
  alignas(64) std::atomic<uint64_t> received_datagrams{0};
  std::atomic<uint64_t> received_bytes{0};

  uint64_t counter_limit() const { return counter_limit_; }

 private:
  const Cipher cipher_;
  const uint64_t counter_limit_;
  uint8_t send_key_[32], receive_key_[32];
  alignas(64) std::atomic<uint64_t> next_counter_;
  // One cipher context per lane, made by that lane when it first needs it.
  AeadKey sealing_[LANES_MAX], opening_[LANES_MAX];
};

struct Peer {
  int index = -1;
  uint8_t short_id[8] = {};
  Session* sealing = nullptr;
  Endpoint endpoint;
  int path_bytes = PATH_BYTES_DEFAULT;
  bool path_found = false;  // that is what the path carries: senders are told of it
  bool trains = true;       // several datagrams may leave as one packet of the kernel
  bool joins = false;       // takes several datagrams of a flow in one of ours
  int via = -1;             // a relay, VIA_LINK, or -1
  int spare = -1;           // the relay for what comes from `via` itself, or -1
  std::unique_ptr<OriginKeys> origin;  // null while its start number is not known

  // Whether datagrams reach it without a relay.
  bool has_way() const { return via == VIA_LINK || endpoint.is_set; }
};

class SessionTable {
 public:
  void set_peer(int index, const uint8_t short_id[8]);
  void remove_peer(int index);
  Peer* peer(int index) const {
    return index >= 0 && index < static_cast<int>(peers_.size()) ? peers_[static_cast<size_t>(index)].get() : nullptr;
  }
  // -1 when no peer has this short id.
  int index_of(const uint8_t short_id[8]) const;
  // Null, or why not.
  const char* add_session(std::unique_ptr<Session> session);
  void remove_session(uint32_t receiver_index);
  Session* session(uint32_t receiver_index) const {
    auto found = sessions_.find(receiver_index);
    return found == sessions_.end() ? nullptr : found->second.get();
  }

 private:
  std::vector<std::unique_ptr<Peer>> peers_;
  std::unordered_map<uint64_t, int> by_short_id_;
  std::unordered_map<uint32_t, std::unique_ptr<Session>> sessions_;
};

}  // namespace weave
