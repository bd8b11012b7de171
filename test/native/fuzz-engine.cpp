// Feeds the engine what a fuzzer makes up: frames with vnet headers, datagrams of strangers, plaintexts of peers that hold a
// session, bundles of links, changes of tables, moods of the kernel. Its own datagrams come back to it, for both ends of each
// session are it. Nothing may crash; every datagram is a row or one counted drop; what reaches the kernel it may take.
#include <sanitizer/asan_interface.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "../../native/bytes.h"
#include "../../native/lane.h"
#include "fuzz-kernel.h"

using namespace weave;

namespace {

constexpr int PEERS = 5;           // 1 and 2 directly, 3 through 1, 4 over a link; 5 has no session
constexpr int STEPS_MAX = 24;
constexpr uint8_t SELF = 9;
constexpr int ERRORS[] = {0, 0, EAGAIN, ENOBUFS, EIO, EINVAL, EMSGSIZE, ENETUNREACH, EPERM, EOPNOTSUPP};
// Of those that a datagram may come to, once.
constexpr Counter FATES[] = {
    DROP_SHORT,   DROP_TYPE,    DROP_NO_SESSION, DROP_REPLAY,          DROP_AUTH,       DROP_KIND,       DROP_MALFORMED_FRAME,
    DROP_NO_PEER, DROP_NO_PATH, DROP_TOO_BIG,    DROP_RELAY_UNKNOWN,   DROP_RELAY_BACK, DROP_HOP_LIMIT,  DROP_VLAN_TAGS,
    DROP_FRAGMENT, DROP_ROWS_FULL, DROP_COUNTER_EXHAUSTED, RELAYED,    RX_FRAGMENTS,
};

std::shared_ptr<Engine> engine;
uint8_t* slab;
int32_t *rows, *sends, *ways, *deliveries;

// The fuzzer's bytes; zeros behind their end.
struct Input {
  const uint8_t* at;
  const uint8_t* end;
  bool is_over() const { return at >= end; }
  uint8_t byte() { return at < end ? *at++ : uint8_t{0}; }
  uint16_t word() { int low = byte(); return static_cast<uint16_t>(low | byte() << 8); }
  Bytes bytes(int count) {
    Bytes taken;
    while (count-- > 0 && at < end) taken.push_back(*at++);
    return taken;
  }
  // Its first bytes are the fuzzer's, those behind count.
  Bytes long_bytes() {
    size_t length = word();
    Bytes all = bytes(byte());
    if (length > 0x8000) length = all.size();
    for (size_t i = all.size(); i < length; i++) all.push_back(static_cast<uint8_t>(i));
    return all;
  }
};

Endpoint endpoint_of(uint16_t port) {
  Endpoint endpoint;
  endpoint.ip[10] = endpoint.ip[11] = 0xff;
  endpoint.ip[12] = 127;
  endpoint.ip[15] = 1;
  endpoint.port = port;
  endpoint.is_set = true;
  return endpoint;
}

void give_session(int peer) {
  uint8_t key[32];
  memset(key, peer, sizeof key);
  auto index = static_cast<uint32_t>(peer);
  Cipher cipher = peer % 2 == 1 ? Cipher::aes256gcm : Cipher::chacha20poly1305;
  engine->add_session(std::make_unique<Session>(peer, index, index, cipher, key, key, 0));
  engine->seal_with(peer, index);
}

void give_peer(int peer) {
  uint8_t id[8], key[16];
  memset(id, peer, sizeof id);
  memset(key, 3, sizeof key);
  engine->set_peer(peer, id);
  engine->set_endpoint(peer, endpoint_of(static_cast<uint16_t>(7000 + peer)));
  engine->set_origin_keys(peer, key, key);
  engine->set_path_bytes(peer, peer == 1 ? 700 : PATH_BYTES_DEFAULT, peer == 1, true);
  engine->set_joining(peer, peer != 2);
  if (peer < PEERS) give_session(peer);
}

void begin() {
  kernel.forget();
  kernel.now_ms += 10 * REASSEMBLY_MS;
  for (int peer = 1; peer <= PEERS; peer++) {
    engine->remove_peer(peer);
    give_peer(peer);
  }
  engine->set_via(3, 1);
  engine->set_via(4, VIA_LINK);
  engine->handover.take();
  static uint8_t unwanted[BUNDLE_BYTES_MAX];
  while (engine->intake.take(unwanted) > 0) {}
  engine->clamps = false;
  engine->raw_token = 0;
  engine->udp_gso = engine->join_tcp = engine->join_udp = true;
  engine->join_udp_proved = false;
}

uint64_t fates() {
  uint64_t total = 0;
  for (Counter counter : FATES) total += engine->counter(counter);
  return total - engine->counter(REASSEMBLED);
}

uint64_t arrivals() { return engine->counter(RX_DATAGRAMS) + engine->counter(RX_INJECTED); }

// Everything a row says must lie in the slab, and be what came.
void look_at_rows(int count) {
  static volatile unsigned seen = 0;
  for (int i = 0; i < count; i++) {
    const int32_t* row = rows + static_cast<size_t>(i) * ROW_COLUMNS;
    if (row[ROW_OFFSET] < 0 || row[ROW_LENGTH] < 0 || row[ROW_OFFSET] + row[ROW_LENGTH] > SLAB_BYTES) fault("a row lies beyond the slab");
    if (row[ROW_LENGTH] > FRAME_MAX) fault("a row is too long");
    for (int at = 0; at < row[ROW_LENGTH]; at++) seen = seen + slab[row[ROW_OFFSET] + at];
  }
}

void put_send(int at, int row, int peer, int kind, int way_at) {
  int32_t* send = sends + static_cast<size_t>(at) * SEND_COLUMNS;
  send[SEND_ROW] = row;
  send[SEND_PEER] = peer;
  send[SEND_KIND] = kind;
  send[SEND_WAY_AT] = way_at;
  send[SEND_SEQUENCE_LOW] = at * 256;
  send[SEND_SEQUENCE_HIGH] = 0;
}

// Ways of the fuzzer's, and such as end beyond their array.
int way_of(Input& input) {
  int entries = input.byte() % 6;
  for (int i = 0; i < entries; i++) {
    ways[2 * i] = static_cast<int8_t>(input.byte());
    ways[2 * i + 1] = input.word();
  }
  ways[WAYS_NUMBERS - 4] = 1;
  ways[WAYS_NUMBERS - 3] = 1;
  switch (input.byte() % 8) {
    case 0: return -(WAYS_NUMBERS - 3);
    case 1: return -(WAYS_NUMBERS - 1);
    case 2: return INT32_MIN;
    case 3: return -1 - input.byte() % 8;
    default: return -1;
  }
}

void send_rows(Lane& lane, Input& input, int count, bool from_tap) {
  int way_at = way_of(input), placed = 0;
  for (int row = 0; row < count && placed < SENDS_MAX - 2; row++) {
    int choice = input.byte(), peer = choice % (PEERS + 2);
    const int32_t* columns = rows + static_cast<size_t>(row) * ROW_COLUMNS;
    if (choice == 255) {
      // A row that nobody read: it may be of an earlier batch, whose bytes are still there.
      ASAN_UNPOISON_MEMORY_REGION(slab, SLAB_BYTES);
      put_send(placed++, input.word(), peer, KIND_BROADCAST, way_at);
    } else if (from_tap) {
      put_send(placed++, row, peer, choice & 0x40 ? KIND_BROADCAST : KIND_FRAME, way_at);
    } else if (choice & 0x80) {
      // Passed on, from the entry that is due or from somewhere in it.
      int skew = choice & 0x40 ? static_cast<int8_t>(input.byte()) : 0;
      put_send(placed++, row, peer, KIND_BROADCAST, columns[ROW_WAY_AT] + skew);
    } else if (choice & 0x20) {
      put_send(placed++, row, peer, KIND_FRAME, 0);
    }
  }
  int longest = 0;
  for (int peer = 1; peer <= PEERS; peer++) {
    const Peer* known = engine->table.peer(peer);
    if (known != nullptr && known->path_bytes > longest) longest = known->path_bytes;
  }
  kernel.longest_sent = longest;
  lane.send(placed);
  kernel.longest_sent = 0;
}

void deliver_rows(Lane& lane, int count) {
  for (int row = 0; row < count; row++) deliveries[row] = row;
  lane.tap_write(count);
}

// At each place where something ends a byte may be missing: the fuzzer finds it by one number.
void shorten(Bytes& bytes, int by) { bytes.resize(bytes.size() - std::min(bytes.size(), static_cast<size_t>(by))); }

void read_tap(Lane& lane, Input& input) {
  int choice = input.byte(), frames = 1 + choice % 4;
  for (int i = 0; i < frames; i++) kernel.frames.push_back(input.long_bytes());
  shorten(kernel.frames.back(), choice >> 2);
  int error = 0, count = lane.tap_read(error);
  if (error != 0) fault("a TAP that only has no more is taken for gone");
  look_at_rows(count);
  send_rows(lane, input, count, true);
  deliver_rows(lane, count);
}

void read_udp(Lane& lane, Input& input) {
  while (!kernel.messages.empty() || engine->intake.waits()) {
    uint64_t arrived = arrivals(), ended = fates();
    int count = lane.udp_read();
    if (count < 0) fault("something waits, and nothing is read");
    look_at_rows(count);
    bool is_calm = kernel.send_error == 0;
    if (is_calm && arrivals() - arrived != static_cast<uint64_t>(count) + fates() - ended) {
      fault("a datagram is neither a row nor one drop");
    }
    for (int row = 0; row < count; row++) lane.source(row);
    send_rows(lane, input, count, false);
    deliver_rows(lane, count);
  }
  ASAN_UNPOISON_MEMORY_REGION(slab, SLAB_BYTES);
}

// What a peer that holds the session could send.
Bytes sealed(int peer, const Bytes& plaintext) {
  Session* session = engine->table.session(static_cast<uint32_t>(peer));
  if (session == nullptr || plaintext.empty()) return {};
  Bytes datagram(DATAGRAM_HEADER + plaintext.size() + DATAGRAM_TAG);
  memcpy(datagram.data() + DATAGRAM_HEADER, plaintext.data(), plaintext.size());
  if (!session->seal(0, datagram.data(), static_cast<int>(plaintext.size()))) return {};
  return datagram;
}

Bytes of_peer(Input& input) {
  int choice = input.byte(), peer = 1 + choice % (PEERS - 1);
  Bytes datagram = sealed(peer, input.long_bytes());
  if ((choice & 0x40) == 0) return datagram;
  Bytes relayed(RELAYED_HEADER, 0);
  relayed[0] = KIND_RELAYED;
  relayed[1] = input.byte();
  memset(relayed.data() + 16, choice & 0x20 ? input.byte() : SELF, 8);
  relayed.insert(relayed.end(), datagram.begin(), datagram.end());
  return sealed(1 + input.byte() % (PEERS - 1), relayed);
}

void add_message(Input& input, Bytes bytes) {
  int choice = input.byte();
  shorten(bytes, choice >> 3);
  Message message{std::move(bytes), choice & 1 ? input.word() : 0, static_cast<uint16_t>(7000 + choice % 8)};
  if (message.bytes.size() < UDP_MESSAGE_BYTES) kernel.messages.push_back(std::move(message));
}

// Datagrams that this engine sent, as they were, joined by size as a kernel does, or with a bit that fell over.
void echo(Input& input) {
  std::vector<Bytes> sent = std::move(kernel.sent);
  kernel.sent.clear();
  bool is_broken = input.byte() % 8 == 7;
  for (size_t i = 0; i < sent.size();) {
    Message message{sent[i], static_cast<int>(sent[i].size()), 7001};
    size_t count = 1;
    while (i + count < sent.size() && count < 60 && sent[i + count - 1].size() == sent[i].size() &&
           sent[i + count].size() <= sent[i].size() && message.bytes.size() + sent[i + count].size() < UDP_PAYLOAD_MAX) {
      message.bytes.insert(message.bytes.end(), sent[i + count].begin(), sent[i + count].end());
      count++;
    }
    if (is_broken) message.bytes[input.word() % message.bytes.size()] ^= static_cast<uint8_t>(1 + input.byte());
    kernel.messages.push_back(std::move(message));
    i += count;
  }
}

void over_links(Input& input) {
  for (Bundle& bundle : engine->handover.take()) {
    if (!engine->inject(bundle.peer, bundle.bytes.data(), static_cast<int>(bundle.bytes.size()))) fault("its own bundle is none");
  }
  Bytes bundle = input.bytes(input.byte());
  engine->inject(1, bundle.data(), static_cast<int>(bundle.size()));
  Bytes datagram = of_peer(input);
  uint8_t prefix[BUNDLE_PREFIX];
  put_le16(prefix, static_cast<uint16_t>(datagram.size()));
  datagram.insert(datagram.begin(), prefix, prefix + BUNDLE_PREFIX);
  engine->inject(2, datagram.data(), static_cast<int>(datagram.size()));
}

void change_tables(Input& input) {
  int choice = input.byte(), peer = 1 + input.byte() % PEERS, other = static_cast<int>(input.byte() % (PEERS + 3)) - 2;
  switch (choice % 12) {
    case 0: return engine->remove_peer(peer);
    case 1: return give_peer(peer);
    case 2: return engine->set_via(peer, other);
    case 3: return engine->set_spare(peer, other);
    case 4: return engine->set_path_bytes(peer, input.word(), (choice & 0x40) != 0, (choice & 0x80) != 0);
    case 5: return engine->remove_session(static_cast<uint32_t>(peer));
    case 6: return engine->seal_with(peer, input.byte() % PEERS);
    case 7: return engine->set_endpoint(peer, choice & 0x40 ? Endpoint{} : endpoint_of(input.word()));
    case 8: engine->clamps = (choice & 0x40) != 0; return;
    case 9: engine->udp_gso = (choice & 0x40) != 0; return;
    case 10: engine->join_udp = (choice & 0x40) != 0; engine->join_tcp = (choice & 0x80) != 0; return;
    default: engine->raw_token = input.word();
  }
}

void control(Input& input) {
  Bytes body = input.long_bytes();
  int choice = input.byte(), peer = 1 + choice % PEERS, length = static_cast<int>(body.size());
  body.resize(body.size() + MEASURED_BYTES_MIN);
  if (choice & 0x80) {
    engine->send_measured(peer, body.data(), length, input.word(), 1 + input.byte() % MEASURED_BURST_MAX, (choice & 0x40) != 0);
  } else {
    Endpoint endpoint = endpoint_of(input.word());
    engine->send_control(static_cast<uint32_t>(peer), body.data(), length, choice & 0x40 ? &endpoint : nullptr, 1 + choice % 3);
  }
}

void step(Lane& lane, Input& input) {
  int choice = input.byte(), many = 1 + choice / 16;
  switch (choice % 10) {
    case 0:
    case 1: return read_tap(lane, input);
    case 2:
      while (many-- > 0) add_message(input, input.long_bytes());
      return read_udp(lane, input);
    case 3:
    case 4:
      while (many-- > 0) add_message(input, of_peer(input));
      return read_udp(lane, input);
    case 5:
      echo(input);
      return read_udp(lane, input);
    case 6:
      over_links(input);
      return read_udp(lane, input);
    case 7: return change_tables(input);
    case 8:
      kernel.send_error = ERRORS[input.byte() % 10];
      kernel.write_error = ERRORS[input.byte() % 10];
      kernel.sends_taken = input.byte() % 4;
      kernel.now_ms += input.word();
      return;
    default: return control(input);
  }
}

bool prepare() {
  if (aead_load() != nullptr || origin_load() != nullptr) fault("OpenSSL is not as it should be");
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) fault("no socket pair");
  EngineOptions options;
  options.tap_descriptor = pair[0];
  Failure failure;
  engine = Engine::open(options, failure);
  if (engine == nullptr) fault(failure.step);
  slab = new uint8_t[SLAB_BYTES]();
  rows = new int32_t[ROWS_MAX * ROW_COLUMNS]();
  sends = new int32_t[SENDS_MAX * SEND_COLUMNS]();
  ways = new int32_t[WAYS_NUMBERS]();
  deliveries = new int32_t[ROWS_MAX]();
  uint8_t self[8];
  memset(self, SELF, sizeof self);
  engine->set_self(self);
  BridgeAddresses bridge;
  bridge.count = 1;
  bridge.at[0].ip[10] = bridge.at[0].ip[11] = 0xff;
  bridge.at[0].ip[12] = 10;
  bridge.at[0].prefix = 104;
  engine->set_bridge_addresses(bridge);
  kernel.tap = engine->taps[0];
  kernel.udp = engine->udp.descriptor;
  kernel.slab = slab;
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static bool ready = prepare();
  if (!ready) return 0;
  begin();
  int slot = engine->take_slot();
  ASAN_UNPOISON_MEMORY_REGION(slab, SLAB_BYTES);
  {
    Lane lane(engine, slot, slab, rows, sends, ways, deliveries);
    Input input{data, data + size};
    for (int i = 0; i < STEPS_MAX && !input.is_over(); i++) step(lane, input);
  }
  ASAN_UNPOISON_MEMORY_REGION(slab, SLAB_BYTES);
  return 0;
}
