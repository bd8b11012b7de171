#include "openssl.h"

#include <dlfcn.h>

namespace weave {
namespace {

bool resolve_from(void* handle, std::initializer_list<OpensslSymbol> symbols) {
  bool complete = true;
  for (const OpensslSymbol& symbol : symbols) {
    *symbol.slot = dlsym(handle, symbol.name);
    if (*symbol.slot == nullptr) complete = false;
  }
  return complete;
}

}  // namespace

bool resolve_openssl(std::initializer_list<OpensslSymbol> symbols) {
  if (resolve_from(RTLD_DEFAULT, symbols)) return true;
  void* library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  return library != nullptr && resolve_from(library, symbols);
}

}  // namespace weave
