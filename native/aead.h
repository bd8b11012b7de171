// ChaCha20-Poly1305 and AES-256-GCM by the OpenSSL that the process already holds (Node.js exports EVP_*), else libcrypto.so.3.
#pragma once
#include <cstdint>

namespace weave {

enum class Cipher : uint8_t { aes256gcm = 1, chacha20poly1305 = 2 };

// Resolves the functions and runs a known-answer test of both ciphers, once per process. Null, or what is wrong.
const char* aead_load();

void cleanse(void* bytes, unsigned long length);

// A key in one direction; used by one thread at a time. The nonce is 4 zero bytes and the counter (Noise §12).
class AeadKey {
 public:
  AeadKey() = default;
  ~AeadKey();
  AeadKey(const AeadKey&) = delete;
  AeadKey& operator=(const AeadKey&) = delete;

  bool ready() const { return context_ != nullptr; }
  bool init(Cipher cipher, const uint8_t key[32], bool sealing);
  // Seals `length` bytes in place and writes the 16-byte tag behind them.
  bool seal(uint64_t counter, const uint8_t* associated, int associated_length, uint8_t* data, int length);
  // Opens `length` bytes in place; the tag lies behind them. False when it does not match.
  bool open(uint64_t counter, const uint8_t* associated, int associated_length, uint8_t* data, int length);

 private:
  void* context_ = nullptr;
  Cipher cipher_ = Cipher::chacha20poly1305;
};

}  // namespace weave
