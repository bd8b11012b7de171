#include "engine.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bytes.h"
#include "sender.h"

namespace weave {

const char* const COUNTER_NAMES[COUNTERS] = {
#define WEAVE_NAME(name, text) text,
    WEAVE_COUNTERS(WEAVE_NAME)
#undef WEAVE_NAME
};

Engine::Engine() {
  for (int& descriptor : wake_descriptor) descriptor = -1;
  slot_taken_[0] = true;  // the control side
}

Engine::~Engine() {
  for (int descriptor : taps) close(descriptor);
  close_udp(udp);
  for (int descriptor : wake_descriptor) if (descriptor >= 0) close(descriptor);
}

std::shared_ptr<Engine> Engine::open(const EngineOptions& options, Failure& failure) {
  std::shared_ptr<Engine> engine(new Engine());
  engine->udp = open_udp(options.has_address ? options.address : nullptr, options.port, options.udp_gro, failure);
  if (engine->udp.descriptor < 0) return nullptr;
  open_expedited(engine->udp);
  engine->tap_offloads = options.tap_offloads;
  engine->tap_name = options.tap_name;
  if (options.tap_descriptor >= 0) {
    engine->taps = {options.tap_descriptor};
    fcntl(options.tap_descriptor, F_SETFL, fcntl(options.tap_descriptor, F_GETFL) | O_NONBLOCK);
  } else {
    engine->taps = open_tap(engine->tap_name, TAP_QUEUES, engine->tap_offloads, failure);
    if (engine->taps.empty()) return nullptr;
  }
  engine->join_tcp = engine->tap_offloads.tso;
  if (engine->tap_offloads.uso && options.tap_descriptor < 0) engine->tap_test = test_tap_datagrams();
  engine->join_udp = engine->tap_offloads.uso && engine->tap_test != SelfTest::failed;
  engine->join_udp_proved = engine->tap_test == SelfTest::passed;
  engine->udp_gso = options.udp_gso;
  if (options.udp_gso) {
    engine->udp_test = test_udp_offloads(engine->udp.gro);
    if (engine->udp_test == SelfTest::failed) {
      // Which of the two is at fault decides what stays on.
      if (engine->udp.gro) {
        set_udp_gro(engine->udp, false);
        if (test_udp_offloads(false) == SelfTest::failed) engine->udp_gso = false;
      } else {
        engine->udp_gso = false;
      }
    }
  }
  for (int& descriptor : engine->wake_descriptor) {
    descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) {
      failure = {errno, "eventfd"};
      return nullptr;
    }
  }
  engine->control_sender_ = std::make_unique<Sender>(*engine, 0);
  return engine;
}

void Engine::set_self(const uint8_t short_id[8]) {
  WriteGuard guard(lock);
  memcpy(self, short_id, 8);
  has_self = true;
}

void Engine::set_peer(int index, const uint8_t short_id[8]) {
  WriteGuard guard(lock);
  table.set_peer(index, short_id);
}

void Engine::remove_peer(int index) {
  WriteGuard guard(lock);
  table.remove_peer(index);
  std::lock_guard<std::mutex> one(pieces_mutex);
  pieces.forget(index);
  handover.forget(index);
}

const char* Engine::add_session(std::unique_ptr<Session> session) {
  WriteGuard guard(lock);
  return table.add_session(std::move(session));
}

void Engine::remove_session(uint32_t receiver_index) {
  WriteGuard guard(lock);
  table.remove_session(receiver_index);
}

void Engine::seal_with(int index, uint32_t receiver_index) {
  WriteGuard guard(lock);
  Peer* peer = table.peer(index);
  if (peer == nullptr) return;
  Session* session = table.session(receiver_index);
  peer->sealing = session != nullptr && session->peer == index ? session : nullptr;
}

void Engine::set_endpoint(int index, const Endpoint& endpoint) {
  WriteGuard guard(lock);
  if (Peer* peer = table.peer(index)) peer->endpoint = endpoint;
}

void Engine::set_bridge_addresses(const BridgeAddresses& addresses) {
  WriteGuard guard(lock);
  bridge = addresses;
}

void Engine::set_path_bytes(int index, int bytes, bool found, bool trains) {
  WriteGuard guard(lock);
  if (bytes < PATH_BYTES_MIN) bytes = PATH_BYTES_MIN;
  if (bytes > UDP_PAYLOAD_MAX) bytes = UDP_PAYLOAD_MAX;
  if (Peer* peer = table.peer(index)) {
    peer->path_bytes = bytes;
    peer->path_found = found;
    peer->trains = trains;
  }
}

void Engine::set_joining(int index, int on) {
  WriteGuard guard(lock);
  if (Peer* peer = table.peer(index)) peer->joins = on != 0;
}

void Engine::set_via(int index, int via) {
  WriteGuard guard(lock);
  if (Peer* peer = table.peer(index)) peer->via = via;
}

void Engine::set_spare(int index, int spare) {
  WriteGuard guard(lock);
  if (Peer* peer = table.peer(index)) peer->spare = spare;
}

void Engine::set_origin_keys(int index, const uint8_t to[16], const uint8_t from[16]) {
  auto keys = std::make_unique<OriginKeys>(to, from);
  WriteGuard guard(lock);
  if (Peer* peer = table.peer(index)) peer->origin = std::move(keys);
}

bool Engine::send_control(uint32_t receiver_index, const uint8_t* body, int length, const Endpoint* endpoint, int copies) {
  std::lock_guard<std::mutex> one(control_mutex_);
  ReadGuard guard(lock);
  Session* session = table.session(receiver_index);
  if (session == nullptr) return false;
  if (length < 0 || length > UDP_PAYLOAD_MAX - DATAGRAM_HEADER - DATAGRAM_TAG - RELAY_OVERHEAD - 1) return false;
  Sender& sender = *control_sender_;
  Route route;
  if (endpoint != nullptr) {
    route.endpoint = *endpoint;
    route.hop = session->peer;
  } else {
    // The session may not be the sealing one yet, which `route_to` asks for.
    Peer* peer = table.peer(session->peer);
    Session* sealing = peer->sealing;
    if (sealing == nullptr) {
      const Peer* hop = peer->via < 0 ? peer : table.peer(peer->via);
      if (hop == nullptr || !hop->has_way() || (hop != peer && (hop->sealing == nullptr || hop->via >= 0))) return false;
      route.endpoint = hop->endpoint;
      route.by_link = hop->via == VIA_LINK;
      route.hop = hop->index;
      route.relay = hop == peer ? nullptr : hop->sealing;
      memcpy(route.destination, peer->short_id, 8);
    } else if (!sender.route_to(session->peer, route)) {
      return false;
    }
  }
  route.session = session;
  bool is_train = copies > 1;
  route.trains = is_train;
  route.datagram_class = is_train ? CLASS_BULK : CLASS_EXPEDITED;
  for (int i = 0; i < copies; i++) {
    uint8_t* plaintext = sender.begin(route, length + 1);
    plaintext[0] = KIND_CONTROL;
    if (length > 0) memcpy(plaintext + 1, body, static_cast<size_t>(length));
    if (!sender.commit(route, length + 1)) break;
  }
  sender.flush();
  return sender.taken() == copies;
}

int Engine::send_measured(int peer, const uint8_t* body, int length, uint32_t first, int count, bool raw) {
  std::lock_guard<std::mutex> one(control_mutex_);
  ReadGuard guard(lock);
  Sender& sender = *control_sender_;
  Route route;
  if (length < (raw ? DATAGRAM_BYTES_MIN : MEASURED_BYTES_MIN) || !sender.route_to(peer, route)) return 0;
  // In the clear nothing goes where no probe was answered.
  if (raw && (route.relay != nullptr || route.by_link)) return sender.drop(DROP_NO_PATH), 0;
  int datagram = raw ? length : DATAGRAM_BYTES_MIN + length;
  if (datagram > route.payload_max) return sender.drop(DROP_TOO_BIG, static_cast<uint64_t>(count)), 0;
  for (int i = 0; i < count; i++) {
    uint32_t number = first + static_cast<uint32_t>(i);
    if (raw) {
      put_le32(sender.put(route, body, length) + MEASURED_NUMBER_AT, number);
      continue;
    }
    uint8_t* plaintext = sender.begin(route, length + 1);
    plaintext[0] = KIND_CONTROL;
    memcpy(plaintext + 1, body, static_cast<size_t>(length));
    put_le32(plaintext + 1 + MEASURED_NUMBER_AT, number);
    if (!sender.commit(route, length + 1)) break;
  }
  sender.flush();
  return sender.taken();
}

bool Engine::session_totals(uint32_t receiver_index, uint64_t totals[4]) {
  ReadGuard guard(lock);
  Session* session = table.session(receiver_index);
  if (session == nullptr) return false;
  totals[0] = session->sent_datagrams;
  totals[1] = session->sent_bytes;
  totals[2] = session->received_datagrams;
  totals[3] = session->received_bytes;
  return true;
}

bool Engine::inject(int neighbour, const uint8_t* bundle, int length) {
  int datagrams = bundle_count(bundle, length);
  if (datagrams < 0) return false;
  if (intake.add(neighbour, bundle, length)) wake();
  else counters[0].add(DROP_INTAKE_FULL, static_cast<uint64_t>(datagrams));
  return true;
}

uint64_t Engine::counter(int index) const {
  uint64_t total = 0;
  for (const Counters& lane : counters) total += lane.values[index].load(std::memory_order_relaxed);
  return total;
}

void Engine::note_kernel_drops() {
  std::lock_guard<std::mutex> one(control_mutex_);
  counters[0].add(DROP_UDP_QUEUE, kernel_drops_.of_sockets(udp));
  counters[0].add(DROP_TAP_QUEUE, kernel_drops_.of_tap(tap_name));
}

void Engine::wake() {
  uint64_t one = 1;
  for (int descriptor : wake_descriptor) {
    // A full eventfd is a pending wake all the same.
    if (write(descriptor, &one, sizeof one) < 0) continue;
  }
}

bool Engine::set_offload(const std::string& name, bool on) {
  if (name == "udpGso") return udp_gso = on, true;
  if (name == "udpGro") {
    return set_udp_gro(udp, on);
  }
  TapOffloads wanted = tap_offloads;
  if (name == "tapGso") wanted.tso = wanted.uso = on;
  else if (name == "checksum") wanted.checksum = on;
  else return false;
  if (!wanted.checksum) wanted.tso = wanted.uso = false;
  if (!tap_name.empty() && !set_tap_offloads(taps[0], wanted)) {
    wanted.uso = false;
    if (!set_tap_offloads(taps[0], wanted)) return false;
  }
  tap_offloads = wanted;
  join_tcp = wanted.tso;
  join_udp = wanted.uso && tap_test != SelfTest::failed;
  return true;
}

int Engine::take_slot() {
  std::lock_guard<std::mutex> guard(slots_mutex_);
  for (int slot = 1; slot < LANES_MAX; slot++) {
    if (!slot_taken_[slot]) return slot_taken_[slot] = true, slot;
  }
  return -1;
}

void Engine::release_slot(int slot) {
  std::lock_guard<std::mutex> guard(slots_mutex_);
  slot_taken_[slot] = false;
}

}  // namespace weave
