// N-API: EngineLane, and the module itself. Safe to load in several threads: what is shared lives in the registry.
#include <cerrno>
#include <cstring>
#include <vector>

#include "binding.h"
#include "registry.h"
#include "resident.h"

namespace weave {
namespace {

// What keeps the arrays of a lane from being collected.
struct LaneHandle {
  napi_env env;
  int id;
  napi_ref arrays[6];  // the last: what is watched
};

thread_local std::vector<LaneHandle*> handles;

Lane* lane_of(napi_env env, Arguments& arguments) {
  int id = arguments.integer(0);
  if (arguments.failed) return nullptr;
  Lane* lane = find_lane(id);
  if (lane == nullptr) napi_throw_error(env, "CLOSED", "this lane is closed");
  return lane;
}

void release(LaneHandle* handle, bool references) {
  forget_lane(handle->id);
  if (references) {
    for (napi_ref array : handle->arrays) if (array != nullptr) napi_delete_reference(handle->env, array);
  }
  for (auto& known : handles) {
    if (known != handle) continue;
    known = handles.back();
    handles.pop_back();
    break;
  }
  delete handle;
}

void on_environment_end(void* data) { release(static_cast<LaneHandle*>(data), true); }

// openLane(engine, slab, rows, sends, ways, deliveries) → lane
napi_value open_lane(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int id = arguments.integer(0);
  uint8_t* slab = arguments.array(1, SLAB_BYTES);
  uint8_t* rows = arguments.array(2, sizeof(int32_t) * ROWS_MAX * ROW_COLUMNS);
  uint8_t* sends = arguments.array(3, sizeof(int32_t) * SENDS_MAX * SEND_COLUMNS);
  uint8_t* ways = arguments.array(4, sizeof(int32_t) * WAYS_NUMBERS);
  uint8_t* deliveries = arguments.array(5, sizeof(int32_t) * ROWS_MAX);
  if (arguments.failed) return nullptr;
  auto engine = find_engine(id);
  if (engine == nullptr) return napi_throw_error(env, "CLOSED", "this packet engine is closed"), nullptr;
  int slot = engine->take_slot();
  if (slot < 0) return napi_throw_error(env, "LIMIT", "too many lanes on one packet engine"), nullptr;
  int lane = register_lane(std::make_unique<Lane>(engine, slot, slab, reinterpret_cast<int32_t*>(rows),
                                                  reinterpret_cast<int32_t*>(sends),
                                                  reinterpret_cast<int32_t*>(ways),
                                                  reinterpret_cast<int32_t*>(deliveries)));
  if (lane < 0) return napi_throw_error(env, "LIMIT", "too many lanes in one thread"), nullptr;
  auto* handle = new LaneHandle{env, lane, {}};
  for (size_t i = 0; i < 5; i++) napi_create_reference(env, arguments.raw(i + 1), 1, &handle->arrays[i]);
  handles.push_back(handle);
  napi_add_env_cleanup_hook(env, on_environment_end, handle);
  return int_value(env, lane);
}

napi_value close_lane(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int id = arguments.integer(0);
  for (LaneHandle* handle : handles) {
    if (handle->id != id || handle->env != env) continue;
    napi_remove_env_cleanup_hook(env, on_environment_end, handle);
    release(handle, true);
    break;
  }
  return undefined_value(env);
}

napi_value tap_read(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  int error = 0, rows = lane->tap_read(error);
  if (error != 0 && rows == 0) {
    const char* name = strerrorname_np(error);
    napi_throw_error(env, name, "the TAP device can no longer be read");
    return nullptr;
  }
  return int_value(env, rows);
}

napi_value udp_read(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  return lane == nullptr ? nullptr : int_value(env, lane->udp_read());
}

napi_value send(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  int count = arguments.integer(1);
  return arguments.failed ? nullptr : int_value(env, lane->send(count));
}

napi_value tap_write(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  int count = arguments.integer(1);
  return arguments.failed ? nullptr : int_value(env, lane->tap_write(count));
}

// source(lane, row, out: 16 bytes) → port, or 0 when the row came from no datagram
napi_value source(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  int row = arguments.integer(1);
  uint8_t* out = arguments.array(2, 16);
  if (arguments.failed) return nullptr;
  const Endpoint* endpoint = lane->source(row);
  if (endpoint == nullptr) return int_value(env, 0);
  memcpy(out, endpoint->ip, 16);
  return int_value(env, endpoint->port);
}

napi_value wait(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  int mask = arguments.integer(1), timeout_ms = arguments.integer(2);
  return arguments.failed ? nullptr : int_value(env, lane->wait(mask, timeout_ms));
}

// countDrop(lane, index into SWITCH_DROPS, count)
napi_value count_drop(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  int index = arguments.integer(1), count = arguments.integer(2);
  if (arguments.failed) return nullptr;
  if (index >= 0 && index < SWITCH_DROPS && count > 0) {
    lane->count(DROP_NO_DESTINATION + index, static_cast<uint64_t>(count));
  }
  return undefined_value(env);
}

// countControlFull(lane): a control datagram that was opened and that the main thread was too far behind to take
napi_value count_control_full(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  lane->count(DROP_CONTROL_FULL, 1);
  return undefined_value(env);
}

// watch(lane, words): of the table that shortcuts depend on
napi_value watch(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  size_t bytes = 0;
  uint8_t* words = arguments.array(1, 0, &bytes);
  if (arguments.failed) return nullptr;
  for (LaneHandle* handle : handles) {
    if (handle->id != arguments.integer(0) || handle->env != env || handle->arrays[5] != nullptr) continue;
    napi_create_reference(env, arguments.raw(1), 1, &handle->arrays[5]);
    lane->watch(reinterpret_cast<const int32_t*>(words), bytes / sizeof(int32_t));
  }
  return undefined_value(env);
}

// addShortcut(lane, row, peer or -1, word, its value, another word or -1, its value, ms, ms for large frames)
napi_value add_shortcut(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  int row = arguments.integer(1), peer = arguments.integer(2);
  Witness witness[2] = {{arguments.integer(3), arguments.integer(4)}, {arguments.integer(5), arguments.integer(6)}};
  int valid_ms = arguments.integer(7), large_ms = arguments.integer(8);
  if (!arguments.failed) lane->add_shortcut(row, peer, witness, valid_ms, large_ms);
  return undefined_value(env);
}

// forgetShortcuts(lane)
napi_value forget_shortcuts(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  lane->forget_shortcuts();
  return undefined_value(env);
}

// tellHanded(lane) → whether the main thread has to be told that datagrams wait for it
napi_value tell_handed(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  return lane == nullptr ? nullptr : bool_value(env, lane->tell_handed());
}

// countLocalMove(lane): an address that was local was seen at a peer
napi_value count_local_move(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Lane* lane = lane_of(env, arguments);
  if (lane == nullptr) return nullptr;
  lane->count(LOCAL_MOVES, 1);
  return undefined_value(env);
}

}  // namespace

void define(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}

void define_lane(napi_env env, napi_value exports) {
  define(env, exports, "openLane", open_lane);
  define(env, exports, "closeLane", close_lane);
  define(env, exports, "tapRead", tap_read);
  define(env, exports, "udpRead", udp_read);
  define(env, exports, "send", send);
  define(env, exports, "tapWrite", tap_write);
  define(env, exports, "source", source);
  define(env, exports, "wait", wait);
  define(env, exports, "countDrop", count_drop);
  define(env, exports, "countControlFull", count_control_full);
  define(env, exports, "countLocalMove", count_local_move);
  define(env, exports, "tellHanded", tell_handed);
  define(env, exports, "watch", watch);
  define(env, exports, "addShortcut", add_shortcut);
  define(env, exports, "forgetShortcuts", forget_shortcuts);
  auto constant = [&](const char* name, int value) { napi_set_named_property(env, exports, name, int_value(env, value)); };
  constant("SLAB_BYTES", SLAB_BYTES);
  constant("ROWS_MAX", ROWS_MAX);
  constant("LARGE_FRAME_BYTES", LARGE_FRAME_BYTES);
  constant("SENDS_MAX", SENDS_MAX);
  constant("WAYS_NUMBERS", WAYS_NUMBERS);
}

}  // namespace weave

NAPI_MODULE_INIT() {
  weave::keep_malloc_lean();
  weave::define_control(env, exports);
  weave::define_lane(env, exports);
  weave::define_pieces(env, exports);
  return exports;
}
