// Seals plaintext into datagrams and sends them in trains, one system call for a batch. Used by one thread at a time, with
// the engine's lock held for reading.
#pragma once
#include <sys/socket.h>

#include <memory>

#include "engine.h"

namespace weave {

// How datagrams reach a peer: straight, or sealed once more in the session of a relay; over the socket or a control link.
struct Route {
  Session* session = nullptr;  // end to end
  Session* relay = nullptr;    // of the next hop, when that is another peer
  Endpoint endpoint;
  int hop = -1;                // peer index of the next hop
  int payload_max = 0;         // bytes of the innermost datagram
  bool is_found = false;       // that is all that the path carries
  bool trains = true;          // of datagrams to the next hop
  bool joins = false;          // datagrams of one flow may go in one
  uint8_t datagram_class = CLASS_BULK;
  bool by_link = false;        // to the next hop: the main thread has to send them
  uint8_t destination[8] = {};
};

class Sender {
 public:
  Sender(Engine& engine, int slot);

  // False, with the drop counted, when the peer cannot be reached now.
  bool route_to(int peer, Route& route);
  // Room for `length` plaintext bytes behind a datagram header: write them, then `commit`.
  uint8_t* begin(const Route& route, int length);
  // Seals what `begin` gave and queues it. False (counted) when a counter has come to its end.
  bool commit(const Route& route, int length);
  // Queues a datagram as it is; gives where it lies until `flush`. The route must lead over the socket.
  uint8_t* put(const Route& hop, const uint8_t* datagram, int length);
  // Seals an already sealed datagram into `session` as `relayed` for another hop.
  bool relay(const Route& hop, const uint8_t* plaintext, int length, uint8_t hop_limit);
  // Sends what is queued; returns how many datagrams the kernel took since the last call of `taken`.
  void flush();
  int taken();
  void add(int counter, uint64_t by = 1) { engine_.counters[slot_].add(counter, by); }
  void drop(int reason, uint64_t datagrams = 1) { add(reason, datagrams); }

 private:
  struct Piece { uint8_t* data; int length; int next; };
  struct Train { Endpoint endpoint; int size; int count; int bytes; bool open; int first, last; };

  void queue(const Route& hop, uint8_t* data, int length);
  // Sealed, at the end of what is used.
  void leave(const Route& hop, uint8_t* data, int length);
  void transmit(int trains);
  // The datagrams of the train from piece `from` on.
  void send_singly(const Train& train, int from);
  void failed(const Train& train, int error);
  void sent(int datagrams, int bytes);

  Engine& engine_;
  const int slot_;
  std::unique_ptr<uint8_t[]> out_;
  int used_ = 0, taken_ = 0;
  int trains_ = 0, pieces_ = 0;
  Train train_[TRAINS_MAX];
  Piece piece_[DATAGRAMS_MAX];
  mmsghdr message_[TRAINS_MAX];
  sockaddr_in6 address_[TRAINS_MAX];
  iovec part_[DATAGRAMS_MAX];
  struct Control { alignas(cmsghdr) uint8_t bytes[CMSG_SPACE(2)]; };
  Control control_[TRAINS_MAX];
};

}  // namespace weave
