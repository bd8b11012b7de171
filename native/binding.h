#pragma once
#include "napi-values.h"

namespace weave {

void define(napi_env env, napi_value exports, const char* name, napi_callback function);
void define_control(napi_env env, napi_value exports);
void define_lane(napi_env env, napi_value exports);
void define_pieces(napi_env env, napi_value exports);

}  // namespace weave
