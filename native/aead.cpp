#include "aead.h"

#include <cstring>
#include <mutex>

#include "bytes.h"
#include "openssl.h"

namespace weave {
namespace {

constexpr int CTRL_GET_TAG = 0x10, CTRL_SET_TAG = 0x11;  // EVP_CTRL_AEAD_*

struct Api {
  void* (*context_new)();
  void (*context_free)(void*);
  int (*context_ctrl)(void*, int, int, void*);
  int (*encrypt_init)(void*, const void*, void*, const uint8_t*, const uint8_t*);
  int (*encrypt_update)(void*, uint8_t*, int*, const uint8_t*, int);
  int (*encrypt_final)(void*, uint8_t*, int*);
  int (*decrypt_init)(void*, const void*, void*, const uint8_t*, const uint8_t*);
  int (*decrypt_update)(void*, uint8_t*, int*, const uint8_t*, int);
  int (*decrypt_final)(void*, uint8_t*, int*);
  const void* (*aes_256_gcm)();
  const void* (*chacha20_poly1305)();
  void (*cleanse)(void*, unsigned long);
};

Api api;
const char* failure = nullptr;
std::once_flag once;

bool resolve() {
  return resolve_openssl({
      {api.context_new, "EVP_CIPHER_CTX_new"},
      {api.context_free, "EVP_CIPHER_CTX_free"},
      {api.context_ctrl, "EVP_CIPHER_CTX_ctrl"},
      {api.encrypt_init, "EVP_EncryptInit_ex"},
      {api.encrypt_update, "EVP_EncryptUpdate"},
      {api.encrypt_final, "EVP_EncryptFinal_ex"},
      {api.decrypt_init, "EVP_DecryptInit_ex"},
      {api.decrypt_update, "EVP_DecryptUpdate"},
      {api.decrypt_final, "EVP_DecryptFinal_ex"},
      {api.aes_256_gcm, "EVP_aes_256_gcm"},
      {api.chacha20_poly1305, "EVP_chacha20_poly1305"},
      {api.cleanse, "OPENSSL_cleanse"},
  });
}

void nonce_of(Cipher cipher, uint64_t counter, uint8_t nonce[12]) {
  memset(nonce, 0, 4);
  put_le64(nonce + 4, cipher == Cipher::aes256gcm ? __builtin_bswap64(counter) : counter);
}

// Expected results for key 00 01 … 1f, counter 0x0102030405060708, associated data 10 … 1f, plaintext 40 … 7f: the first by
// OpenSSL 3 through two other programs, the second by @stablelib/chacha20poly1305 and OpenSSL alike.
constexpr uint8_t EXPECTED_GCM[80] = {
    0x44, 0x10, 0x27, 0x4d, 0x99, 0xa4, 0x4f, 0xd9, 0x4b, 0xd6, 0xb7, 0xa4, 0x52, 0x2a, 0x77, 0xbf,
    0x2a, 0xa8, 0x0e, 0x91, 0x83, 0x80, 0x1e, 0x3b, 0xb1, 0xa2, 0x0e, 0x0b, 0x37, 0x6a, 0x81, 0x92,
    0x4f, 0x49, 0x7a, 0xfb, 0xfe, 0xdf, 0xab, 0x41, 0x88, 0x6e, 0x08, 0xf0, 0x06, 0x44, 0x3e, 0xc9,
    0x4a, 0x8a, 0xab, 0xd2, 0x51, 0x75, 0xcd, 0xd1, 0x33, 0x63, 0xc3, 0x98, 0x0f, 0xd2, 0x6c, 0x90,
    0x0d, 0xd1, 0x70, 0xf1, 0xdc, 0x87, 0x1b, 0x47, 0x11, 0xc1, 0x70, 0x29, 0x58, 0x3e, 0x40, 0x3d,
};
constexpr uint8_t EXPECTED_CHACHA[80] = {
    0xb0, 0x08, 0xef, 0xa7, 0xef, 0x7c, 0xac, 0x5f, 0x2c, 0xe2, 0x60, 0x87, 0x3f, 0x35, 0x2f, 0xf7,
    0xb0, 0x57, 0xa0, 0x97, 0xdc, 0x11, 0x13, 0xc9, 0x0f, 0x6c, 0xfd, 0x06, 0xb5, 0x5f, 0xf9, 0x82,
    0x39, 0x1d, 0x62, 0xde, 0xb6, 0x57, 0x6f, 0x9e, 0x78, 0x5d, 0x0c, 0x9b, 0xae, 0x0d, 0x8e, 0x09,
    0x8c, 0xce, 0x84, 0xfb, 0x5b, 0xe9, 0xfa, 0x6b, 0xfa, 0x9e, 0xf7, 0xd2, 0x95, 0x08, 0xab, 0xa1,
    0x2d, 0x37, 0x12, 0x75, 0x6f, 0xca, 0xad, 0x45, 0x9a, 0xe5, 0x30, 0xb1, 0x7c, 0xe8, 0x56, 0xd9,
};

bool known_answer(Cipher cipher, const uint8_t expected[80]) {
  uint8_t key[32], associated[16], data[80];
  for (int i = 0; i < 32; i++) key[i] = static_cast<uint8_t>(i);
  for (int i = 0; i < 16; i++) associated[i] = static_cast<uint8_t>(0x10 + i);
  for (int i = 0; i < 64; i++) data[i] = static_cast<uint8_t>(0x40 + i);
  constexpr uint64_t COUNTER = 0x0102030405060708;
  AeadKey sealing, opening;
  if (!sealing.init(cipher, key, true) || !opening.init(cipher, key, false)) return false;
  // Twice: the second time with the reused context.
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 64; i++) data[i] = static_cast<uint8_t>(0x40 + i);
    if (!sealing.seal(COUNTER, associated, 16, data, 64) || memcmp(data, expected, 80) != 0) return false;
    data[79] ^= 1;
    uint8_t copy[80];
    memcpy(copy, data, 80);
    if (opening.open(COUNTER, associated, 16, copy, 64)) return false;
    data[79] ^= 1;
    if (!opening.open(COUNTER, associated, 16, data, 64)) return false;
    for (int i = 0; i < 64; i++) if (data[i] != 0x40 + i) return false;
  }
  return true;
}

}  // namespace

const char* aead_load() {
  std::call_once(once, [] {
    if (!resolve()) {
      failure = "neither the process nor libcrypto.so.3 offers OpenSSL 3's EVP functions";
      return;
    }
    if (!known_answer(Cipher::aes256gcm, EXPECTED_GCM)) failure = "AES-256-GCM fails its known-answer test";
    else if (!known_answer(Cipher::chacha20poly1305, EXPECTED_CHACHA)) {
      failure = "ChaCha20-Poly1305 fails its known-answer test";
    }
  });
  return failure;
}

void cleanse(void* bytes, unsigned long length) {
  auto* p = static_cast<volatile uint8_t*>(bytes);
  while (length--) *p++ = 0;
}

AeadKey::~AeadKey() {
  if (context_ != nullptr) api.context_free(context_);  // OpenSSL clears the key schedule
}

bool AeadKey::init(Cipher cipher, const uint8_t key[32], bool sealing) {
  if (context_ == nullptr) context_ = api.context_new();
  if (context_ == nullptr) return false;
  cipher_ = cipher;
  const void* kind = cipher == Cipher::aes256gcm ? api.aes_256_gcm() : api.chacha20_poly1305();
  uint8_t nonce[12] = {0};
  return (sealing ? api.encrypt_init : api.decrypt_init)(context_, kind, nullptr, key, nonce) == 1;
}

bool AeadKey::seal(uint64_t counter, const uint8_t* associated, int associated_length, uint8_t* data, int length) {
  uint8_t nonce[12];
  int done = 0, rest = 0;
  nonce_of(cipher_, counter, nonce);
  return api.encrypt_init(context_, nullptr, nullptr, nullptr, nonce) == 1 &&
         api.encrypt_update(context_, nullptr, &done, associated, associated_length) == 1 &&
         api.encrypt_update(context_, data, &done, data, length) == 1 && done == length &&
         api.encrypt_final(context_, data + done, &rest) == 1 &&
         api.context_ctrl(context_, CTRL_GET_TAG, 16, data + length) == 1;
}

bool AeadKey::open(uint64_t counter, const uint8_t* associated, int associated_length, uint8_t* data, int length) {
  uint8_t nonce[12], final_block[16];
  int done = 0, rest = 0;
  nonce_of(cipher_, counter, nonce);
  return api.decrypt_init(context_, nullptr, nullptr, nullptr, nonce) == 1 &&
         api.context_ctrl(context_, CTRL_SET_TAG, 16, data + length) == 1 &&
         api.decrypt_update(context_, nullptr, &done, associated, associated_length) == 1 &&
         api.decrypt_update(context_, data, &done, data, length) == 1 && done == length &&
         api.decrypt_final(context_, final_block, &rest) == 1;
}

}  // namespace weave
