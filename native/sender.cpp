#include "sender.h"

#include <cerrno>
#include <cstring>

#include "bytes.h"

namespace weave {
namespace {

constexpr int RELAY_PREFIX = DATAGRAM_HEADER + RELAYED_HEADER;
constexpr int SOFT_ERRORS_MAX = 4;  // stale errors of earlier datagrams that one send call may report

}  // namespace

Sender::Sender(Engine& engine, int slot) : engine_(engine), slot_(slot), out_(new uint8_t[OUT_BYTES]) {
  memset(message_, 0, sizeof message_);
  memset(control_, 0, sizeof control_);
}

bool Sender::route_to(int index, Route& route) {
  const SessionTable& table = engine_.table;
  const Peer* peer = table.peer(index);
  if (peer == nullptr) return drop(DROP_NO_PEER), false;
  if (peer->sealing == nullptr) return drop(DROP_NO_SESSION), false;
  const Peer* hop = peer;
  route.session = peer->sealing;
  route.relay = nullptr;
  route.payload_max = peer->path_bytes;
  route.is_found = peer->path_found;
  route.joins = peer->joins;
  memcpy(route.destination, peer->short_id, 8);
  if (peer->via >= 0) {
    // A relay is itself reached directly: one wrapping is all there ever is.
    hop = table.peer(peer->via);
    if (hop == nullptr || hop == peer || hop->via >= 0) return drop(DROP_NO_PATH), false;
    if (hop->sealing == nullptr) return drop(DROP_NO_SESSION), false;
    route.relay = hop->sealing;
    int most = hop->path_bytes - RELAY_OVERHEAD;
    if (route.payload_max > most) {
      route.payload_max = most;
      route.is_found = hop->path_found;
    }
  }
  if (!hop->has_way()) return drop(DROP_NO_PATH), false;
  route.by_link = hop->via == VIA_LINK;
  route.endpoint = hop->endpoint;
  route.hop = hop->index;
  route.trains = hop->trains;
  return true;
}

uint8_t* Sender::begin(const Route& route, int length) {
  int total = DATAGRAM_HEADER + length + DATAGRAM_TAG + (route.relay != nullptr ? RELAY_OVERHEAD : 0);
  if (used_ + total > OUT_BYTES || trains_ == TRAINS_MAX || pieces_ == DATAGRAMS_MAX) flush();
  return out_.get() + used_ + (route.relay != nullptr ? RELAY_PREFIX : 0) + DATAGRAM_HEADER;
}

bool Sender::commit(const Route& route, int length) {
  uint8_t* start = out_.get() + used_;
  uint8_t* inner = start + (route.relay != nullptr ? RELAY_PREFIX : 0);
  if (!route.session->seal(slot_, inner, length, route.datagram_class)) return drop(DROP_COUNTER_EXHAUSTED), false;
  int total = DATAGRAM_HEADER + length + DATAGRAM_TAG;
  if (route.relay != nullptr) {
    uint8_t* header = start + DATAGRAM_HEADER;
    header[0] = KIND_RELAYED;
    header[1] = HOP_LIMIT;
    memset(header + 2, 0, 6);
    memcpy(header + 8, engine_.self, 8);
    memcpy(header + 16, route.destination, 8);
    if (!route.relay->seal(slot_, start, RELAYED_HEADER + total, route.datagram_class)) return drop(DROP_COUNTER_EXHAUSTED), false;
    total += RELAY_OVERHEAD;
  }
  leave(route, start, total);
  return true;
}

uint8_t* Sender::put(const Route& hop, const uint8_t* datagram, int length) {
  if (used_ + length > OUT_BYTES || trains_ == TRAINS_MAX || pieces_ == DATAGRAMS_MAX) flush();
  uint8_t* start = out_.get() + used_;
  memcpy(start, datagram, static_cast<size_t>(length));
  leave(hop, start, length);
  return start;
}

bool Sender::relay(const Route& hop, const uint8_t* plaintext, int length, uint8_t hop_limit) {
  Session* session = hop.relay != nullptr ? hop.relay : hop.session;
  int total = DATAGRAM_HEADER + length + DATAGRAM_TAG;
  if (used_ + total > OUT_BYTES || trains_ == TRAINS_MAX || pieces_ == DATAGRAMS_MAX) flush();
  uint8_t* start = out_.get() + used_;
  memcpy(start + DATAGRAM_HEADER, plaintext, static_cast<size_t>(length));
  start[DATAGRAM_HEADER + 1] = hop_limit;
  if (!session->seal(slot_, start, length, hop.datagram_class)) return drop(DROP_COUNTER_EXHAUSTED), false;
  leave(hop, start, total);
  return true;
}

void Sender::leave(const Route& hop, uint8_t* data, int length) {
  if (!hop.by_link) {
    used_ += length;
    return queue(hop, data, length);
  }
  if (!engine_.handover.add(hop.hop, data, length)) return drop(DROP_LINK_OUT_FULL);
  taken_++;
  add(TX_HANDED);
}

// A train holds datagrams of one size and class to one endpoint; a shorter one may end it.
void Sender::queue(const Route& hop, uint8_t* data, int length) {
  int piece = pieces_++;
  piece_[piece] = {data, length, -1};
  for (int i = trains_ - 1; i >= 0 && i >= trains_ - 16; i--) {
    Train& train = train_[i];
    if (!train.endpoint.equals(hop.endpoint) || piece_[train.first].data[CLASS_AT] != data[CLASS_AT]) continue;
    if (!train.open || length > train.size || train.bytes + length > TRAIN_BYTES_MAX) break;
    piece_[train.last].next = piece;
    train.last = piece;
    train.bytes += length;
    train.count++;
    train.open = length == train.size && train.count < TRAIN_MAX;
    return;
  }
  bool open = hop.trains && engine_.udp_gso.load(std::memory_order_relaxed);
  train_[trains_++] = {hop.endpoint, length, 1, length, open, piece, piece};
}

void Sender::sent(int datagrams, int bytes) {
  taken_ += datagrams;
  add(TX_DATAGRAMS, static_cast<uint64_t>(datagrams));
  add(TX_BYTES, static_cast<uint64_t>(bytes));
}

int Sender::taken() {
  int count = taken_;
  taken_ = 0;
  return count;
}

void Sender::flush() {
  int ready = 0, parts = 0;
  for (int i = 0; i < trains_; i++) {
    Train& train = train_[i];
    msghdr& header = message_[ready].msg_hdr;
    header.msg_namelen = to_sockaddr(train.endpoint, engine_.udp.family, address_[ready]);
    if (header.msg_namelen == 0) {
      drop(DROP_NO_PATH, static_cast<uint64_t>(train.count));
      continue;
    }
    header.msg_name = &address_[ready];
    header.msg_iov = &part_[parts];
    int first = parts;
    for (int p = train.first; p >= 0; p = piece_[p].next) {
      const Piece& piece = piece_[p];
      iovec* last = parts > first ? &part_[parts - 1] : nullptr;
      if (last != nullptr && static_cast<uint8_t*>(last->iov_base) + last->iov_len == piece.data) {
        last->iov_len += static_cast<size_t>(piece.length);
      } else {
        part_[parts++] = {piece.data, static_cast<size_t>(piece.length)};
      }
    }
    header.msg_iovlen = static_cast<size_t>(parts - first);
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    if (train.count > 1) {
      header.msg_control = control_[ready].bytes;
      header.msg_controllen = sizeof control_[ready].bytes;
      cmsghdr* control = CMSG_FIRSTHDR(&header);
      control->cmsg_len = CMSG_LEN(2);
      control->cmsg_level = SOL_UDP_LEVEL;
      control->cmsg_type = UDP_SEGMENT_OPTION;
      put_le16(CMSG_DATA(control), static_cast<uint16_t>(train.size));
    }
    train_[ready++] = train;
  }
  transmit(ready);
  trains_ = pieces_ = used_ = 0;
}

void Sender::transmit(int trains) {
  int at = 0, soft_errors = 0;
  while (at < trains) {
    int count = sendmmsg(engine_.udp.descriptor, message_ + at, static_cast<unsigned>(trains - at), MSG_DONTWAIT);
    if (count > 0) {
      add(TX_BATCHES);
      for (int i = 0; i < count; i++) sent(train_[at + i].count, train_[at + i].bytes);
      at += count;
      continue;
    }
    int error = errno;
    const Train& train = train_[at];
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM) {
      for (; at < trains; at++) drop(DROP_UDP_FULL, static_cast<uint64_t>(train_[at].count));
      return;
    }
    if (error == ECONNREFUSED && soft_errors++ < SOFT_ERRORS_MAX) continue;
    if (train.count > 1 && (error == EIO || error == EINVAL || error == EOPNOTSUPP)) {
      // A device without checksum offload cannot segment (wireguard-go conn/errors_linux.go): never try again.
      if (error == EIO) engine_.udp_gso.store(false, std::memory_order_relaxed);
      add(UDP_GSO_REFUSED);
      send_singly(train, train.first);
    } else if (train.count > 1 && error == EMSGSIZE && piece_[train.last].length < train.size) {
      // Newer kernels say so of a whole train. The shorter datagram that ends it may fit all the same.
      drop(DROP_TOO_BIG, static_cast<uint64_t>(train.count - 1));
      send_singly(train, train.last);
    } else {
      failed(train, error);
    }
    at++;
  }
}

void Sender::send_singly(const Train& train, int from) {
  sockaddr_in6 address{};
  socklen_t bytes = to_sockaddr(train.endpoint, engine_.udp.family, address);
  for (int p = from; p >= 0; p = piece_[p].next) {
    const Piece& piece = piece_[p];
    ssize_t count = sendto(engine_.udp.descriptor, piece.data, static_cast<size_t>(piece.length), MSG_DONTWAIT,
                           reinterpret_cast<sockaddr*>(&address), bytes);
    if (count >= 0) sent(1, piece.length);
    else failed({train.endpoint, piece.length, 1, piece.length, false, p, p}, errno);
  }
}

void Sender::failed(const Train& train, int error) {
  int counter = error == EMSGSIZE ? DROP_TOO_BIG
                : error == EAGAIN || error == ENOBUFS || error == ENOMEM ? DROP_UDP_FULL : DROP_UNREACHABLE;
  drop(counter, static_cast<uint64_t>(train.count));
}

}  // namespace weave
