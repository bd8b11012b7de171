// SipHash-2-4 (Aumasson, Bernstein 2012) of 16 bytes.
#pragma once
#include <cstdint>

#include "bytes.h"

namespace weave {

inline uint64_t siphash_of_16(const uint8_t key[16], const uint8_t data[16]) {
  uint64_t k0 = le64(key), k1 = le64(key + 8);
  uint64_t v0 = 0x736f6d6570736575 ^ k0, v1 = 0x646f72616e646f6d ^ k1, v2 = 0x6c7967656e657261 ^ k0,
           v3 = 0x7465646279746573 ^ k1;
  auto turn = [](uint64_t value, int bits) { return value << bits | value >> (64 - bits); };
  auto rounds = [&](int count) {
    while (count-- > 0) {
      v0 += v1, v1 = turn(v1, 13) ^ v0, v0 = turn(v0, 32);
      v2 += v3, v3 = turn(v3, 16) ^ v2;
      v0 += v3, v3 = turn(v3, 21) ^ v0;
      v2 += v1, v1 = turn(v1, 17) ^ v2, v2 = turn(v2, 32);
    }
  };
  for (uint64_t word : {le64(data), le64(data + 8), uint64_t{16} << 56}) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace weave
