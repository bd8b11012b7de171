// From datagrams to rows: check, open, and hand on what is meant for others.
#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "lane.h"

namespace weave {
namespace {

// Bytes per datagram of a message that the kernel may have coalesced.
int stride_of(msghdr& header, int bytes) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level == SOL_UDP_LEVEL && control->cmsg_type == UDP_GRO_OPTION &&
        control->cmsg_len >= CMSG_LEN(sizeof(int))) {
      int size;
      memcpy(&size, CMSG_DATA(control), sizeof size);
      if (size > 0 && size < bytes) return size;
    }
  }
  return bytes;
}

}  // namespace

int Lane::udp_read() {
  if (ahead_ == READY_TAP) return -1;
  if (ahead_ == READY_UDP) return ahead_ = 0, rows_filled_;
  rows_filled_ = whole_bytes_ = 0;
  // Bulk is read first, and gone through last: what a flow sent as expedited before it is in the other socket by then.
  if (deferred_ == 0) {
    deferred_ = read_bulk();
    deferrals_ = forged_readings_ = 0;
  }
  int bulk = deferred_;
  int expedited = read_expedited();
  if (expedited + bulk > 0) count_(RX_BATCHES);
  if (expedited + bulk == 0 && !engine_->intake.waits()) return -1;

  ReadGuard guard(engine_->lock);
  int genuine = open_messages(0, expedited);
  // Of a stranger's flood: its places are free again, for what waits behind it.
  while (expedited == EXPEDITED_PLACES && genuine == 0 && rows_filled_ == 0 && forged_readings_ < FORGED_READINGS_MAX) {
    forged_readings_++;
    expedited = read_expedited();
    genuine = open_messages(0, expedited);
  }
  // More of it waits, perhaps of a flow that has bulk here.
  bool is_deferred = bulk > 0 && expedited == EXPEDITED_PLACES && genuine > EXPEDITED_PLACES / 2 && deferrals_ < DEFERRALS_MAX &&
                     (bulk < BULK_PLACES || !engine_->intake.waits());
  // What came over links takes the places that the socket left free.
  for (int i = EXPEDITED_PLACES + bulk; i < UDP_BATCH && engine_->intake.waits(); i++) {
    uint8_t* bundle = static_cast<uint8_t*>(part_[i].iov_base);
    receive_bundle(bundle, engine_->intake.take(bundle));
  }
  if (is_deferred) {
    deferrals_++;
  } else {
    open_messages(EXPEDITED_PLACES, bulk);
    deferred_ = 0;
  }
  sender_.flush();
  sender_.taken();
  return rows_filled_;
}

int Lane::read_expedited() {
  return engine_->udp.expedited >= 0 ? read_messages(engine_->udp.expedited, 0, EXPEDITED_PLACES) : 0;
}

int Lane::read_bulk() {
  // Anybody can keep the socket busy: some places are kept for what came over links. Long messages make the next wait: while frames of sparse
  // flows come, few are read at once.
  bool is_hasty = is_batch_long_ && now_ms() < hasty_until_;
  int places = engine_->intake.waits() ? BULK_PLACES - LINK_PLACES : BULK_PLACES;
  int count = read_messages(engine_->udp.descriptor, EXPEDITED_PLACES, is_hasty ? LONG_PLACES : places);
  int bytes = 0;
  for (int i = 0; i < count; i++) bytes += static_cast<int>(message_[EXPEDITED_PLACES + i].msg_len);
  is_batch_long_ = bytes > count * LONG_FRAME;
  return count;
}

int Lane::read_messages(int descriptor, int first, int most) {
  for (int i = first; i < first + most; i++) {
    msghdr& header = message_[i].msg_hdr;
    header.msg_name = &address_[i];
    header.msg_namelen = sizeof address_[i];
    header.msg_iov = &part_[i];
    header.msg_iovlen = 1;
    header.msg_control = control_[i].bytes;
    header.msg_controllen = sizeof control_[i].bytes;
    header.msg_flags = 0;
  }
  int count;
  do count = recvmmsg(descriptor, message_ + first, static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
  while (count < 0 && errno == EINTR);
  return count < 0 ? 0 : count;
}

// How many hold something that is of a session.
int Lane::open_messages(int first, int count) {
  int genuine = 0;
  for (int i = first; i < first + count; i++) {
    int bytes = static_cast<int>(message_[i].msg_len);
    has_opened_ = false;
    from_sockaddr(address_[i], source_[i]);
    int stride = stride_of(message_[i].msg_hdr, bytes);
    count_(RX_BYTES, static_cast<uint64_t>(bytes));
    if (bytes == 0) {
      count_(RX_DATAGRAMS);
      count_(DROP_SHORT);
    }
    uint8_t* start = static_cast<uint8_t*>(part_[i].iov_base);
    for (int at = 0; at < bytes; at += stride) {
      count_(RX_DATAGRAMS);
      receive(start + at, stride < bytes - at ? stride : bytes - at, i, nullptr);
    }
    if (has_opened_) genuine++;
  }
  return genuine;
}

// Well formed: `Engine::inject` looked.
void Lane::receive_bundle(uint8_t* bundle, int length) {
  for (int at = 0; at < length;) {
    int bytes = le16(bundle + at);
    at += BUNDLE_PREFIX;
    count_(RX_INJECTED);
    receive(bundle + at, bytes, NO_MESSAGE, nullptr);
    at += bytes;
  }
}

// `outer`: the session of the relay that the datagram came wrapped in. `message` NO_MESSAGE: it came over a link.
void Lane::receive(uint8_t* datagram, int length, int message, Session* outer) {
  if (length < DATAGRAM_BYTES_MIN) return count_(DROP_SHORT);
  if (datagram[0] == DATAGRAM_TYPE_RAW && message != NO_MESSAGE && outer == nullptr) return receive_raw(datagram, length, message);
  if (datagram[0] != DATAGRAM_TYPE_DATA) return count_(DROP_TYPE);
  Session* session = engine_->table.session(le32(datagram + 4));
  if (session == nullptr) return count_(DROP_NO_SESSION);
  uint64_t counter = le64(datagram + 8);
  if (counter >= session->counter_limit() || !session->replay.is_fresh(counter)) return count_(DROP_REPLAY);
  if (!session->open(slot_, counter, datagram, length)) return count_(DROP_AUTH);
  if (!session->replay.accept(counter)) return count_(DROP_REPLAY);
  has_opened_ = true;
  session->received_datagrams.fetch_add(1, std::memory_order_relaxed);
  session->received_bytes.fetch_add(static_cast<uint64_t>(length), std::memory_order_relaxed);

  int flags = datagram[CLASS_AT] & CLASS_EXPEDITED ? FLAG_EXPEDITED : 0;
  if (outer != nullptr || message == NO_MESSAGE) {
    flags |= FLAG_RELAYED;
  } else {
    const Peer* peer = engine_->table.peer(session->peer);
    if (peer != nullptr && !peer->endpoint.equals(source_[message])) flags |= FLAG_MOVED;
  }
  uint8_t* plaintext = datagram + DATAGRAM_HEADER;
  int bytes = length - DATAGRAM_HEADER - DATAGRAM_TAG;
  switch (plaintext[0]) {
    case KIND_FRAME: return receive_frame(*session, plaintext, bytes, message, flags);
    case KIND_BROADCAST: return receive_broadcast(*session, plaintext, bytes, message, flags);
    case KIND_FRAGMENT: return receive_fragment(*session, plaintext, bytes, message, flags);
    case KIND_CONTROL: return receive_control(*session, plaintext, bytes, message, flags);
    case KIND_RELAYED:
      if (outer == nullptr) return receive_relayed(*session, plaintext, bytes, message, flags);
      [[fallthrough]];
    default: return count_(DROP_KIND);
  }
}

// Of a measurement that was agreed on in a session; nobody answers it. Anything else of this type is nothing.
void Lane::receive_raw(uint8_t* datagram, int length, int message) {
  uint64_t token = engine_->raw_token.load(std::memory_order_relaxed);
  if (token == 0 || le64(datagram + MEASURED_TOKEN_AT) != token) return count_(DROP_TYPE);
  new_row(-1, 0, datagram, length, KIND_RAW, message, 0);
}

int32_t* Lane::new_row(Session& session, uint8_t* bytes, int length, int kind, int message, int flags) {
  return new_row(session.peer, session.receiver_index, bytes, length, kind, message, flags);
}

int32_t* Lane::new_row(int peer, uint32_t receiver_index, uint8_t* bytes, int length, int kind, int message, int flags) {
  if (rows_filled_ >= ROWS_MAX) {
    count_(DROP_ROWS_FULL);
    return nullptr;
  }
  int32_t* row = row_(rows_filled_);
  memset(row, 0, sizeof(int32_t) * ROW_COLUMNS);
  row[ROW_OFFSET] = static_cast<int32_t>(bytes - slab_);
  row[ROW_LENGTH] = length;
  row[ROW_KIND] = kind;
  row[ROW_FROM_PEER] = row[ROW_ORIGIN_PEER] = peer;
  row[ROW_FLAGS] = flags;
  row[ROW_RECEIVER_INDEX] = static_cast<int32_t>(receiver_index);
  message_of_row_[rows_filled_] = static_cast<uint8_t>(message);
  rows_filled_++;
  return row;
}

// Nothing that a kernel or another peer could choke on becomes a row.
bool Lane::add_frame(Session& session, uint8_t* frame, int length, const uint8_t* header, int message, int flags) {
  int wire_flags = header[1], start = le16(header + 4), offset = header[6], gso_size = le16(header + 2);
  int gso = wire_flags & FLAG_GSO_ANY;
  bool partial = (wire_flags & FLAG_CHECKSUM_PARTIAL) != 0;
  if (length < 14 || (wire_flags & ~FLAG_WIRE_MASK) != 0 || (gso & (gso - 1)) != 0) return false;
  if (partial && (start < 14 || start + offset + 2 > length)) return false;
  FrameShape shape = parse_frame(frame, length);
  if (shape.still_tagged) {
    count_(DROP_VLAN_TAGS);
    return true;
  }
  if (gso != 0) {
    SegmentPlan plan;
    if (gso_size == 0 || !describe_segments(frame, length, wire_flags, start, offset, shape, plan)) return false;
    // One datagram must not make us, or the kernel, produce tens of thousands of frames.
    if (plan.payload > gso_size * RECEIVED_SEGMENTS_MAX) return false;
  }
  int32_t* row = new_row(session, frame, length, header[0], message, flags | wire_flags);
  if (row == nullptr) return true;
  row[ROW_GSO_SIZE] = gso_size;
  if (partial) row[ROW_CHECKSUM] = start | offset << 16;
  describe_frame(row, frame, length, shape);
  return true;
}

void Lane::receive_frame(Session& session, uint8_t* plaintext, int length, int message, int flags) {
  uint8_t* frame = plaintext + FRAME_HEADER;
  if (flags & FLAG_EXPEDITED) hasty_until_ = now_ms() + HASTY_MS;
  if (length < FRAME_HEADER || !add_frame(session, frame, length - FRAME_HEADER, plaintext, message, flags)) {
    return count_(DROP_MALFORMED_FRAME);
  }
}

void Lane::receive_broadcast(Session& session, uint8_t* plaintext, int length, int message, int flags) {
  int before = rows_filled_;
  int entries = length < BROADCAST_HEADER ? 0 : le16(plaintext + ENTRIES_AT);
  int header = BROADCAST_HEADER + entries * WAY_ENTRY;
  if (length < header || entries > WAY_ENTRIES_MAX ||
      !resolve_children(engine_->table, plaintext + BROADCAST_HEADER, entries)) {
    return count_(DROP_MALFORMED_FRAME);
  }
  int origin = engine_->table.index_of(plaintext + SOURCE_AT);
  // Before anything else is made of it. What comes from the source itself its session proves, and it is not taken again from
  // others.
  bool proved = origin == session.peer;
  if (proved) note_direct(origin, plaintext);
  else proved = is_proved(origin, plaintext, plaintext + header, length - header);
  if (!add_frame(session, plaintext + header, length - header, plaintext, message, flags)) {
    return count_(DROP_MALFORMED_FRAME);
  }
  if (rows_filled_ == before) return;
  int32_t* row = row_(rows_filled_ - 1);
  if (plaintext[PASSES_ONLY_AT] & 1) row[ROW_FLAGS] |= FLAG_PASSES_ONLY;
  if (!proved) row[ROW_FLAGS] |= FLAG_UNPROVED;
  row[ROW_WAY_AT] = row[ROW_OFFSET] - entries * WAY_ENTRY;
  row[ROW_ORIGIN_PEER] = origin;
}

void Lane::note_direct(int origin, const uint8_t* header) {
  const Peer* peer = engine_->table.peer(origin);
  if (peer != nullptr && peer->origin != nullptr) peer->origin->accept(le64(header + SEQUENCE_AT));
}

// The window is looked at first, and moved only for what is genuine.
bool Lane::is_proved(int origin, const uint8_t* header, const uint8_t* frame, int length) {
  const Peer* peer = engine_->table.peer(origin);
  if (peer == nullptr || peer->origin == nullptr) return false;
  uint64_t sequence = le64(header + SEQUENCE_AT);
  uint8_t digest[16];
  return peer->origin->is_fresh(sequence) && digest_.of(header, frame, length, digest) &&
         peer->origin->is_genuine(digest, le64(header + TAG_AT)) && peer->origin->accept(sequence);
}

void Lane::receive_fragment(Session& session, const uint8_t* plaintext, int length, int message, int flags) {
  Fragment fragment;
  if (!parse_fragment(plaintext, length, fragment)) return count_(DROP_FRAGMENT);
  Reassembler::Losses losses;
  int bytes = 0;
  std::unique_ptr<uint8_t[]> whole;
  {
    std::lock_guard<std::mutex> one(engine_->pieces_mutex);
    whole = engine_->pieces.add(session.peer, fragment, now_ms(), bytes, losses);
  }
  if (losses.expired > 0) count_(DROP_FRAGMENT_LATE, static_cast<uint64_t>(losses.expired));
  if (losses.full > 0) count_(DROP_FRAGMENT_FULL, static_cast<uint64_t>(losses.full));
  count_(losses.malformed > 0 ? DROP_FRAGMENT : RX_FRAGMENTS);
  if (whole == nullptr) return;
  if (PLACES_BYTES + whole_bytes_ + bytes > SLAB_BYTES) return count_(DROP_FRAGMENT_FULL);
  uint8_t* at = slab_ + PLACES_BYTES + whole_bytes_;
  memcpy(at, whole.get(), static_cast<size_t>(bytes));
  whole_bytes_ += (bytes + 63) & ~63;
  count_(REASSEMBLED);
  if (at[0] == KIND_FRAME) return receive_frame(session, at, bytes, message, flags);
  if (at[0] == KIND_BROADCAST) return receive_broadcast(session, at, bytes, message, flags);
  count_(DROP_KIND);
}

void Lane::receive_control(Session& session, uint8_t* plaintext, int length, int message, int flags) {
  new_row(session, plaintext + 1, length - 1, KIND_CONTROL, message, flags);
}

void Lane::receive_relayed(Session& session, uint8_t* plaintext, int length, int message, int flags) {
  if (length < RELAYED_HEADER + DATAGRAM_HEADER + 1 + DATAGRAM_TAG) return count_(DROP_SHORT);
  const uint8_t* destination = plaintext + 16;
  if (engine_->has_self && memcmp(destination, engine_->self, 8) == 0) {
    return receive(plaintext + RELAYED_HEADER, length - RELAYED_HEADER, message, &session);
  }
  int hop_limit = (plaintext[1] < HOP_LIMIT ? plaintext[1] : HOP_LIMIT) - 1;
  if (hop_limit <= 0) return count_(DROP_HOP_LIMIT);
  int target = engine_->table.index_of(destination);
  if (target < 0) return count_(DROP_RELAY_UNKNOWN);
  // The session with the far peer itself plays no part: only the next hop's does.
  const Peer* peer = engine_->table.peer(target);
  const Peer* next = peer->via < 0 ? peer : engine_->table.peer(peer->via);
  if (next != nullptr && next->index == session.peer) {
    // Its way is gone, and this peer has not been told.
    next = engine_->table.peer(peer->spare);
    if (next == nullptr || next->index == session.peer) return count_(DROP_RELAY_BACK);
  }
  if (next == nullptr || next->via >= 0 || !next->has_way()) return count_(DROP_NO_PATH);
  if (next->sealing == nullptr) return count_(DROP_NO_SESSION);
  if (DATAGRAM_HEADER + length + DATAGRAM_TAG > next->path_bytes) return count_(DROP_TOO_BIG);
  Route hop;
  hop.session = next->sealing;
  hop.endpoint = next->endpoint;
  hop.hop = next->index;
  hop.trains = next->trains;
  hop.by_link = next->via == VIA_LINK;
  hop.datagram_class = class_of(flags);
  if (sender_.relay(hop, plaintext, length, static_cast<uint8_t>(hop_limit))) count_(RELAYED);
}

}  // namespace weave
