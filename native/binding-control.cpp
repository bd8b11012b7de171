// N-API: opening an engine, and EngineControl.
#include <sys/socket.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "binding.h"
#include "bytes.h"
#include "napi-values.h"
#include "registry.h"
#include "resident.h"

namespace weave {
namespace {

napi_value throw_error(napi_env env, const char* code, const char* message) {
  napi_throw_error(env, code, message);
  return nullptr;
}

const char* errno_name(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "EUNKNOWN";
}

std::shared_ptr<Engine> engine_of(napi_env env, Arguments& arguments) {
  int id = arguments.integer(0);
  if (arguments.failed) return nullptr;
  auto engine = find_engine(id);
  if (engine == nullptr) napi_throw_error(env, "CLOSED", "this packet engine is closed");
  return engine;
}

bool endpoint_of(Arguments& arguments, size_t index, Endpoint& endpoint) {
  size_t length = 0;
  uint8_t* ip = arguments.array(index, 0, &length);
  int port = arguments.integer(index + 1);
  if (arguments.failed) return false;
  if (length == 16) {
    memcpy(endpoint.ip, ip, 16);
  } else if (length == 4) {
    endpoint.ip[10] = endpoint.ip[11] = 0xff;
    memcpy(endpoint.ip + 12, ip, 4);
  } else {
    return false;
  }
  endpoint.port = static_cast<uint16_t>(port);
  endpoint.is_set = true;
  return port > 0 && port < 65536;
}

int peer_index(napi_env env, Arguments& arguments, size_t at) {
  int index = arguments.integer(at);
  if (arguments.failed) return -1;
  if (index >= 0 && index <= PEER_INDEX_MAX) return index;
  napi_throw_range_error(env, nullptr, "a peer index is out of range");
  return -1;
}

// 0, which no session has, for what is no 32-bit number.
uint32_t receiver_index(Arguments& arguments, size_t at) {
  double index = arguments.number(at);
  return index >= 0 && index <= UINT32_MAX ? static_cast<uint32_t>(index) : 0;
}

// openEngine(tapName, tapFd, address | null, port, tapGso, uso, checksum, udpGso, udpGro) → id
napi_value open_engine(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const char* wrong = aead_load();
  if (wrong == nullptr) wrong = origin_load();
  if (wrong != nullptr) return throw_error(env, "CRYPTO", wrong);
  EngineOptions options;
  options.tap_name = arguments.text(0);
  options.tap_descriptor = arguments.integer(1);
  Endpoint address;
  int port = arguments.integer(3);
  if (!arguments.is_missing(2)) {
    size_t length = 0;
    uint8_t* ip = arguments.array(2, 0, &length);
    if (!arguments.failed && length == 16) memcpy(options.address, ip, 16);
    else if (!arguments.failed && length == 4) {
      options.address[10] = options.address[11] = 0xff;
      memcpy(options.address + 12, ip, 4);
    }
    else if (!arguments.failed) return throw_error(env, "RANGE", "an address has 4 or 16 bytes");
    options.has_address = true;
  }
  if (port < 0 || port > 65535) return throw_error(env, "RANGE", "a port is out of range");
  options.port = static_cast<uint16_t>(port);
  options.tap_offloads = {arguments.boolean(6), arguments.boolean(4), arguments.boolean(5)};
  options.udp_gso = arguments.boolean(7);
  options.udp_gro = arguments.boolean(8);
  if (arguments.failed) return nullptr;
  Failure failure;
  auto engine = Engine::open(options, failure);
  if (engine == nullptr) {
    std::string message = std::string(failure.step) + ": " + strerror(failure.error);
    return throw_error(env, errno_name(failure.error), message.c_str());
  }
  int id = register_engine(std::move(engine));
  return id < 0 ? throw_error(env, "LIMIT", "too many packet engines in one process") : int_value(env, id);
}

napi_value close_engine(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int id = arguments.integer(0);
  if (!arguments.failed) forget_engine(id);
  return undefined_value(env);
}

napi_value test_value(napi_env env, SelfTest test) {
  return text_value(env, test == SelfTest::passed ? "passed" : test == SelfTest::failed ? "failed" : "untested");
}

napi_value describe_engine(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  napi_value result;
  napi_create_object(env, &result);
  auto set = [&](const char* name, napi_value value) { napi_set_named_property(env, result, name, value); };
  set("tapName", text_value(env, engine->tap_name.c_str()));
  set("port", int_value(env, engine->udp.port));
  set("family", int_value(env, engine->udp.family == AF_INET6 ? 6 : 4));
  set("checksum", bool_value(env, engine->tap_offloads.checksum));
  set("tapGso", bool_value(env, engine->tap_offloads.tso));
  set("tapUso", bool_value(env, engine->join_udp));
  set("udpGso", bool_value(env, engine->udp_gso));
  set("udpGro", bool_value(env, engine->udp.gro));
  set("tapQueues", bool_value(env, engine->taps.size() > 1));
  set("udpClasses", bool_value(env, engine->udp.expedited >= 0));
  set("udpSelfTest", test_value(env, engine->udp_test));
  set("tapSelfTest", test_value(env, engine->tap_test));
  return result;
}

napi_value set_self(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  uint8_t* short_id = engine ? arguments.array(1, 8) : nullptr;
  if (engine && !arguments.failed) engine->set_self(short_id);
  return undefined_value(env);
}

napi_value set_peer(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  uint8_t* short_id = index >= 0 ? arguments.array(2, 8) : nullptr;
  if (index >= 0 && !arguments.failed) engine->set_peer(index, short_id);
  return undefined_value(env);
}

napi_value remove_peer(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index >= 0) engine->remove_peer(index);
  return undefined_value(env);
}

// addSession(id, peer, receiverIndex, remoteIndex, cipher (1 GCM, 2 ChaCha), sendKey, receiveKey, firstCounter)
napi_value add_session(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index < 0) return nullptr;
  uint32_t receiver = receiver_index(arguments, 2), remote = receiver_index(arguments, 3);
  int cipher = arguments.integer(4);
  uint8_t *send_key = arguments.array(5, 32), *receive_key = arguments.array(6, 32);
  double first = arguments.number(7);
  if (arguments.failed) return nullptr;
  if ((cipher != 1 && cipher != 2) || receiver == 0 || !(first >= 0) || first > std::ldexp(1, 62)) {
    return throw_error(env, "RANGE", "a session's cipher, receiver index or first counter is out of range");
  }
  const char* wrong = engine->add_session(std::make_unique<Session>(
      index, receiver, remote, static_cast<Cipher>(cipher), send_key, receive_key, static_cast<uint64_t>(first)));
  return wrong != nullptr ? throw_error(env, "SESSION", wrong) : undefined_value(env);
}

napi_value remove_session(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  uint32_t receiver = receiver_index(arguments, 1);
  if (!arguments.failed) engine->remove_session(receiver);
  return undefined_value(env);
}

napi_value seal_with(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index < 0) return nullptr;
  uint32_t receiver = receiver_index(arguments, 2);
  if (arguments.failed) return nullptr;
  engine->seal_with(index, receiver);
  return undefined_value(env);
}

napi_value set_endpoint(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index < 0) return nullptr;
  Endpoint endpoint;
  if (!arguments.is_missing(2) && !endpoint_of(arguments, 2, endpoint)) {
    return arguments.failed ? nullptr : throw_error(env, "RANGE", "an endpoint has 4 or 16 address bytes and a port");
  }
  engine->set_endpoint(index, endpoint);
  return undefined_value(env);
}

napi_value set_path_bytes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index < 0) return nullptr;
  int bytes = arguments.integer(2);
  bool found = !arguments.is_missing(3) && arguments.boolean(3);
  bool trains = arguments.is_missing(4) || arguments.boolean(4);
  if (!arguments.failed) engine->set_path_bytes(index, bytes, found, trains);
  return undefined_value(env);
}

// setBridgeAddresses(id, 17 bytes each: the address, IPv4 written IPv4-mapped, and the bits of its prefix)
napi_value set_bridge_addresses(napi_env env, napi_callback_info info) {
  constexpr size_t BYTES = 17;
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  size_t length = 0;
  uint8_t* packed = arguments.array(1, 0, &length);
  if (arguments.failed) return nullptr;
  BridgeAddresses addresses;
  for (size_t at = 0; at + BYTES <= length && addresses.count < BRIDGE_ADDRESSES_MAX; at += BYTES) {
    if (packed[at + 16] > 128) continue;
    BridgeAddress& one = addresses.at[addresses.count++];
    memcpy(one.ip, packed + at, 16);
    one.prefix = packed[at + 16];
  }
  engine->set_bridge_addresses(addresses);
  return undefined_value(env);
}

// setClamping(id, on): whether TCP connections learn which segment size the path carries
napi_value set_clamping(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  bool on = arguments.boolean(1);
  if (!arguments.failed) engine->set_clamping(on);
  return undefined_value(env);
}

// (id, peerIndex, a number: mostly of another peer, or what stands for none)
template <void (Engine::*set)(int, int)>
napi_value set_way(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index < 0) return nullptr;
  int other = arguments.integer(2);
  if (!arguments.failed) ((*engine).*set)(index, other);
  return undefined_value(env);
}

// setOriginKeys(engine, peer, to: 16 bytes, from: 16 bytes)
napi_value set_origin_keys(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index < 0) return nullptr;
  uint8_t* to = arguments.array(2, 16);
  uint8_t* from = arguments.array(3, 16);
  if (!arguments.failed) engine->set_origin_keys(index, to, from);
  return undefined_value(env);
}

// sendControl(id, receiverIndex, body, ip | null, port, copies) → boolean
napi_value send_control(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  uint32_t receiver = receiver_index(arguments, 1);
  size_t length = 0;
  uint8_t* body = arguments.array(2, 0, &length);
  Endpoint endpoint;
  bool named = !arguments.is_missing(3);
  if (arguments.failed || (named && !endpoint_of(arguments, 3, endpoint))) return bool_value(env, false);
  if (length > UDP_PAYLOAD_MAX) return bool_value(env, false);
  int copies = arguments.is_missing(5) ? 1 : arguments.integer(5);
  if (arguments.failed || copies < 1 || copies > TRAIN_MAX) return bool_value(env, false);
  return bool_value(
      env, engine->send_control(receiver, body, static_cast<int>(length), named ? &endpoint : nullptr, copies));
}

// sendMeasured(id, peer, body, first, count, raw) → how many left
napi_value send_measured(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int index = engine ? peer_index(env, arguments, 1) : -1;
  if (index < 0) return nullptr;
  size_t length = 0;
  uint8_t* body = arguments.array(2, 0, &length);
  uint32_t first = receiver_index(arguments, 3);
  int count = arguments.integer(4);
  bool raw = arguments.boolean(5);
  if (arguments.failed) return nullptr;
  if (length > UDP_PAYLOAD_MAX || count < 1 || count > MEASURED_BURST_MAX) return number_value(env, 0);
  return number_value(env, engine->send_measured(index, body, static_cast<int>(length), first, count, raw));
}

// takeRaw(id, token | null)
napi_value take_raw(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  uint8_t* token = arguments.is_missing(1) ? nullptr : arguments.array(1, 8);
  if (!arguments.failed) engine->raw_token.store(token == nullptr ? 0 : le64(token), std::memory_order_relaxed);
  return undefined_value(env);
}

// injectDatagrams(id, neighbour, bundle) → false when it is none
napi_value inject_datagrams(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  int neighbour = engine ? peer_index(env, arguments, 1) : -1;
  if (neighbour < 0) return nullptr;
  size_t length = 0;
  uint8_t* bundle = arguments.array(2, 0, &length);
  if (arguments.failed) return nullptr;
  return bool_value(env, length <= BUNDLE_BYTES_MAX && engine->inject(neighbour, bundle, static_cast<int>(length)));
}

// tellHandedHere(id): as tellHanded of a lane, for what the control side itself handed over
napi_value tell_handed_here(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  return engine == nullptr ? nullptr : bool_value(env, engine->handover.tell());
}

// takeHanded(id) → [peer index, bundle, peer index, bundle, …], the oldest first
napi_value take_handed(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  napi_value result;
  napi_create_array(env, &result);
  uint32_t at = 0;
  for (const Bundle& bundle : engine->handover.take()) {
    napi_value copy;
    if (napi_create_buffer_copy(env, bundle.bytes.size(), bundle.bytes.data(), nullptr, &copy) != napi_ok) break;
    napi_set_element(env, result, at++, int_value(env, bundle.peer));
    napi_set_element(env, result, at++, copy);
  }
  return result;
}

napi_value counters(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  engine->note_kernel_drops();
  napi_value result;
  napi_create_object(env, &result);
  for (int i = 0; i < COUNTERS; i++) {
    napi_set_named_property(env, result, COUNTER_NAMES[i], number_value(env, static_cast<double>(engine->counter(i))));
  }
  return result;
}

// sessionTotals(id, receiverIndex) → [sent datagrams, sent bytes, received datagrams, received bytes]
napi_value session_totals(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  uint32_t receiver = receiver_index(arguments, 1);
  uint64_t totals[4];
  if (arguments.failed || !engine->session_totals(receiver, totals)) return undefined_value(env);
  napi_value result;
  napi_create_array_with_length(env, 4, &result);
  for (uint32_t i = 0; i < 4; i++) napi_set_element(env, result, i, number_value(env, static_cast<double>(totals[i])));
  return result;
}

napi_value wake(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine != nullptr) engine->wake();
  return undefined_value(env);
}

napi_value set_offload(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  auto engine = engine_of(env, arguments);
  if (engine == nullptr) return nullptr;
  std::string name = arguments.text(1);
  bool on = arguments.boolean(2);
  return arguments.failed ? nullptr : bool_value(env, engine->set_offload(name, on));
}

// socketPair(bytes?) → [descriptor, descriptor], non-blocking and keeping packet boundaries: a stand-in for a TAP, which refuses
// what is longer than its buffer of so many bytes (the kernel doubles them).
napi_value socket_pair(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int buffer = arguments.is_missing(0) ? SOCKET_BUFFER_BYTES : arguments.integer(0);
  if (arguments.failed) return nullptr;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
    return throw_error(env, errno_name(errno), "socketpair");
  }
  for (int descriptor : pair) setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  napi_value result;
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, int_value(env, pair[0]));
  napi_set_element(env, result, 1, int_value(env, pair[1]));
  return result;
}

// peerCredentials(descriptor) → [pid, uid, gid] of the process that connected a Unix socket, or undefined for any other.
napi_value peer_credentials(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int descriptor = arguments.integer(0);
  if (arguments.failed) return nullptr;
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 || credentials.pid == 0) {
    return undefined_value(env);
  }
  napi_value result;
  napi_create_array_with_length(env, 3, &result);
  napi_set_element(env, result, 0, int_value(env, credentials.pid));
  napi_set_element(env, result, 1, number_value(env, credentials.uid));
  napi_set_element(env, result, 2, number_value(env, credentials.gid));
  return result;
}

// releaseMemory() → of how many bytes of files it let go.
napi_value give_memory_back(napi_env env, napi_callback_info) { return number_value(env, release_memory()); }

}  // namespace

void define_control(napi_env env, napi_value exports) {
  define(env, exports, "openEngine", open_engine);
  define(env, exports, "closeEngine", close_engine);
  define(env, exports, "describeEngine", describe_engine);
  define(env, exports, "setSelf", set_self);
  define(env, exports, "setPeer", set_peer);
  define(env, exports, "removePeer", remove_peer);
  define(env, exports, "addSession", add_session);
  define(env, exports, "removeSession", remove_session);
  define(env, exports, "sealWith", seal_with);
  define(env, exports, "setEndpoint", set_endpoint);
  define(env, exports, "setPathBytes", set_path_bytes);
  define(env, exports, "setBridgeAddresses", set_bridge_addresses);
  define(env, exports, "setClamping", set_clamping);
  define(env, exports, "setVia", set_way<&Engine::set_via>);
  define(env, exports, "setJoining", set_way<&Engine::set_joining>);
  define(env, exports, "setSpare", set_way<&Engine::set_spare>);
  define(env, exports, "setOriginKeys", set_origin_keys);
  define(env, exports, "sendControl", send_control);
  define(env, exports, "sendMeasured", send_measured);
  define(env, exports, "takeRaw", take_raw);
  define(env, exports, "injectDatagrams", inject_datagrams);
  define(env, exports, "tellHandedHere", tell_handed_here);
  define(env, exports, "takeHanded", take_handed);
  define(env, exports, "counters", counters);
  define(env, exports, "sessionTotals", session_totals);
  define(env, exports, "wake", wake);
  define(env, exports, "setOffload", set_offload);
  define(env, exports, "socketPair", socket_pair);
  define(env, exports, "peerCredentials", peer_credentials);
  define(env, exports, "releaseMemory", give_memory_back);
}

}  // namespace weave
