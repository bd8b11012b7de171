// The OpenSSL that the process already holds (Node.js exports its functions), else libcrypto.so.3. The few prototypes that
// are needed are declared where they are used, so that no headers of it are.
#pragma once
#include <initializer_list>

namespace weave {

// A pointer to a function, and what it is to point to.
struct OpensslSymbol {
  template <typename Function>
  OpensslSymbol(Function*& function, const char* symbol) : slot(reinterpret_cast<void**>(&function)), name(symbol) {}
  void** slot;
  const char* name;
};

// Resolves all of them from one of the two. False when neither has all.
bool resolve_openssl(std::initializer_list<OpensslSymbol> symbols);

}  // namespace weave
