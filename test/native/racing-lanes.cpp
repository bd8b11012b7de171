// Two lanes of each of three engines, in threads of their own, carry frames among them while the main thread changes the tables
// under them: for the thread sanitizer (`make sanitize`). It ends when enough of everything was carried, with status 0; 1 when
// that takes too long. `--one-slot` gives both lanes of an engine the same slot: a race, which the sanitizer must see.
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "../../native/bytes.h"
#include "../../native/registry.h"
#include "../../native/resident.h"
#include "frames.h"

using namespace weave;

namespace {

constexpr int ENGINES = 3, LANES_EACH = 2;
constexpr int LIMIT_MS = 60'000, WAIT_MS = 20;
constexpr int TAP_BUFFER_BYTES = 1 << 20;
constexpr int PATH_SHORT = 600, PATH_LONG = 1400;
constexpr int GENERATIONS = 1000;  // of sessions, in a receiver index
constexpr int ROUNDS_MIN = 300;
constexpr int SHORTCUT_MS = 50, SHORTCUTS_KEPT_TURNS = 4;
constexpr uint64_t CARRIED_MIN = 100;  // calls of `wait` that sent or wrote something by themselves

// What must have happened, in all engines together.
struct Wanted { Counter counter; uint64_t least; };
constexpr Wanted WANTED[] = {
    {TAP_TX_FRAMES, 2000}, {RELAYED, 100}, {REASSEMBLED, 100}, {FRAGMENTED, 100}, {TX_HANDED, 20}, {RX_INJECTED, 20},
    {LOCAL_MOVES, 0},      {DROP_NO_SESSION, 1},
};

struct Station {
  int id = -1;       // in the registry
  int outside = -1;  // the far end of its TAP
  std::shared_ptr<Engine> engine;
};

Station stations[ENGINES];
std::atomic<bool> over{false};
std::atomic<uint64_t> controls{0}, faults{0}, carried{0};
// In place of the table of MAC addresses: a word for each engine, which shortcuts depend on and the main thread changes.
int32_t watched[ENGINES];

uint32_t receiver_of(int at, int from, int generation) {
  return static_cast<uint32_t>((at * ENGINES + from + 1) * GENERATIONS + generation % GENERATIONS);
}

void short_id_of(int peer, uint8_t id[8]) { memset(id, peer + 1, 8); }

bool open_station(Station& station) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) return false;
  int bytes = TAP_BUFFER_BYTES;
  for (int descriptor : pair) setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  EngineOptions options;
  options.tap_descriptor = pair[0];
  options.has_address = true;
  options.address[10] = options.address[11] = 0xff;
  options.address[12] = 127;
  options.address[15] = 1;
  Failure failure;
  std::shared_ptr<Engine> engine = Engine::open(options, failure);
  if (engine == nullptr) return fprintf(stderr, "racing-lanes: %s: %s\n", failure.step, strerror(failure.error)), false;
  engine->set_clamping(true);
  BridgeAddresses bridge;
  bridge.count = 1;
  bridge.at[0].ip[10] = bridge.at[0].ip[11] = 0xff;
  bridge.at[0].ip[12] = 10;
  bridge.at[0].ip[15] = 1;
  bridge.at[0].prefix = 104;
  engine->set_bridge_addresses(bridge);
  station = {register_engine(engine), pair[1], engine};
  return true;
}

// A session between two engines, which both seal with from now on. The one before stays for what is under way.
void give_session(int a, int b, int generation) {
  Cipher cipher = generation % 2 == 0 ? Cipher::aes256gcm : Cipher::chacha20poly1305;
  uint8_t key[32];
  memset(key, generation + 1, sizeof key);
  for (int turn = 0; turn < 2; turn++) {
    int at = turn == 0 ? a : b, from = turn == 0 ? b : a;
    Engine& engine = *stations[at].engine;
    uint32_t own = receiver_of(at, from, generation), far = receiver_of(from, at, generation);
    engine.remove_session(receiver_of(at, from, generation + GENERATIONS - 2));
    engine.add_session(std::make_unique<Session>(from, own, far, cipher, key, key, 0));
    engine.seal_with(from, own);
  }
}

void give_peer(int at, int peer) {
  Engine& engine = *stations[at].engine;
  uint8_t id[8], key[16];
  short_id_of(peer, id);
  engine.set_peer(peer, id);
  memset(key, 5, sizeof key);
  engine.set_origin_keys(peer, key, key);
  Endpoint endpoint;
  endpoint.ip[10] = endpoint.ip[11] = 0xff;
  endpoint.ip[12] = 127;
  endpoint.ip[15] = 1;
  endpoint.port = stations[peer].engine->udp.port;
  endpoint.is_set = true;
  engine.set_endpoint(peer, endpoint);
  engine.set_path_bytes(peer, PATH_LONG, true, true);
  engine.set_joining(peer, true);
}

// What one lane has for itself, as lib/io/native-lane.ts gives it.
struct Buffers {
  std::vector<uint8_t> slab = std::vector<uint8_t>(SLAB_BYTES);
  std::vector<int32_t> rows = std::vector<int32_t>(static_cast<size_t>(ROWS_MAX) * ROW_COLUMNS);
  std::vector<int32_t> sends = std::vector<int32_t>(static_cast<size_t>(SENDS_MAX) * SEND_COLUMNS);
  std::vector<int32_t> ways = std::vector<int32_t>(WAYS_NUMBERS);
  std::vector<int32_t> deliveries = std::vector<int32_t>(ROWS_MAX);
};

void put_send(Buffers& buffers, int at, int row, int peer, int kind, int way_at, uint64_t sequence) {
  int32_t* send = buffers.sends.data() + static_cast<size_t>(at) * SEND_COLUMNS;
  send[SEND_ROW] = row;
  send[SEND_PEER] = peer;
  send[SEND_KIND] = kind;
  send[SEND_WAY_AT] = way_at;
  send[SEND_SEQUENCE_LOW] = static_cast<int32_t>(sequence);
  send[SEND_SEQUENCE_HIGH] = static_cast<int32_t>(sequence >> 32);
}

void leave_shortcut(Lane& lane, int self, int row, int peer) {
  Witness witness[2] = {{self, __atomic_load_n(&watched[self], __ATOMIC_ACQUIRE)}, {}};
  lane.add_shortcut(row, peer, witness, SHORTCUT_MS, SHORTCUT_MS);
}

// From the TAP to both others: every third frame as a broadcast whose way leads through the first to the second.
void carry_out(Lane& lane, Buffers& buffers, int self, int slot, uint64_t& sequence) {
  int error = 0, count = lane.tap_read(error), sends = 0;
  int first = (self + 1) % ENGINES, second = (self + 2) % ENGINES;
  buffers.ways[0] = first;
  buffers.ways[1] = 1;
  buffers.ways[2] = second;
  buffers.ways[3] = 0;
  for (int row = 0; row < count; row++) {
    if (row % 3 == 2) {
      sequence += COALESCE_MAX;
      put_send(buffers, sends++, row, first, KIND_BROADCAST, -1, static_cast<uint64_t>(slot) << 60 | sequence);
    } else {
      int peer = row % 3 == 0 ? first : second;
      put_send(buffers, sends++, row, peer, KIND_FRAME, 0, 0);
      leave_shortcut(lane, self, row, peer);
    }
  }
  lane.send(sends);
}

// To the TAP; broadcasts go on to whom their way names next.
void carry_in(Lane& lane, Buffers& buffers, int self) {
  int count = lane.udp_read(), sends = 0, deliveries = 0;
  for (int row = 0; row < count; row++) {
    const int32_t* columns = buffers.rows.data() + static_cast<size_t>(row) * ROW_COLUMNS;
    lane.source(row);
    if (columns[ROW_KIND] == KIND_CONTROL) controls.fetch_add(1, std::memory_order_relaxed);
    if (columns[ROW_KIND] != KIND_FRAME && columns[ROW_KIND] != KIND_BROADCAST) continue;
    buffers.deliveries[static_cast<size_t>(deliveries++)] = row;
    leave_shortcut(lane, self, row, -1);
    if (columns[ROW_KIND] == KIND_BROADCAST && columns[ROW_WAY_AT] < columns[ROW_OFFSET]) {
      int peer = static_cast<int>(le32(buffers.slab.data() + columns[ROW_WAY_AT] + WAY_CHILD_AT));
      put_send(buffers, sends++, row, peer, KIND_BROADCAST, columns[ROW_WAY_AT], 0);
    }
  }
  lane.send(sends);
  lane.tap_write(deliveries);
}

void run_lane(int self, int slot, int turns) {
  // As workers do: by a number that they are given.
  std::shared_ptr<Engine> engine = find_engine(stations[self].id);
  if (engine == nullptr) return;
  Buffers buffers;
  auto lane = std::make_unique<Lane>(engine, slot, buffers.slab.data(), buffers.rows.data(), buffers.sends.data(),
                                     buffers.ways.data(), buffers.deliveries.data());
  lane->watch(watched, ENGINES);
  auto moved = [&] { return engine->counters[slot].values[TX_BATCHES] + engine->counters[slot].values[TAP_TX_WRITES]; };
  uint64_t sequence = 0;
  for (int turn = 0; turn != turns && !over.load(std::memory_order_relaxed); turn++) {
    if (turn % SHORTCUTS_KEPT_TURNS == 0) lane->forget_shortcuts();
    uint64_t before = moved();
    int ready = lane->wait(READY_TAP | READY_UDP, WAIT_MS);
    if (moved() != before) carried.fetch_add(1, std::memory_order_relaxed);
    if (ready & READY_TAP) carry_out(*lane, buffers, self, slot, sequence);
    if (ready & (READY_UDP | READY_WOKEN)) carry_in(*lane, buffers, self);
    lane->tell_handed();
    lane->count(LOCAL_MOVES, 1);
  }
}

// The second lane of an engine comes and goes, so that its slot has several threads after each other.
void run_short_lanes(int self, int shared_slot) {
  while (!over.load(std::memory_order_relaxed)) {
    std::shared_ptr<Engine> engine = stations[self].engine;
    int slot = shared_slot >= 0 ? shared_slot : engine->take_slot();
    if (slot < 0) continue;
    std::thread lane(run_lane, self, slot, 200);
    lane.join();
  }
}

void feed(int round) {
  for (Station& station : stations) {
    FrameWish wishes[] = {
        {true, 20'000, 1300, static_cast<uint32_t>(round) * 20'000, true},
        {false, 6'000, 600, 0, true},
        {false, 64, 0, 0, true},
        {false, 64, 0, 0, true},
        {false, 3'000, 0, 0, false},
        {true, 100, 0, static_cast<uint32_t>(round) * 100, true},
        {false, 1'500, 0, 0, true},
    };
    for (const FrameWish& wish : wishes) {
      std::vector<uint8_t> frame = tap_frame(wish);
      if (write(station.outside, frame.data(), frame.size()) < 0) break;
    }
    static uint8_t got[VNET_HEADER + FRAME_MAX];
    for (ssize_t bytes; (bytes = read(station.outside, got, sizeof got)) > 0;) {
      const char* fault = fault_of_written(got, static_cast<int>(bytes));
      if (fault == nullptr) continue;
      if (faults.fetch_add(1) == 0) fprintf(stderr, "racing-lanes: a TAP was given %s\n", fault);
    }
  }
}

// What waits for links goes over them at once.
void carry_links() {
  for (int at = 0; at < ENGINES; at++) {
    for (Bundle& bundle : stations[at].engine->handover.take()) {
      if (bundle.peer < 0 || bundle.peer >= ENGINES) continue;
      stations[bundle.peer].engine->inject(at, bundle.bytes.data(), static_cast<int>(bundle.bytes.size()));
    }
  }
}

void change_tables(int round) {
  int a = round % ENGINES, b = (a + 1) % ENGINES, c = (a + 2) % ENGINES;
  Engine& engine = *stations[a].engine;
  uint8_t body[400] = {1, 2, 3};
  uint64_t totals[4];
  Endpoint nowhere;
  switch (round / ENGINES % 10) {
    case 0: give_session(a, b, round / ENGINES + 1); break;
    case 1: engine.set_via(b, c); break;
    case 2: engine.set_spare(b, c); break;
    case 3: engine.set_via(b, -1); engine.set_path_bytes(b, PATH_SHORT, true, false); break;
    case 4: engine.set_via(c, VIA_LINK); break;
    case 5: engine.set_path_bytes(b, PATH_LONG, round % 2 == 0, true); break;
    case 6: engine.set_via(c, -1); engine.set_endpoint(c, nowhere); give_peer(a, c); break;
    case 7:
      engine.remove_peer(b);
      give_peer(a, b);
      give_session(a, b, round / ENGINES + 1);
      break;
    case 8:
      engine.send_measured(b, body, sizeof body, 1, 20, false);
      engine.raw_token = le64(body + MEASURED_TOKEN_AT);
      break;
    default:
      engine.set_offload("udpGso", round % 4 != 0);
      engine.set_offload("checksum", true);
  }
  for (int peer = 0; peer < ENGINES; peer++) {
    if (peer == a) continue;
    for (int back = 0; back < 3; back++) {
      uint32_t receiver = receiver_of(a, peer, round / ENGINES + 1 - back);
      if (engine.session_totals(receiver, totals)) engine.send_control(receiver, body, sizeof body, nullptr, 2);
    }
  }
  __atomic_fetch_add(&watched[a], 2, __ATOMIC_RELEASE);
  engine.wake();
  if (round % 50 == 0) release_memory();
  if (round % 100 == 0) test_tap_datagrams();
}

uint64_t total_of(Counter counter) {
  uint64_t total = 0;
  for (Station& station : stations) total += station.engine->counter(counter);
  return total;
}

bool is_enough(int round) {
  if (round < ROUNDS_MIN || controls.load() < 100 || carried.load() < CARRIED_MIN) return false;
  for (const Wanted& wanted : WANTED) {
    if (total_of(wanted.counter) < wanted.least) return false;
  }
  return true;
}

}  // namespace

int main(int count, char** words) {
  bool one_slot = count > 1 && strcmp(words[1], "--one-slot") == 0;
  const char* failure = aead_load();
  if (failure == nullptr) failure = origin_load();
  if (failure != nullptr) return fprintf(stderr, "racing-lanes: %s\n", failure), 1;
  for (Station& station : stations) {
    if (!open_station(station)) return 1;
  }
  for (int at = 0; at < ENGINES; at++) {
    uint8_t id[8];
    short_id_of(at, id);
    stations[at].engine->set_self(id);
    for (int peer = 0; peer < ENGINES; peer++) if (peer != at) give_peer(at, peer);
  }
  for (int at = 0; at < ENGINES; at++) give_session(at, (at + 1) % ENGINES, 0);

  std::vector<std::thread> threads;
  for (int at = 0; at < ENGINES; at++) {
    int slot = stations[at].engine->take_slot();
    threads.emplace_back(run_lane, at, slot, -1);
    threads.emplace_back(run_short_lanes, at, one_slot ? slot : -1);
  }
  int64_t until = now_ms() + LIMIT_MS;
  int round = 0;
  bool enough = false;
  while (!enough && now_ms() < until) {
    feed(round);
    carry_links();
    change_tables(round++);
    enough = is_enough(round);
  }
  for (Station& station : stations) forget_engine(station.id);
  over = true;
  for (std::thread& thread : threads) thread.join();
  printf("%d changes of tables, %llu control datagrams, %llu times by shortcuts", round,
         static_cast<unsigned long long>(controls.load()), static_cast<unsigned long long>(carried.load()));
  for (const Wanted& wanted : WANTED) {
    printf(", %llu %s", static_cast<unsigned long long>(total_of(wanted.counter)), COUNTER_NAMES[wanted.counter]);
  }
  printf("\n");
  for (Station& station : stations) close(station.outside);
  if (!enough) return fprintf(stderr, "racing-lanes: not enough of everything within %d s\n", LIMIT_MS / 1000), 1;
  return faults.load() == 0 ? 0 : 1;
}
