// N-API: a reassembler by itself, with the time in the caller's hands, for tests.
#include <cstring>

#include "binding.h"
#include "napi-values.h"
#include "reassembly.h"

namespace weave {
namespace {

void release(napi_env, void* data, void*) { delete static_cast<Reassembler*>(data); }

// makeReassembler() → handle
napi_value make_reassembler(napi_env env, napi_callback_info) {
  napi_value handle;
  napi_create_external(env, new Reassembler(), release, nullptr, &handle);
  return handle;
}

// reassemble(handle, peer, plaintext, now) → { whole: Uint8Array | null, expired, full, malformed, frames, bytes }
napi_value reassemble(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  void* handle = nullptr;
  if (arguments.is_missing(0) || napi_get_value_external(env, arguments.raw(0), &handle) != napi_ok) {
    napi_throw_type_error(env, nullptr, "a reassembler is expected");
    return nullptr;
  }
  auto& pieces = *static_cast<Reassembler*>(handle);
  int peer = arguments.integer(1);
  size_t length = 0;
  uint8_t* plaintext = arguments.array(2, 0, &length);
  double now = arguments.number(3);
  if (arguments.failed) return nullptr;
  Reassembler::Losses losses;
  Fragment fragment;
  std::unique_ptr<uint8_t[]> whole;
  int bytes = 0;
  if (parse_fragment(plaintext, static_cast<int>(length), fragment)) {
    whole = pieces.add(peer, fragment, static_cast<int64_t>(now), bytes, losses);
  } else {
    losses.malformed++;
  }
  napi_value result, frame;
  napi_create_object(env, &result);
  napi_get_null(env, &frame);
  if (whole != nullptr) {
    void* data = nullptr;
    napi_value buffer;
    napi_create_arraybuffer(env, static_cast<size_t>(bytes), &data, &buffer);
    memcpy(data, whole.get(), static_cast<size_t>(bytes));
    napi_create_typedarray(env, napi_uint8_array, static_cast<size_t>(bytes), buffer, 0, &frame);
  }
  napi_set_named_property(env, result, "whole", frame);
  napi_set_named_property(env, result, "expired", int_value(env, losses.expired));
  napi_set_named_property(env, result, "full", int_value(env, losses.full));
  napi_set_named_property(env, result, "malformed", int_value(env, losses.malformed));
  napi_set_named_property(env, result, "frames", int_value(env, pieces.frames()));
  napi_set_named_property(env, result, "bytes", int_value(env, pieces.bytes()));
  return result;
}

}  // namespace

void define_pieces(napi_env env, napi_value exports) {
  define(env, exports, "makeReassembler", make_reassembler);
  define(env, exports, "reassemble", reassemble);
}

}  // namespace weave
