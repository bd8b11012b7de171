// Reading arguments and making results of N-API calls.
#pragma once
#define NAPI_VERSION 8
#include <node_api.h>

#include <cstdint>
#include <string>

namespace weave {

inline napi_value undefined_value(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

inline napi_value number_value(napi_env env, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  return value;
}

inline napi_value int_value(napi_env env, int32_t number) {
  napi_value value;
  napi_create_int32(env, number, &value);
  return value;
}

inline napi_value bool_value(napi_env env, bool flag) {
  napi_value value;
  napi_get_boolean(env, flag, &value);
  return value;
}

inline napi_value text_value(napi_env env, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

// The arguments of one call. A wrong type throws in JavaScript and sets `failed`.
class Arguments {
 public:
  static constexpr size_t MAX = 10;

  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = MAX;
    napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
    count_ = count;
  }

  bool failed = false;

  bool is_missing(size_t index) {
    napi_valuetype type = napi_undefined;
    if (index < count_ && index < MAX) napi_typeof(env_, values_[index], &type);
    return type == napi_undefined || type == napi_null;
  }

  int32_t integer(size_t index) {
    int32_t value = 0;
    check(index < count_ && napi_get_value_int32(env_, values_[index], &value) == napi_ok, "a number is expected");
    return value;
  }

  double number(size_t index) {
    double value = 0;
    check(index < count_ && napi_get_value_double(env_, values_[index], &value) == napi_ok, "a number is expected");
    return value;
  }

  bool boolean(size_t index) {
    bool value = false;
    check(index < count_ && napi_get_value_bool(env_, values_[index], &value) == napi_ok, "a boolean is expected");
    return value;
  }

  std::string text(size_t index) {
    char buffer[256] = {};
    size_t length = 0;
    check(index < count_ && napi_get_value_string_utf8(env_, values_[index], buffer, sizeof buffer, &length) == napi_ok,
          "a string is expected");
    return std::string(buffer, length);
  }

  // The bytes of a typed array; `bytes` 0 takes any length.
  uint8_t* array(size_t index, size_t bytes, size_t* actual = nullptr) {
    napi_typedarray_type type;
    size_t elements = 0;
    void* data = nullptr;
    bool ok = index < count_ &&
              napi_get_typedarray_info(env_, values_[index], &type, &elements, &data, nullptr, nullptr) == napi_ok;
    size_t length = ok ? elements * (type == napi_int32_array ? 4 : 1) : 0;
    ok = ok && (type == napi_int32_array || type == napi_uint8_array) && (bytes == 0 || length == bytes);
    check(ok, "a typed array of another length is expected");
    if (actual != nullptr) *actual = length;
    return static_cast<uint8_t*>(data);
  }

  napi_value raw(size_t index) const { return values_[index]; }

 private:
  void check(bool ok, const char* message) {
    if (ok || failed) return;
    failed = true;
    napi_throw_type_error(env_, nullptr, message);
  }

  napi_env env_;
  napi_value values_[MAX] = {};
  size_t count_ = 0;
};

}  // namespace weave
