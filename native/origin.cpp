#include "origin.h"

#include <cstring>

#include "aead.h"
#include "bytes.h"
#include "openssl.h"
#include "siphash.h"

namespace weave {
namespace {

struct Api {
  void* (*context_new)();
  void (*context_free)(void*);
  void* (*fetch)(void*, const char*, const char*);
  int (*init)(void*, const void*, void*);
  int (*update)(void*, const void*, size_t);
  int (*final)(void*, uint8_t*, unsigned*);
};

Api api;
const void* sha256 = nullptr;  // fetched once: by name it is looked for at each use
const char* failure = nullptr;
std::once_flag once;

bool resolve() {
  return resolve_openssl({
      {api.context_new, "EVP_MD_CTX_new"},
      {api.context_free, "EVP_MD_CTX_free"},
      {api.fetch, "EVP_MD_fetch"},
      {api.init, "EVP_DigestInit_ex"},
      {api.update, "EVP_DigestUpdate"},
      {api.final, "EVP_DigestFinal_ex"},
  });
}

constexpr int COUNTER_BITS = 60;
constexpr uint64_t COUNTER_MASK = (1ull << COUNTER_BITS) - 1;

// SHA-256 of "abc" (FIPS 180-4), and SipHash-2-4 of 00 … 0f with the key 00 … 0f (the vectors of its authors).
constexpr uint8_t EXPECTED_SHA[16] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                      0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23};
constexpr uint64_t EXPECTED_SIPHASH = 0x3f2acc7f57c29bdb;

bool hash(void* context, const void* first, size_t first_length, const void* second, size_t length, uint8_t digest[16]) {
  uint8_t whole[32];
  unsigned written = 0;
  if (context == nullptr || api.init(context, sha256, nullptr) != 1 || api.update(context, first, first_length) != 1 ||
      api.update(context, second, length) != 1 || api.final(context, whole, &written) != 1) {
    return false;
  }
  memcpy(digest, whole, 16);
  return true;
}

bool known_answers() {
  uint8_t digest[16], bytes[16];
  void* context = api.context_new();
  bool right = true;
  // Twice: the second time with the reused context.
  for (int round = 0; round < 2; round++) {
    right = right && hash(context, "a", 1, "bc", 2, digest) && memcmp(digest, EXPECTED_SHA, 16) == 0;
  }
  api.context_free(context);
  for (int i = 0; i < 16; i++) bytes[i] = static_cast<uint8_t>(i);
  return right && siphash_of_16(bytes, bytes) == EXPECTED_SIPHASH;
}

}  // namespace

const char* origin_load() {
  std::call_once(once, [] {
    if (!resolve()) {
      failure = "neither the process nor libcrypto.so.3 offers OpenSSL 3's digests";
      return;
    }
    sha256 = api.fetch(nullptr, "SHA256", nullptr);
    if (sha256 == nullptr || !known_answers()) failure = "SHA-256 or SipHash fails its known-answer test";
  });
  return failure;
}

OriginDigest::OriginDigest() : context_(api.context_new()) {}

OriginDigest::~OriginDigest() { api.context_free(context_); }

bool OriginDigest::of(const uint8_t* header, const uint8_t* frame, int length, uint8_t digest[16]) {
  uint8_t same_for_all[ORIGIN_BYTES];
  memcpy(same_for_all, header, ORIGIN_BYTES);
  same_for_all[PASSES_ONLY_AT] = 0;
  return hash(context_, same_for_all, ORIGIN_BYTES, frame, static_cast<size_t>(length), digest);
}

OriginKeys::OriginKeys(const uint8_t to[16], const uint8_t from[16]) {
  memcpy(to_, to, 16);
  memcpy(from_, from, 16);
}

OriginKeys::~OriginKeys() {
  cleanse(to_, 16);
  cleanse(from_, 16);
}

uint64_t OriginKeys::tag(const uint8_t digest[16]) const { return siphash_of_16(to_, digest); }

bool OriginKeys::is_genuine(const uint8_t digest[16], uint64_t tag) const { return siphash_of_16(from_, digest) == tag; }

bool OriginKeys::is_fresh(uint64_t sequence) {
  std::lock_guard<std::mutex> guard(mutex_);
  auto& window = windows_[sequence >> COUNTER_BITS];
  return window == nullptr || window->is_fresh(sequence & COUNTER_MASK);
}

bool OriginKeys::accept(uint64_t sequence) {
  std::lock_guard<std::mutex> guard(mutex_);
  auto& window = windows_[sequence >> COUNTER_BITS];
  if (window == nullptr) window = std::make_unique<OriginWindow>();
  return window->accept(sequence & COUNTER_MASK);
}

}  // namespace weave
